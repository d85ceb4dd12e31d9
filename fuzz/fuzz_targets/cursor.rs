//! Cursors: what was written is read back, whatever else comes is refused or harmless (API-5).
#![no_main]

use arbitrary::Arbitrary;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kartoteka_domain::cursor::{decode, encode};
use kartoteka_persistence::contacts::list::{COLUMNS, Column};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use uuid::Uuid;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    list: &'a str,
    /// Columns of the order.
    sort: Vec<u8>,
    keys: Vec<Key<'a>>,
    id: u128,
    /// What somebody sends as a cursor.
    raw: &'a str,
    /// What somebody puts inside of one.
    forged: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Key<'a> {
    Null,
    Text(&'a str),
    Whole(i64),
    Flag(bool),
    Double(f64),
}

impl Key<'_> {
    fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => (*text).into(),
            Self::Whole(whole) => (*whole).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Double(double) => (*double).into(),
        }
    }
}

type Position = (Vec<Value>, Uuid);

/// Reads it as every kind of list does; what is taken must be a bind of the types of the order.
fn read(list: &str, cursor: &str, sort: &[&Column]) -> Option<Position> {
    let _ = decode::<Uuid>(list, cursor);
    let _ = decode::<(String, Uuid)>(list, cursor);
    let _ = decode::<u64>(list, cursor);
    let position: Position = decode(list, cursor)?;
    for (column, value) in sort.iter().zip(&position.0) {
        if column.bind(value).is_some() {
            assert!(
                !value.as_str().is_some_and(|text| text.contains('\0')),
                "PostgreSQL takes no NUL"
            );
            assert!(!value.is_object() && !value.is_array());
        }
    }
    Some(position)
}

fuzz_target!(|input: Input<'_>| {
    let list = input.list;
    let sort: Vec<&Column> =
        input.sort.iter().map(|n| &COLUMNS[usize::from(*n) % COLUMNS.len()]).collect();

    // what was written is read back, by the same list only
    let keys: Vec<Value> = input.keys.iter().map(Key::json).collect();
    let id = Uuid::from_u128(input.id);
    let cursor = encode(list, &(&keys, id)).expect("JSON can be written");
    assert!(
        cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
        "fits into a URL"
    );
    assert_eq!(read(list, &cursor, &sort), Some((keys, id)));
    assert_eq!(read(&format!("{list} "), &cursor, &sort), None, "a cursor of another list");

    // whatever comes is refused, or is what could have been written
    read(list, input.raw, &sort);
    let forged = [
        URL_SAFE_NO_PAD.encode(input.forged),
        URL_SAFE_NO_PAD.encode(
            [b"[", Value::from(list).to_string().as_bytes(), b",", input.forged, b"]"].concat(),
        ),
    ];
    for cursor in forged {
        if let Some(position) = read(list, &cursor, &sort) {
            let again = encode(list, &position).expect("JSON can be written");
            assert_eq!(read(list, &again, &sort), Some(position));
        }
    }
});
