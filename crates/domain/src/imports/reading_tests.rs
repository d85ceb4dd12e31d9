//! Files as they come, and the rows that are made of them.

use std::io::{self, Read};

use proptest::prelude::*;

use super::dialect::{Delimiter, Dialect, LineEnding, Quote, detect_dialect};
use super::encoding::{Encoding, detect_encoding};
use super::encoding_tests::encode;
use super::reader::{FirstRow, MAX_CELL, ReadError, Row, RowFault, RowReader, unprotected};
use super::refusal::{Refusal, sniff_refusal};
use super::source::{Overrides, PeekError, Source, peek};

fn seen(bytes: &[u8]) -> Source {
    peek(bytes, detect_encoding(bytes, true), Overrides::default()).unwrap()
}

type Read1 = (Vec<String>, Vec<(u64, Vec<String>, Vec<RowFault>)>);

/// Header, and of each row that is not empty: line, cells, faults.
fn read_all(bytes: &[u8], first_row: FirstRow) -> Read1 {
    let source = seen(bytes);
    let mut reader = source.rows(bytes, first_row).unwrap();
    let header = reader.header().unwrap().to_vec();
    let mut row = Row::new();
    let mut rows = Vec::new();
    while reader.next_row(&mut row).unwrap() {
        if !row.is_empty() || !row.faults().is_empty() {
            let cells = row.cells().map(str::to_owned).collect();
            rows.push((row.line(), cells, row.faults().to_vec()));
        }
    }
    (header, rows)
}

fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let (header, rows) = read_all(bytes, FirstRow::Header);
    assert!(rows.iter().all(|(_, _, faults)| faults.is_empty()), "{rows:?}");
    std::iter::once(header).chain(rows.into_iter().map(|(_, cells, _)| cells)).collect()
}

