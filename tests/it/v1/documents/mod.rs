//! `/documents`: files that Kartoteka made.

mod change;
mod content;
mod gone;
mod list;

use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::json;
use uuid::Uuid;

/// The page that links of [`kept`] lead to.
pub(crate) const PAGE: &str = "https://shop.example/sale?utm_source=mail#top";

/// A list of links as a job of this person leaves it behind, without the job.
pub(crate) fn kept(app: &TestApp, owner: &str, private: bool, contacts: &[&str]) -> String {
    let (id, job) = (Uuid::now_v7(), Uuid::now_v7());
    let workspace = app.home().id;
    app.execute(&format!(
        "INSERT INTO documents (workspace_id, id, kind, name, page, private, owner_type, owner_id, job_id, contacts, \
         created_at, updated_at, finished_at) VALUES ('{workspace}', '{id}', 'links', 'links.csv', '{PAGE}', {private}, \
         'user', '{owner}', '{job}', {}, now(), now(), now())",
        contacts.len()
    ));
    for contact in contacts {
        app.execute(&format!(
            "INSERT INTO document_contacts (workspace_id, document_id, contact_id) VALUES ('{workspace}', '{id}', '{contact}')"
        ));
    }
    id.to_string()
}

/// The same of the administrator, seen by all.
pub(crate) fn kept_by_admin(app: &TestApp, contacts: &[&str]) -> String {
    kept(app, &app.home().user.to_string(), false, contacts)
}

pub(crate) async fn contact(app: &TestApp, email: &str) -> String {
    app.post("/contacts").json(&json!({ "email": email })).await.expect(201).id()
}

/// The rows of a table, the header first.
pub(crate) fn rows(answer: &Answer) -> Vec<Vec<String>> {
    rows_between(answer, b',')
}

pub(crate) fn rows_between(answer: &Answer, delimiter: u8) -> Vec<Vec<String>> {
    let text = answer.bytes.strip_prefix("\u{feff}".as_bytes()).expect("a byte order mark");
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text);
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

/// What is downloaded, without the header.
pub(crate) async fn lines(client: &Client, id: &str) -> Vec<Vec<String>> {
    let content = client.get(format!("/documents/{id}/content")).await.expect(200);
    rows(&content).split_off(1)
}

/// The value of the parameter of a link.
pub(crate) fn parameter(link: &str) -> &str {
    let (_, rest) = link.split_once("ktrk=").unwrap_or_else(|| panic!("no parameter: {link}"));
    rest.split(['&', '#']).next().unwrap()
}

/// The contact behind a link.
pub(crate) async fn behind(client: &Client, link: &str) -> Answer {
    client.get(format!("/tracking/{}", parameter(link))).await
}
