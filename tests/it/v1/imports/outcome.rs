//! What comes of a file, in words: so that a table of files and outcomes can be read by a person.

use std::fmt::Write;
use std::path::Path;

use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

/// Sends the bytes as a new import; the whole answer.
pub(super) async fn send(who: &Client, bytes: &[u8]) -> (String, Answer) {
    let id = who.post("/imports").json(&json!({})).await.expect(201).id();
    let answer = who.put(format!("/imports/{id}/data")).bytes("text/csv", bytes).await;
    (id, answer)
}

/// Imports a file the way a person does who believes every proposal: header as guessed, columns as
/// suggested, matched by e-mail when there is one. Says what became of it.
pub(super) async fn of(app: &TestApp, who: &Client, bytes: &[u8]) -> String {
    let (id, sent) = send(who, bytes).await;
    if sent.status != 200 {
        return format!(
            "{} {}: {}\n",
            sent.status,
            sent.json["code"].as_str().unwrap(),
            sent.json["detail"].as_str().unwrap()
        );
    }
    let source = &sent.json["source"];
    let first_row = if source["header_guess"] == true { "header" } else { "data" };
    let header = who
        .put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": first_row }))
        .await
        .expect(200);
    let mut text = format!(
        "{}{} {} {} {first_row}",
        word(&source["encoding"]),
        if source["bom"] == true { " bom" } else { "" },
        word(&source["delimiter"]),
        word(&source["line_ending"]),
    );
    if source["quote"] != "double" {
        write!(text, " quote {}", word(&source["quote"])).unwrap();
    }
    if source["skip_lines"] != 0 {
        write!(text, " below {} lines", source["skip_lines"]).unwrap();
    }
    text.push('\n');
    let columns = header.json["columns"].as_array().unwrap();
    let targets: Vec<_> =
        columns.iter().filter_map(|column| column["suggestion"]["target"].as_str()).collect();
    writeln!(text, "{} of {} columns: {}", targets.len(), columns.len(), targets.join(" "))
        .unwrap();
    let mapped =
        who.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await;
    if mapped.status != 200 {
        assert_eq!(mapped.json["errors"][0]["code"], "nothing_mapped", "{mapped:?}");
        text.push_str("nothing is recognised\n");
        return text;
    }
    let matching = if targets.contains(&"email") {
        json!({ "mode": "match", "key": "email" })
    } else {
        json!({ "mode": "none" })
    };
    who.put(format!("/imports/{id}/matching")).json(&matching).await.expect(202);
    app.run_jobs().await;
    let plan = accounted(who, &id).await;
    who.post(format!("/imports/{id}/commit"))
        .json(&json!({ "plan_hash": plan["hash"] }))
        .await
        .expect(202);
    app.run_jobs().await;
    let done = who.get(format!("/imports/{id}")).await.expect(200).json;
    assert_eq!(done["state"], "done", "{done:#}");
    let counts: Vec<_> = [("rows", &plan["rows"]), ("empty", &plan["empty"])]
        .into_iter()
        .chain(done["summary"].as_object().unwrap().iter().map(|(name, n)| (name.as_str(), n)))
        .filter(|(name, n)| **n != 0 || *name == "rows")
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    writeln!(text, "{}", counts.join(", ")).unwrap();
    let rows = who.get(format!("/imports/{id}/rows")).query(&[("limit", "200")]).await.expect(200);
    for row in rows.data() {
        for problem in row["problems"].as_array().unwrap() {
            let value = problem["value"].as_str().unwrap_or_default();
            let field = problem["field"].as_str().unwrap_or("row");
            writeln!(
                text,
                "line {} {}: {field} {} {value:?}",
                row["line"],
                word(&row["outcome"]),
                word(&problem["code"])
            )
            .unwrap();
        }
    }
    if let Some(first) = rows.data().iter().find_map(|row| row["contact_id"].as_str()) {
        let contact = who.get(format!("/contacts/{first}")).await.expect(200).json;
        writeln!(text, "first: {}", fields(&contact)).unwrap();
    }
    text
}