/// IMP-3: corner cases of RFC 4180 (the cases are those of csv-spectrum).
#[test]
fn reads_what_is_valid() {
    let table: [(&str, &[&[&str]]); 11] = [
        (
            "first,last,city\nJohn,Doe,\"Anytown, WW\"",
            &[&["first", "last", "city"], &["John", "Doe", "Anytown, WW"]],
        ),
        ("a,b,c\r\n1,\"\",\"\"\r\n2,3,4", &[&["a", "b", "c"], &["1", "", ""], &["2", "3", "4"]]),
        ("a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n", &[&["a", "b"], &["1", "ha \"ha\" ha"], &["3", "4"]]),
        (
            "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\n",
            &[&["key", "val"], &["1", "{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}"]],
        ),
        (
            "a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n",
            &[
                &["a", "b", "c"],
                &["1", "2", "3"],
                &["Once upon \na time", "5", "6"],
                &["7", "8", "9"],
            ],
        ),
        (
            "a,b,c\r\n1,2,3\r\n\"Once upon \r\na time\",5,6\r\n7,8,9\r\n",
            &[
                &["a", "b", "c"],
                &["1", "2", "3"],
                &["Once upon \r\na time", "5", "6"],
                &["7", "8", "9"],
            ],
        ),
        (
            "a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n",
            &[&["a", "b"], &["1", "ha \n\"ha\" \nha"], &["3", "4"]],
        ),
        ("a,b,c\n1,2,3\n4,5,ʤ\n", &[&["a", "b", "c"], &["1", "2", "3"], &["4", "5", "ʤ"]]),
        ("a,b\r\n1,2\n3,4\r5,6", &[&["a", "b"], &["1", "2"], &["3", "4"], &["5", "6"]]),
        (
            "email\tname\ra@x.cz\tJan\rb@x.cz\tEva",
            &[&["email", "name"], &["a@x.cz", "Jan"], &["b@x.cz", "Eva"]],
        ),
        (
            "email, \"note\"\na@x.cz, \"one, two\" \n",
            &[&["email", "note"], &["a@x.cz", "one, two"]],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(cells(text.as_bytes()), expected, "{text:?}");
    }
}

/// IMP-3: delimiter, header, preamble and line ends of lists as people make them.
#[test]
fn finds_how_a_list_is_written() {
    use Delimiter::{Comma, Pipe, Semicolon, Tab};
    // text, delimiter, lines above the table, columns, header guess
    let table: [(&str, Delimiter, u64, usize, bool); 26] = [
        (
            "Jméno,Příjmení,Email,Telefon,Firma,Pozice\r\nJan,Novák,jan@firma.cz,,,\r\n",
            Comma,
            0,
            6,
            true,
        ),
        ("Jméno;Příjmení;Rodné Číslo;Věk;E-mail;Telefon\r\n", Semicolon, 0, 6, true),
        ("Jméno\tPříjmení\tE-mail\nJan\tNovák\tj@x.cz\n", Tab, 0, 3, true),
        ("Jméno|Příjmení|E-mail\nJan|Novák|j@x.cz\n", Pipe, 0, 3, true),
        ("sep=;\r\nemail;score\r\na@x.cz;1,5\r\n", Semicolon, 1, 2, true),
        ("\"sep=|\"\nemail|score\na@x.cz|1\n", Pipe, 1, 2, true),
        ("email;score\r\na@x.cz;1,5\r\nb@x.cz;2,5\r\n", Semicolon, 0, 2, true),
        ("a@x.cz;1,5\r\nb@x.cz;2,5\r\nc@x.cz;13,25\r\n", Semicolon, 0, 2, false),
        ("email,tags\na@x.cz,vip;new\nb@x.cz,vip\n", Comma, 0, 2, true),
        ("a@x.cz\nb@x.cz\nc@x.cz\n", Comma, 0, 1, false),
        ("email\na@x.cz\nb@x.cz\n", Comma, 0, 1, true),
        (
            "Export kontaktů 21.11.2026\r\nFirma s.r.o.\r\n\r\nPříjmení;Jméno;E-mail\r\nNovák;Jan;j@x.cz\r\n",
            Semicolon,
            3,
            3,
            true,
        ),
        ("Kontakty;;\r\nPříjmení;Jméno;E-mail\r\nNovák;Jan;j@x.cz\r\n", Semicolon, 1, 3, true),
        ("\r\n\r\nemail;name\r\na@x.cz;Jan\r\n", Semicolon, 2, 2, true),
        (
            "Notes:\n\"When exporting, some addresses are missing, and so on.\"\n\n\
             First Name,Last Name,URL,Email Address,Company,Position,Connected On\n\
             Ada,Novak,https://example.com/in/ada,,Example,Engineer,01 Jan 2024\n",
            Comma,
            3,
            7,
            true,
        ),
        ("Seznam členů\n\nemail\na@x.cz\nb@x.cz\n", Comma, 2, 1, true),
        (
            "test@testtest.com;+420111222333;Jan Novák\r\neva@test.cz;+420222333444;Eva Nováková\r\n",
            Semicolon,
            0,
            3,
            false,
        ),
        ("Jan\nEva,eva@x.cz\nPetr,petr@x.cz\n", Comma, 0, 2, false),
        ("email,email,,name,\r\na@x.cz,b@x.cz,1,Jan,2\r\n", Comma, 0, 5, true),
        ("'email';'name'\n'a@x.cz';'Jan'\n", Semicolon, 0, 2, true),
        ("email;note\na@x.cz;\"one; two\nthree; four\"\nb@x.cz;x\n", Semicolon, 0, 2, true),
        ("Email Address,TAGS,NOTES\nmc@x.cz,\"\"\"VIP\"\",\"\"Blog\"\"\",\n", Comma, 0, 3, true),
        ("Název;Adresa\nPekárna;Dlouhá 1, Praha\nŘezník;Krátká 2, Brno\n", Semicolon, 0, 2, true),
        ("Jan Novák <jan@x.cz>\nEva Nová <eva@x.cz>\n", Comma, 0, 1, false),
        ("name;born;paid\nJan;1. 2. 1990;1 200,50\nEva;3. 4. 1991;300,00\n", Semicolon, 0, 3, true),
        ("Jan,Novák\nEva,Nová\n", Comma, 0, 2, false),
    ];
    for (text, delimiter, skip, columns, header) in table {
        let source = seen(text.as_bytes());
        let found = (
            source.dialect.delimiter,
            source.dialect.skip_lines,
            source.columns,
            source.header_guess,
        );
        if columns == 1 {
            assert_eq!((found.1, found.2, found.3), (skip, columns, header), "{text:?}");
        } else {
            assert_eq!(found, (delimiter, skip, columns, header), "{text:?}");
        }
    }
}

/// IMP-2, IMP-3: addresses pasted from a mail program are one line and many contacts.
#[test]
fn a_line_of_addresses_is_a_list() {
    let table: [(&str, &[&str]); 4] = [
        ("a@x.cz; b@x.cz; c@x.cz", &["a@x.cz", " b@x.cz", " c@x.cz"]),
        ("Jan Novák <a@x.cz>, Eva Malá <b@x.cz>", &["Jan Novák <a@x.cz>", " Eva Malá <b@x.cz>"]),
        (
            "\"Novák, Jan\" <a@x.cz>; \"Malá, Eva\" <b@x.cz>;\r\n",
            &["\"Novák, Jan\" <a@x.cz>", "\"Malá, Eva\" <b@x.cz>"],
        ),
        (
            "\"Jan Novák\" <a@x.cz>\n\"Eva Malá\" <b@x.cz>\n",
            &["\"Jan Novák\" <a@x.cz>", "\"Eva Malá\" <b@x.cz>"],
        ),
    ];
    for (text, expected) in table {
        assert!(!seen(text.as_bytes()).header_guess);
        let (_, rows) = read_all(text.as_bytes(), FirstRow::Data);
        let found: Vec<&str> = rows.iter().map(|(_, cells, _)| cells[0].as_str()).collect();
        assert_eq!(found, expected, "{text:?}");
        assert!(rows.iter().all(|(_, cells, faults)| cells.len() == 1 && faults.is_empty()));
    }
    assert_eq!(seen(b"a@x.cz;b@x.cz\nc@x.cz;d@x.cz\n").columns, 2);
}

/// IMP-3: line ends are told; those inside of cells are not line ends of the list.
#[test]
fn tells_line_ends_and_quotes() {
    let kind = |text| detect_dialect(text).line_ending;
    assert_eq!(kind("a,b\r\n1,2\r\n"), LineEnding::CrLf);
    assert_eq!(kind("a,b\n1,2\n"), LineEnding::Lf);
    assert_eq!(kind("a,b\r1,2\r"), LineEnding::Cr);
    assert_eq!(kind("a,b\r\n1,2\n"), LineEnding::Mixed);
    assert_eq!(kind("a,b\r\n1,\"2\n3\"\r\n"), LineEnding::CrLf);
    assert_eq!(kind("a,b\r\r\n1,2\r\r\n"), LineEnding::CrLf);
    assert_eq!(detect_dialect("'a';'b'\n'1';'2'\n").quote, Quote::Single);
    assert_eq!(detect_dialect("a;b\n'1';O'Brien\n").quote, Quote::Double);
    assert_eq!(cells(b"'email';'name'\n'a@x.cz';'O''Brien'\n")[1], ["a@x.cz", "O'Brien"]);
}

/// IMP-20: what is broken is read as a person would, and told.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn reads_and_tells_what_is_broken() {
    use RowFault::{NulCharacter, TooFewCells, TooManyCells, UnclosedQuote, Undecodable};
    type Rows<'a> = &'a [(u64, &'a [&'a str], &'a [RowFault])];
    let table: [(&[u8], Rows<'_>); 17] = [
        (
            b"email,note\r\na@x.cz,\"never closed\r\nb@x.cz,ok\r\n",
            &[
                (2, &["a@x.cz", "never closed"], &[UnclosedQuote { column: 1 }]),
                (3, &["b@x.cz", "ok"], &[]),
            ],
        ),
        (
            b"email,note\na@x.cz,\"never\nb@x.cz,\"fine, yes\"\nc@x.cz,\"two\nlines\"\n",
            &[
                (2, &["a@x.cz", "never"], &[UnclosedQuote { column: 1 }]),
                (3, &["b@x.cz", "fine, yes"], &[]),
                (4, &["c@x.cz", "two\nlines"], &[]),
            ],
        ),
        (
            b"\"email\",\"note\"\n\"a@x.cz\",\"never\n\"b@x.cz\",\"ok\"\n",
            &[
                (2, &["a@x.cz", "never"], &[UnclosedQuote { column: 1 }]),
                (3, &["b@x.cz", "ok"], &[]),
            ],
        ),
        (b"email,note\na@x.cz,\"end", &[(2, &["a@x.cz", "end"], &[UnclosedQuote { column: 1 }])]),
        (
            b"email,name\na@x.cz,\"Firm \"ABC\" Ltd\"\nb@x.cz,5\" disk\n",
            &[(2, &["a@x.cz", "Firm \"ABC\" Ltd"], &[]), (3, &["b@x.cz", "5\" disk"], &[])],
        ),
        (
            b"email,name\na@x.cz,\"ABC\" Ltd\nb@x.cz,x\n",
            &[(2, &["a@x.cz", "\"ABC\" Ltd"], &[]), (3, &["b@x.cz", "x"], &[])],
        ),
        (
            b"email,name\r\na@x.cz,J\0an\r\n\0\0,\r\n",
            &[
                (2, &["a@x.cz", "Jan"], &[NulCharacter { column: 1 }]),
                (3, &["", ""], &[NulCharacter { column: 0 }]),
            ],
        ),
        (
            b"email,name\r\na@x.cz,J\xc3(an\r\n",
            &[(2, &["a@x.cz", "J\u{fffd}(an"], &[Undecodable { column: 1 }])],
        ),
        (
            b"email,name\na@x.cz,Jan,extra\nb@x.cz,Eva,\n,,,\nc@x.cz\n",
            &[
                (2, &["a@x.cz", "Jan", "extra"], &[TooManyCells { found: 3, expected: 2 }]),
                (3, &["b@x.cz", "Eva", ""], &[]),
                (5, &["c@x.cz"], &[TooFewCells { found: 1, expected: 2 }]),
            ],
        ),
        (
            b"email,name\n\"a@x.cz\",\"Eva\"\"\n\"b@x.cz\",\"Jan\"\n",
            &[
                (2, &["a@x.cz", "Eva"], &[UnclosedQuote { column: 1 }]),
                (3, &["b@x.cz", "Jan"], &[]),
            ],
        ),
        (b"email;name\na@x.cz;Jan\n;;\n;;\n;;\n", &[(2, &["a@x.cz", "Jan"], &[])]),
        (b"email,name,\na@x.cz,Jan\n", &[(2, &["a@x.cz", "Jan"], &[])]),
        (b"email,name\r\n\r\na@x.cz,Jan\r\n  ,\xc2\xa0\r\n\x1a", &[(3, &["a@x.cz", "Jan"], &[])]),
        (
            b"email,name\r\r\na@x.cz,Jan\r\r\nb@x.cz,Eva\r\r\n",
            &[(2, &["a@x.cz", "Jan"], &[]), (3, &["b@x.cz", "Eva"], &[])],
        ),
        (
            b"email,name\na@x.cz,\"\"\nb@x.cz,\"\"\"\"\n",
            &[(2, &["a@x.cz", ""], &[]), (3, &["b@x.cz", "\""], &[])],
        ),
        (b"\xef\xbb\xbf\xef\xbb\xbfemail,name\na@x.cz,Jan", &[(2, &["a@x.cz", "Jan"], &[])]),
        (b"email;phone\r\na@x.cz;4.20602E+11\r\n", &[(2, &["a@x.cz", "4.20602E+11"], &[])]),
    ];
    for (bytes, expected) in table {
        let (header, rows) = read_all(bytes, FirstRow::Header);
        assert_eq!(header[0], "email");
        let rows: Vec<(u64, Vec<&str>, &[RowFault])> = rows
            .iter()
            .map(|(line, cells, faults)| {
                (*line, cells.iter().map(String::as_str).collect(), faults.as_slice())
            })
            .collect();
        let expected: Vec<(u64, Vec<&str>, &[RowFault])> =
            expected.iter().map(|(line, cells, faults)| (*line, cells.to_vec(), *faults)).collect();
        assert_eq!(rows, expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

/// IMP-3: the same list in every encoding that people save it in.
#[test]
fn the_same_rows_in_every_encoding() {
    let text = "Jméno;Příjmení;E-mail;Telefon\r\nŽofie;Řeháková;zofie@example.cz;+420 602 123 456\r\n\
                Łukasz;Świerk;l@example.pl;501 123 456\r\nGyőző;Fűrész;gy@example.hu;06 20 123 4567\r\n";
    let expected = cells(text.as_bytes());
    assert_eq!(expected[3], ["Győző", "Fűrész", "gy@example.hu", "06 20 123 4567"]);
    for encoding in Encoding::ALL {
        let Some(bytes) = encode(text, encoding) else { continue };
        assert_eq!(cells(&bytes), expected, "{encoding}");
    }
}

/// IMP-3: what the user says outweighs what was found.
#[test]
fn overrides_win() {
    let bytes = encode("jméno;poznámka,delší\r\n", Encoding::Windows1250).unwrap();
    let overrides =
        Overrides { encoding: Some(Encoding::Cp852), delimiter: Some(Delimiter::Comma) };
    let source = peek(&bytes, detect_encoding(&bytes, true), overrides).unwrap();
    assert_eq!((source.encoding, source.dialect.delimiter), (Encoding::Cp852, Delimiter::Comma));
    assert_eq!(source.preview[0].len(), 2);
}

/// IMP-20: files that are no lists are named, not read.
#[test]
fn refuses_what_is_no_list() {
    let noise: Vec<u8> =
        (0..4_096_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let table: [(&[u8], Refusal); 19] = [
        (b"", Refusal::Empty),
        (b" \r\n\t\r\n", Refusal::Empty),
        (b"\xef\xbb\xbf\r\n", Refusal::Empty),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0[Content_Types].xml", Refusal::Workbook),
        (b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", Refusal::Workbook),
        (b"PK\x03\x04\x14\0\0\0\x08\0contacts.csv", Refusal::Zip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", Refusal::OldWorkbook),
        (b"\x1f\x8b\x08\0", Refusal::Compressed),
        (b"%PDF-1.7\n", Refusal::Pdf),
        (b"\x89PNG\r\n\x1a\n\0\0", Refusal::Image),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Refusal::Image),
        (b"\r\n<!DOCTYPE html><html>", Refusal::Html),
        (b"<table border=1><tr><td>email", Refusal::Html),
        (b"<?xml version=\"1.0\"?><Workbook>", Refusal::Xml),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", Refusal::VCard),
        (b"[{\"email\":\"a@x.cz\"}]", Refusal::Json),
        (b"{\\rtf1\\ansi", Refusal::RichText),
        (b"\0\0\0\0\0\0\0\0", Refusal::Binary),
        (&noise, Refusal::Binary),
    ];
    for (head, expected) in table {
        assert_eq!(sniff_refusal(head), Some(expected), "{:?}", String::from_utf8_lossy(head));
    }
    for list in
        [&b"email,name\na@x.cz,J\0an\n"[..], b"<jan@x.cz>\n", b"{name};email\n", b"PK;email\n"]
    {
        assert_eq!(sniff_refusal(list), None);
    }
}

/// IMP-20: white space and delimiters are no list, in any encoding.
#[test]
fn refuses_empty_tables() {
    for bytes in [
        &b",,,,\n,,,\n"[..],
        b";;\r\n",
        b"\xff\xfe\r\0\n\0",
        b"\xef\xbb\xbf",
        b"\"\";\"\"\n",
        b"\x1a",
    ] {
        let error = peek(bytes, detect_encoding(bytes, true), Overrides::default());
        assert_eq!(error, Err(PeekError::Refused(Refusal::Empty)), "{bytes:?}");
    }
}

/// IMP-20: ten thousand columns are refused, a sheet exported to its last column is not.
#[test]
fn refuses_too_many_columns() {
    let wide = (0..10_000).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    let error = peek(wide.as_bytes(), detect_encoding(wide.as_bytes(), true), Overrides::default());
    assert_eq!(error, Err(PeekError::TooManyColumns { columns: 10_000 }));
    let padded = format!("email,name{}\na@x.cz,Jan{}\n", ",".repeat(16_382), ",".repeat(16_382));
    let source = seen(padded.as_bytes());
    assert_eq!(source.columns, 2);
    let (_, rows) = read_all(padded.as_bytes(), FirstRow::Header);
    assert_eq!(rows[0].2, []);
    // without a look at the head the reader itself refuses
    let mut reader = RowReader::new(wide.as_bytes(), &source.dialect, FirstRow::Header, 0);
    assert!(matches!(reader.header(), Err(ReadError::TooManyColumns { columns: 10_000 })));
}

/// A source that goes on for ever, in pieces.
struct Endless {
    start: &'static [u8],
    then: u8,
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.start.is_empty() {
            return self.start.read(into);
        }
        let many = into.len().min(self.left);
        into[..many].fill(self.then);
        self.left -= many;
        Ok(many)
    }
}

/// IMP-20: a cell of megabytes is left out and told, quoted or not, and takes no memory.
#[test]
fn drops_cells_of_megabytes() {
    let big = "x".repeat(MAX_CELL + 1);
    for cell in [big.clone(), format!("\"{big}\"")] {
        let text = format!("email,note,name\na@x.cz,{cell},Jan\nb@x.cz,ok,Eva\n");
        let (_, rows) = read_all(text.as_bytes(), FirstRow::Header);
        assert_eq!(rows[0].1, ["a@x.cz", "", "Jan"]);
        assert_eq!(rows[0].2, [RowFault::CellTooLarge { column: 1 }]);
        assert_eq!(rows[1].1, ["b@x.cz", "ok", "Eva"]);
    }
    let source = seen(b"email,note\na@x.cz,b\n");
    for start in [&b"email,note\na@x.cz,"[..], b"email,note\na@x.cz,\""] {
        let endless = Endless { start, then: b'x', left: 100 << 20 };
        let mut reader = RowReader::new(endless, &source.dialect, FirstRow::Header, 2);
        let mut row = Row::new();
        assert!(reader.next_row(&mut row).unwrap());
        assert_eq!((row.cell(0), row.cell(1)), ("a@x.cz", ""));
        assert!(row.faults().contains(&RowFault::CellTooLarge { column: 1 }));
        assert!(reader.held() < 4 << 20);
        assert!(!reader.next_row(&mut row).unwrap());
    }
}

/// IMP-20: a quote that never closes costs its own row only, however long the file is.
#[test]
fn an_open_quote_swallows_nothing() {
    let mut text = "email,note\na@x.cz,\"open\n".to_owned();
    (0..200_000).for_each(|i| text.push_str(&format!("c{i}@x.cz,n\n")));
    let (_, rows) = read_all(text.as_bytes(), FirstRow::Header);
    assert_eq!(rows.len(), 200_001);
    assert_eq!(rows.iter().filter(|(_, _, faults)| !faults.is_empty()).count(), 1);
    // a megabyte of lines that are short of the limit in number
    let mut text = "email,note\na@x.cz,\"open\n".to_owned();
    (0..900).for_each(|i| text.push_str(&format!("c{i}@x.cz,{}\n", "n".repeat(2_000))));
    assert_eq!(read_all(text.as_bytes(), FirstRow::Header).1.len(), 901);
}

/// IMP-16: rows and lines are counted as an editor would count them.
#[test]
fn counts_rows_and_lines() {
    let text = "Title\r\n\r\nemail,note\r\na@x.cz,\"1\r\n2\"\r\n\r\nb@x.cz,x\r\n";
    let source = seen(text.as_bytes());
    let mut reader = source.rows(text.as_bytes(), FirstRow::Header).unwrap();
    let mut row = Row::new();
    let mut places = Vec::new();
    while reader.next_row(&mut row).unwrap() {
        places.push((row.number(), row.line(), row.is_empty()));
    }
    assert_eq!(places, [(1, 4, false), (2, 6, true), (3, 7, false)]);
}

#[test]
fn spreadsheets_protect_text() {
    assert_eq!(unprotected("=\"0042\""), "0042");
    assert_eq!(unprotected("'+420601"), "+420601");
    assert_eq!(unprotected("'t Hooft"), "'t Hooft");
    assert_eq!(unprotected(" x "), " x ");
}

/// IMP-20: rows of a debug print hold no personal data.
#[test]
fn debug_shows_no_cells() {
    let mut reader =
        RowReader::new(&b"a@x.cz,Jan"[..], &plain(Delimiter::Comma), FirstRow::Data, 0);
    let mut row = Row::new();
    assert!(reader.next_row(&mut row).unwrap());
    assert!(!format!("{row:?}").contains("Jan"));
}

fn plain(delimiter: Delimiter) -> Dialect {
    Dialect {
        delimiter,
        quote: Quote::Double,
        line_ending: LineEnding::CrLf,
        sep_line: false,
        skip_lines: 0,
        one_line: false,
    }
}

fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    let cell =
        prop_oneof!["[a-zA-Zá-ž0-9 @.+-]{0,12}", "[,;|\t\"' \r\na-c]{0,8}", Just(String::new()),];
    (1_usize..6).prop_flat_map(move |width| {
        proptest::collection::vec(proptest::collection::vec(cell.clone(), width), 1..12)
    })
}

proptest! {
    /// IMP-3: what a writer of RFC 4180 wrote comes back, in every delimiter, line end and encoding.
    #[test]
    fn written_rows_come_back(
        rows in table(),
        which in 0_usize..4,
        crlf in any::<bool>(),
        always in any::<bool>(),
        wide in 0_usize..3,
    ) {
        let delimiter = Delimiter::ALL[which];
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter.byte())
            .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let encoding = Encoding::ALL[wide];
        let bytes = encode(&text, encoding).unwrap();
        let decoded = super::transcode::Decoder::new(bytes.as_slice(), encoding);
        let mut reader = RowReader::new(decoded, &plain(delimiter), FirstRow::Data, rows[0].len());
        let mut row = Row::new();
        let mut back = Vec::new();
        while reader.next_row(&mut row).unwrap() {
            prop_assert_eq!(row.faults(), &[]);
            back.push(row.cells().map(str::to_owned).collect::<Vec<_>>());
        }
        prop_assert_eq!(back, rows);
    }

    /// IMP-20: no bytes break anything on the way to rows, and every line is accounted for.
    #[test]
    fn no_bytes_break_the_way(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(source) = peek(&bytes, detect_encoding(&bytes, true), Overrides::default()) {
            let mut reader = source.rows(bytes.as_slice(), FirstRow::Data).unwrap();
            let mut row = Row::new();
            while reader.next_row(&mut row).unwrap() {}
        }
    }

    /// IMP-20: no text of quotes, delimiters and line ends loses a letter.
    #[test]
    fn no_letter_is_lost(text in "[ab,;\"\r\n ]{0,60}") {
        let mut reader = RowReader::new(text.as_bytes(), &plain(Delimiter::Comma), FirstRow::Data, 900);
        let mut row = Row::new();
        let mut letters = 0;
        while reader.next_row(&mut row).unwrap() {
            letters += row.cells().flat_map(str::chars).filter(|c| "ab".contains(*c)).count();
        }
        prop_assert_eq!(letters, text.chars().filter(|c| "ab".contains(*c)).count());
    }

    /// IMP-20: pieces the bytes arrive in do not matter.
    #[test]
    fn pieces_do_not_matter(text in "[ab,\"\r\n é]{0,80}", size in 1_usize..7) {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let many = self.0.len().min(self.1).min(into.len());
                let (now, later) = self.0.split_at(many);
                into[..many].copy_from_slice(now);
                self.0 = later;
                Ok(many)
            }
        }
        let mut whole = RowReader::new(text.as_bytes(), &plain(Delimiter::Comma), FirstRow::Data, 0);
        let mut pieces = RowReader::new(Pieces(text.as_bytes(), size), &plain(Delimiter::Comma), FirstRow::Data, 0);
        let (mut a, mut b) = (Row::new(), Row::new());
        loop {
            let more = whole.next_row(&mut a).unwrap();
            prop_assert_eq!(more, pieces.next_row(&mut b).unwrap());
            if !more {
                break;
            }
            prop_assert_eq!(a.cells().collect::<Vec<_>>(), b.cells().collect::<Vec<_>>());
            prop_assert_eq!((a.line(), a.faults()), (b.line(), b.faults()));
        }
    }
}

/// IMP-3, IMP-20
#[test]
fn a_header_tells_the_delimiter_however_ragged_the_rows_are() {
    let text = "email,first name,last name\na@example.cz\nb@example.cz,Bára,Malá,extra,more\n,,\n\nc@example.cz,Cyril,Nový\n";
    assert_eq!(detect_dialect(text).delimiter, Delimiter::Comma);
    let text = "Jméno;E-mail;Telefon\nJana\nPetr\nEva\nIva;i@example.cz\n";
    assert_eq!(detect_dialect(text).delimiter, Delimiter::Semicolon);
}
