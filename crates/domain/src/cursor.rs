//! A cursor: where a page of a list ended, for the client to hand back. Opaque, not secret.
//!
//! It names the list and its order beside the place, so that a cursor of another list is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes the cursor of a place in a list.
///
/// # Errors
/// `at` cannot be written as JSON.
pub fn encode<T: Serialize>(list: &str, at: &T) -> Result<String, serde_json::Error> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, at))?))
}

/// Reads a cursor made by [`encode`] for the same list; `None` when it is anything else.
#[must_use]
pub fn decode<T: DeserializeOwned>(list: &str, cursor: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (of, at): (String, T) = serde_json::from_slice(&bytes).ok()?;
    (of == list).then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<String>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
        ]
    }

    proptest! {
        /// CON-4: what was written is read back, by the same list only.
        #[test]
        fn what_was_written_is_read_back(
            list in any::<String>(),
            keys in proptest::collection::vec(value(), 0..4),
            id in any::<u128>(),
        ) {
            let cursor = encode(&list, &(&keys, id.to_string())).unwrap();
            prop_assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            let back: Option<(Vec<Value>, String)> = decode(&list, &cursor);
            prop_assert_eq!(back, Some((keys, id.to_string())));
            let other: Option<(Vec<Value>, String)> = decode(&format!("{list} "), &cursor);
            prop_assert_eq!(other, None);
        }

        /// CON-4: whatever is sent as a cursor is refused, or is one.
        #[test]
        fn no_text_panics(raw in any::<String>(), inside in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode::<(Vec<Value>, String)>("l", &raw);
            let forged = URL_SAFE_NO_PAD.encode([b"[\"l\",", inside.as_slice(), b"]"].concat());
            if let Some(at) = decode::<Value>("l", &forged) {
                let again = encode("l", &at).unwrap();
                prop_assert_eq!(decode::<Value>("l", &again), Some(at));
            }
        }
    }
}
