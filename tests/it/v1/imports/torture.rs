//! Broken and odd files, from the upload to the contact: read as a person would read them, what is lost is
//! told, and no row disappears.

use serde_json::json;

use kartoteka_tests::TestApp;

use super::outcome::{accounted, compare, fixtures, of, send};

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

/// In an encoding of one byte a letter; whatever it has no letter for stops the test.
fn encoded(text: &str, encoding: &'static encoding_rs::Encoding) -> Vec<u8> {
    let (bytes, _, unmappable) = encoding.encode(text);
    assert!(!unmappable);
    bytes.into_owned()
}

/// What the fixtures do not have.
fn more() -> Vec<(String, Vec<u8>)> {
    let list = "Jméno;Příjmení;E-mail\r\nŽofie;Šťastná;zofie@example.cz\r\nŘehoř;Ťulák;rehor@example.cz\r\n";
    let text = |text: &str| text.as_bytes().to_vec();
    let mut spoilt = text(
        "email,jméno,poznámka\na@example.cz,Žofie,příští týden\nb#@example.cz,Řehoř,\nc@example.cz,Čeněk,něco #\n",
    );
    spoilt.iter_mut().filter(|byte| **byte == b'#').for_each(|byte| *byte = 0xff);
    vec![
        ("utf-16le without mark".into(), utf16(list, u16::to_le_bytes)),
        ("utf-16be without mark".into(), utf16(list, u16::to_be_bytes)),
        ("utf-16le with mark".into(), utf16(&format!("\u{feff}{list}"), u16::to_le_bytes)),
        ("iso-8859-2".into(), encoded(list, encoding_rs::ISO_8859_2)),
        ("windows-1250".into(), encoded(list, encoding_rs::WINDOWS_1250)),
        ("sep= line".into(), text(&format!("sep=;\r\n{list}"))),
        (
            "sep= line against the looks".into(),
            text("sep=|\r\nName|E-mail\r\nMalá, Jana|jana@example.cz\r\n"),
        ),
        (
            "lone carriage returns".into(),
            text("email,first name\ra@example.cz,Anna\rb@example.cz,Bára\r"),
        ),
        (
            "mixed line ends".into(),
            text("email,first name\r\na@example.cz,Anna\nb@example.cz,Bára\rc@example.cz,Cyril"),
        ),
        (
            "ragged".into(),
            text(
                "email,first name,last name\na@example.cz\nb@example.cz,Bára,Malá,extra,more\n,,\n\nc@example.cz,Cyril,Nový\n",
            ),
        ),
        (
            "line breaks in quotes".into(),
            text(
                "email,poznámka\r\na@example.cz,\"první\r\ndruhá\"\r\nb@example.cz,\"tři\n\nčtyři\"\r\n",
            ),
        ),
        (
            "quotes within quotes".into(),
            text(
                "email,firma\r\na@example.cz,\"Vzor \"\"A\"\" s.r.o.\"\r\nb@example.cz,Vzor \"B\" a.s.\r\n",
            ),
        ),
        (
            "quote that never closes".into(),
            text(
                "email,poznámka\r\na@example.cz,\"bez konce\r\nb@example.cz,dobře\r\nc@example.cz,\"také dobře\"\r\n",
            ),
        ),
        (
            "NUL in values".into(),
            text("email,jméno\r\na\0@example.cz,Anna\r\nb@example.cz,B\0ára\r\n"),
        ),
        ("bytes that mean nothing".into(), spoilt),
        (
            "duplicate and empty headers".into(),
            text("E-mail;E-mail;;Jméno;Jméno;\r\na@example.cz;b@example.cz;x;Jan;Josef;y\r\n"),
        ),
        (
            "no header".into(),
            text("anna@example.cz;602123456;Anna Malá\nboris@example.cz;603123456;Boris Velký\n"),
        ),
        (
            "scientific notation".into(),
            text(
                "email;telefon\r\na@example.cz;4,20602E+11\r\nb@example.cz;4.20602E+11\r\nc@example.cz;420602123456,0\r\n",
            ),
        ),
        (
            "invisible characters".into(),
            text(
                "\u{feff}\u{feff}email,jméno\n\u{200b}a@example.cz\u{a0},\u{2060}Anna\u{a0}Malá\u{feff}\n",
            ),
        ),
        (
            "single quotes".into(),
            text("'email';'jméno';'poznámka'\r\n'a@example.cz';'Anna';'l''été; déjà'\r\n"),
        ),
        (
            "protected by apostrophes".into(),
            text(
                "email,telefon,město\na@example.cz,'+420602123456,'s-Hertogenbosch\nb@example.cz,\"=\"\"603123456\"\"\",Brno\n",
            ),
        ),
        (
            "preamble".into(),
            text(
                "Export kontaktů;;\r\nVytvořeno 21. 11. 2026;;\r\n;;\r\nJméno;Příjmení;E-mail\r\nJana;Malá;jana@example.cz\r\n",
            ),
        ),
        (
            "one column of addresses".into(),
            text("a@example.cz\nb@example.cz\n\nnobody\nc@example.cz\n"),
        ),
        (
            "pasted line of addresses".into(),
            text("Jana Malá <jana@example.cz>, petr@example.cz, eva@example.cz"),
        ),
        ("end of file of DOS".into(), text("email;jméno\r\na@example.cz;Anna\r\n\u{1a}")),
        ("pipes".into(), text("Imię|Nazwisko|E-mail\nŁucja|Żak|lucja@example.pl\n")),
    ]
}