/// Holds what became of files against a table: `== name` and under it what [`of`] says.
pub(super) async fn compare(files: &[(String, Vec<u8>)], table: &str) {
    let app = TestApp::new().await;
    let mut said = String::new();
    for (name, bytes) in files {
        // in a workspace of its own, so that no file finds the contacts of another
        let outcome = of(&app, &app.other_workspace(), bytes).await;
        write!(said, "== {name}\n{outcome}").unwrap();
    }
    let differing = said
        .split("== ")
        .zip(table.split("== "))
        .find(|(found, wanted)| found.trim() != wanted.trim());
    assert!(
        differing.is_none() && said.trim() == table.trim(),
        "differs: {differing:#?}\nall of it:\n{said}"
    );
}

/// The files of a folder of fixtures, by name.
pub(super) fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/domain/tests/fixtures/imports")
        .join(folder);
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let lists = files.filter(|path| {
        path.extension().is_some_and(|end| end == "csv" || end == "txt")
            && !path.ends_with("expected.txt")
    });
    let mut read: Vec<_> = lists
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    read.sort();
    read
}

/// The plan, once it is sure that every row of it is counted once and can be seen in the report.
pub(super) async fn accounted(who: &Client, id: &str) -> Value {
    let import = who.get(format!("/imports/{id}")).await.expect(200).json;
    assert_eq!(import["state"], "awaiting_commit", "{import:#}");
    let plan = who.get(format!("/imports/{id}/plan")).await.expect(200).json;
    let outcomes = plan["outcomes"].as_object().unwrap().iter();
    let sum: i64 =
        outcomes.filter(|(name, _)| *name != "suppressed").map(|(_, n)| n.as_i64().unwrap()).sum();
    assert_eq!(plan["rows"], sum, "rows are counted once: {plan:#}");
    let (mut seen, mut cursor) = (0, None::<String>);
    loop {
        let mut page = who.get(format!("/imports/{id}/rows")).query(&[("limit", "200")]);
        if let Some(cursor) = &cursor {
            page = page.query(&[("cursor", cursor)]);
        }
        let page = page.await.expect(200);
        seen += page.data().len();
        cursor = page.json["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(plan["rows"], seen, "every row is in the report: {plan:#}");
    plan
}

fn word(value: &Value) -> &str {
    match value.as_str() {
        Some("\t") => "tab",
        Some(word) => word,
        None => "-",
    }
}

/// What is known of a contact, without what every new one has.
fn fields(contact: &Value) -> String {
    let mut known = Vec::new();
    for name in [
        "external_id",
        "title_before",
        "first_name",
        "last_name",
        "title_after",
        "email",
        "phone",
        "birth_date",
        "gender",
        "company_name",
        "job_title",
        "language",
        "time_zone",
    ] {
        if let Some(value) = contact[name].as_str() {
            known.push(format!("{name} {value}"));
        }
    }
    for (name, value) in contact["address"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            known.push(format!("{name} {value}"));
        }
    }
    let mut tags: Vec<_> =
        contact["tags"].as_array().into_iter().flatten().map(|tag| word(&tag["name"])).collect();
    tags.sort_unstable();
    if !tags.is_empty() {
        known.push(format!("tags {}", tags.join("+")));
    }
    for (name, value) in contact["details"].as_object().into_iter().flatten() {
        known.push(format!("{name}={value}"));
    }
    if contact["state"] != "prospect" {
        known.push(format!("state {}", word(&contact["state"])));
    }
    for (name, usual) in [("score", json!(0))] {
        if contact[name] != usual {
            known.push(format!("{name} {}", contact[name]));
        }
    }
    let communication = &contact["communication"];
    for (name, usual) in [
        ("subscribed", json!(true)),
        ("muted", json!(false)),
        ("email", json!("none")),
        ("sms", json!("none")),
    ] {
        if communication[name] != usual {
            known.push(format!("{name}: {}", communication[name].to_string().trim_matches('"')));
        }
    }
    known.join(", ")
}