/// IMP-3, IMP-20
#[tokio::test]
async fn odd_files_are_read_as_a_person_would() {
    compare(&fixtures("broken"), FIXTURES).await;
}

/// IMP-3, IMP-20
#[tokio::test]
async fn more_odd_files_are_read_as_a_person_would() {
    compare(&more(), MORE).await;
}

/// IMP-20
#[tokio::test]
async fn what_is_too_long_is_left_out_and_told() {
    let app = TestApp::new().await;
    let (cell, line) = ("x".repeat(3 << 20), "y".repeat(1_000_000));
    for (name, long) in
        [("cell", format!("\"{cell}\"")), ("line", line), ("quote", format!("\"{cell}"))]
    {
        let who = app.other_workspace();
        let file = format!("email,note\na@example.cz,{long}\nb@example.cz,short\n");
        let said = of(&app, &who, file.as_bytes()).await;
        assert!(said.contains("rows 2, created 2\n"), "{name}: {said}");
        let code = if name == "line" { "too_long" } else { "cell_too_large" };
        assert!(said.contains(&format!("line 2 created: detail:notes {code}")), "{name}: {said}");
    }
}

/// IMP-20
#[tokio::test]
async fn a_thousand_columns_are_read_and_one_more_is_refused_with_the_number() {
    let app = TestApp::new().await;
    let wide = |columns: usize| {
        let names: Vec<_> = (1..columns).map(|n| format!("c{n}")).collect();
        format!("email,{}\na@example.cz{}\n", names.join(","), ",".repeat(columns - 1))
    };
    let (id, sent) = send(&app, wide(1_000).as_bytes()).await;
    assert_eq!(sent.expect(200).json["source"]["columns"], 1_000);
    app.put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": "header" }))
        .await
        .expect(200);
    app.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await.expect(200);
    app.put(format!("/imports/{id}/matching")).json(&json!({ "mode": "none" })).await.expect(202);
    app.run_jobs().await;
    assert_eq!(accounted(&app, &id).await["outcomes"]["create"], 1);

    let (_, sent) = send(&app, wide(1_001).as_bytes()).await;
    let refused = sent.expect_problem(422, "import_too_many_columns", &[]);
    assert!(refused.text_at("/detail").contains("1001 columns"), "{refused:?}");
}

const FIXTURES: &str = r#"
== 01_cp1250_semicolon.csv
windows-1250 ; crlf header
4 of 4 columns: first_name last_name email phone
rows 3, created 3
line 4 created: phone invalid_phone "06 20 123 4567"
first: first_name Žofie, last_name Řeháková, email zofie@example.cz, phone +420602123456
== 03_utf8_bom.csv
utf-8 bom ; crlf header
4 of 4 columns: first_name last_name email phone
rows 3, created 3
line 4 created: phone invalid_phone "06 20 123 4567"
first: first_name Žofie, last_name Řeháková, email zofie@example.cz, phone +420602123456
== 05_utf16be_bom.csv
utf-16be bom ; crlf header
4 of 4 columns: first_name last_name email phone
rows 3, created 3
line 4 created: phone invalid_phone "06 20 123 4567"
first: first_name Žofie, last_name Řeháková, email zofie@example.cz, phone +420602123456
== 07_cp852_dos.csv
cp852 ; crlf header
4 of 4 columns: first_name last_name email phone
rows 3, created 3
line 4 created: phone invalid_phone "06 20 123 4567"
first: first_name Žofie, last_name Řeháková, email zofie@example.cz, phone +420602123456
== 09_pipe.txt
utf-8 | crlf header
4 of 4 columns: first_name last_name email phone
rows 3, created 3
line 4 created: phone invalid_phone "06 20 123 4567"
first: first_name Žofie, last_name Řeháková, email zofie@example.cz, phone +420602123456
== 11_mixed_newlines.csv
utf-8 , mixed header
0 of 2 columns: 
nothing is recognised
== 13_nul_bytes.csv
utf-8 , crlf header
2 of 2 columns: email full_name
rows 1, empty 1, created 1
line 2 created: full_name nul_character "Jan"
first: first_name Jan, email a@x.cz
== 15_unclosed_quote.csv
utf-8 , crlf header
2 of 2 columns: email detail:notes
rows 2, created 2
line 2 created: detail:notes unclosed_quote "never closed"
first: email a@x.cz, notes="never closed"
== 17_dup_and_empty_headers.csv
utf-8 , crlf header
3 of 5 columns: email detail:email_2 full_name
rows 1, created 1
first: first_name Jan, email a@x.cz, email_2="b@x.cz"
== 19_empty.csv
422 import_empty: the file is empty
== 21_no_header_data_first.csv
utf-8 ; crlf data
3 of 3 columns: email phone full_name
rows 2, created 2
first: first_name Jan, last_name Novák, email test@testtest.com, phone +420111222333
== 23_10000_columns.csv
422 import_too_many_columns: the list has 10000 columns, at most 1000 are read
== 25_invalid_utf8_middle.csv
utf-8 , crlf header
2 of 2 columns: email full_name
rows 1, created 1
line 2 created: full_name undecodable_text "J�(an"
first: first_name J�(an, email a@x.cz
== 27_scientific_phone_excel.csv
utf-8 ; crlf header
2 of 2 columns: email phone
rows 2, created 2
line 2 created: phone truncated_number "4.20602E+11"
first: email a@x.cz
== 29_preamble_lines.csv
utf-8 ; crlf header below 3 lines
3 of 3 columns: last_name first_name email
rows 1, created 1
first: first_name Jan, last_name Novák, email j@x.cz
== 31_paste_from_excel_tab.txt
utf-8 tab lf header
3 of 3 columns: first_name last_name email
rows 1, created 1
first: first_name Jan, last_name Novák, email j@x.cz
== 33_zero_width_nbsp.csv
utf-8 , crlf header
2 of 2 columns: email full_name
rows 1, created 1
first: first_name Jan, last_name Novák, email a@x.cz
== 35_xlsx_renamed.csv
422 import_not_text: this is a workbook (.xlsx, .ods), not text; save it as CSV and upload that
== 37_all_quoted_single_quotes.csv
utf-8 ; lf header quote single
2 of 2 columns: email full_name
rows 1, created 1
first: first_name Jan, email a@x.cz
"#;

const MORE: &str = r#"
== utf-16le without mark
utf-16le ; crlf header
3 of 3 columns: first_name last_name email
rows 2, created 2
first: first_name Žofie, last_name Šťastná, email zofie@example.cz
== utf-16be without mark
utf-16be ; crlf header
3 of 3 columns: first_name last_name email
rows 2, created 2
first: first_name Žofie, last_name Šťastná, email zofie@example.cz
== utf-16le with mark
utf-16le bom ; crlf header
3 of 3 columns: first_name last_name email
rows 2, created 2
first: first_name Žofie, last_name Šťastná, email zofie@example.cz
== iso-8859-2
iso-8859-2 ; crlf header
3 of 3 columns: first_name last_name email
rows 2, created 2
first: first_name Žofie, last_name Šťastná, email zofie@example.cz
== windows-1250
windows-1250 ; crlf header
3 of 3 columns: first_name last_name email
rows 2, created 2
first: first_name Žofie, last_name Šťastná, email zofie@example.cz
== sep= line
utf-8 ; crlf header below 1 lines
3 of 3 columns: first_name last_name email
rows 2, created 2
first: first_name Žofie, last_name Šťastná, email zofie@example.cz
== sep= line against the looks
utf-8 | crlf header below 1 lines
2 of 2 columns: full_name email
rows 1, created 1
first: first_name Jana, last_name Malá, email jana@example.cz
== lone carriage returns
utf-8 , cr header
2 of 2 columns: email first_name
rows 2, created 2
first: first_name Anna, email a@example.cz
== mixed line ends
utf-8 , mixed header
2 of 2 columns: email first_name
rows 3, created 3
first: first_name Anna, email a@example.cz
== ragged
utf-8 , lf header
3 of 3 columns: email first_name last_name
rows 3, empty 2, created 3
line 3 created: row too_many_cells ""
first: email a@example.cz
== line breaks in quotes
utf-8 , crlf header
2 of 2 columns: email detail:notes
rows 2, created 2
first: email a@example.cz, notes="první\r\ndruhá"
== quotes within quotes
utf-8 , crlf header
2 of 2 columns: email company_name
rows 2, created 2
first: email a@example.cz, company_name Vzor "A" s.r.o.
== quote that never closes
utf-8 , crlf header
2 of 2 columns: email detail:notes
rows 3, created 3
line 2 created: detail:notes unclosed_quote "bez konce"
first: email a@example.cz, notes="bez konce"
== NUL in values
utf-8 , crlf header
2 of 2 columns: email first_name
rows 2, created 2
line 2 created: email nul_character "a@example.cz"
line 3 created: first_name nul_character "Bára"
first: first_name Anna, email a@example.cz
== bytes that mean nothing
utf-8 , lf header
3 of 3 columns: email first_name detail:notes
rows 3, created 2, invalid 1
line 3 invalid: email undecodable_text "b�@example.cz"
line 3 invalid: email invalid_email "b�@example.cz"
line 4 created: detail:notes undecodable_text "něco �"
first: first_name Žofie, email a@example.cz, notes="příští týden"
== duplicate and empty headers
utf-8 ; crlf header
3 of 6 columns: email detail:email_2 first_name
rows 1, created 1
first: first_name Jan, email a@example.cz, email_2="b@example.cz"
== no header
utf-8 ; lf data
3 of 3 columns: email phone full_name
rows 2, created 2
first: first_name Anna, last_name Malá, email anna@example.cz, phone +420602123456
== scientific notation
utf-8 ; crlf header
2 of 2 columns: email phone
rows 3, created 3
line 2 created: phone truncated_number "4,20602E+11"
line 3 created: phone truncated_number "4.20602E+11"
first: email a@example.cz
== invisible characters
utf-8 bom , lf header
2 of 2 columns: email full_name
rows 1, created 1
first: first_name Anna, last_name Malá, email a@example.cz
== single quotes
utf-8 ; crlf header quote single
3 of 3 columns: email first_name detail:notes
rows 1, created 1
first: first_name Anna, email a@example.cz, notes="l'été; déjà"
== protected by apostrophes
utf-8 , lf header
3 of 3 columns: email phone address.city
rows 2, created 2
first: email a@example.cz, phone +420602123456, city 's-Hertogenbosch
== preamble
utf-8 ; crlf header below 3 lines
3 of 3 columns: first_name last_name email
rows 1, created 1
first: first_name Jana, last_name Malá, email jana@example.cz
== one column of addresses
utf-8 , lf data
1 of 1 columns: email
rows 4, empty 1, created 3, invalid 1
line 4 invalid: email invalid_email "nobody"
first: email a@example.cz
== pasted line of addresses
utf-8 , lf data
1 of 1 columns: email
rows 3, created 3
first: email jana@example.cz
== end of file of DOS
utf-8 ; crlf header
2 of 2 columns: email first_name
rows 1, created 1
first: first_name Anna, email a@example.cz
== pipes
utf-8 | lf header
3 of 3 columns: first_name last_name email
rows 1, created 1
first: first_name Łucja, last_name Żak, email lucja@example.pl
"#;
