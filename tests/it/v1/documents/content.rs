//! `GET /documents/{id}/content`.

use std::collections::HashSet;

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{PAGE, behind, contact, kept, kept_by_admin, lines, parameter, rows, rows_between};

/// MGR-M
#[tokio::test]
async fn links_are_a_table_and_each_leads_to_its_contact() {
    let app = TestApp::new().await;
    let jana = json!({"email": "jana@example.com", "first_name": "Jana", "last_name": "Nováková, \"Žlutá\""});
    let jana = app.post("/contacts").json(&jana).await.expect(201).id();
    let nobody = json!({"first_name": "Łukasz", "phone": "+420601123456"});
    let nobody = app.post("/contacts").json(&nobody).await.expect(201).id();
    let id = kept_by_admin(&app, &[&jana, &nobody]);
    let content = app.get(format!("/documents/{id}/content")).await.expect(200);
    assert_eq!(content.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(content.header("content-disposition"), "attachment; filename=\"links.csv\"");
    assert_eq!(content.header("x-content-type-options"), "nosniff");
    assert!(content.text().ends_with("\r\n"));
    let found = rows(&content);
    assert_eq!(found[0], ["contact_id", "email", "first_name", "last_name", "link"]);
    assert_eq!(found[1][..4], [&*jana, "jana@example.com", "Jana", "Nováková, \"Žlutá\""]);
    assert_eq!(found[2][..4], [&*nobody, "", "Łukasz", ""], "without an address, too");
    assert_eq!(found.len(), 3);
    for row in &found[1..] {
        let link = &row[4];
        let expected =
            format!("https://shop.example/sale?utm_source=mail&ktrk={}#top", parameter(link));
        assert_eq!((link, PAGE.len() + 6 + 43), (&expected, link.len()));
        assert_eq!(behind(&app, link).await.expect(200).json, json!({"contact_id": row[0]}));
        assert!(!link.contains(&row[0]));
    }
    // spreadsheets of Czechia and Poland
    let content = app.get(format!("/documents/{id}/content?delimiter=semicolon")).await.expect(200);
    assert_eq!(rows_between(&content, b';'), found);
    let wrong = app.get(format!("/documents/{id}/content?delimiter=tab")).await;
    wrong.expect_problem(422, "invalid_value", &["?delimiter"]);
    app.other_workspace().get(format!("/documents/{id}/content")).await.expect(404);
    let taken = "SELECT count(*) AS n FROM audit_entries WHERE action = 'document.download' AND ip IS NOT NULL";
    assert_eq!(app.count(taken), 2, "who took it, and from where");
}

/// MGR-M: a contact has one parameter, whatever is done with it, and in another workspace it is none.
#[tokio::test]
async fn a_parameter_is_always_the_same_and_of_one_workspace() {
    let app = TestApp::new().await;
    let jana = contact(&app, "jana@example.com").await;
    let first = lines(&app, &kept_by_admin(&app, &[&jana])).await;
    app.patch(format!("/contacts/{jana}"))
        .json(&json!({"email": "j@example.com"}))
        .await
        .expect(200);
    let second = lines(&app, &kept_by_admin(&app, &[&jana])).await;
    assert_eq!((&first[0][4], &*second[0][1]), (&second[0][4], "j@example.com"));
    let link = &first[0][4];
    app.other_workspace().get(format!("/tracking/{}", parameter(link))).await.expect_problem(
        404,
        "not_found",
        &[],
    );
    app.with_scopes(&["documents:read"])
        .get(format!("/tracking/{}", parameter(link)))
        .await
        .expect(403);
    let mut forged = parameter(link).to_owned();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'E' } else { 'A' });
    for nonsense in [&*forged, "x", &jana, &"A".repeat(43), "%20", "%00", &"A".repeat(5_000)] {
        app.get(format!("/tracking/{nonsense}")).await.expect_problem(404, "not_found", &[]);
    }
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    assert_eq!(behind(&app, link).await.expect(200).json["contact_id"], *jana, "in the trash, too");
    app.delete(format!("/trash/{jana}")).await.expect(204);
    behind(&app, link).await.expect_problem(404, "not_found", &[]);
}

/// MGR-M
#[tokio::test]
async fn cells_that_a_spreadsheet_takes_for_formulas_are_made_harmless() {
    let app = TestApp::new().await;
    let evil =
        json!({"first_name": "=HYPERLINK(\"http://evil.example\")", "last_name": "@SUM(1+1)"});
    let evil = app.post("/contacts").json(&evil).await.expect(201).id();
    let other = json!({"first_name": "+1", "last_name": "-2+3"});
    let other = app.post("/contacts").json(&other).await.expect(201).id();
    let address = contact(&app, "+plus@example.com").await;
    let split = json!({"first_name": "Jana;=cmd|'/c calc'!A1;", "last_name": "N,-1+2"});
    let split = app.post("/contacts").json(&split).await.expect(201).id();
    let found = lines(&app, &kept_by_admin(&app, &[&evil, &other, &address, &split])).await;
    assert_eq!(found[3][2..4], ["Jana;'=cmd|'/c calc'!A1;", "N,'-1+2"]);
    assert_eq!(found[0][2..4], ["'=HYPERLINK(\"http://evil.example\")", "'@SUM(1+1)"]);
    assert_eq!(found[1][2..4], ["'+1", "'-2+3"]);
    assert_eq!(found[2][1], "'+plus@example.com");
    for cell in found.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
}

/// MGR-M: RFC 6266, RFC 8187.
#[tokio::test]
async fn a_name_with_diacritics_comes_whole() {
    let app = TestApp::new().await;
    let id = kept_by_admin(&app, &[]);
    let path = format!("/documents/{id}");
    app.patch(&path).json(&json!({"name": "Odkazy \"léto\" łąka.csv"})).await.expect(200);
    let content = app.get(format!("{path}/content")).await.expect(200);
    assert_eq!(
        content.header("content-disposition"),
        "attachment; filename=\"Odkazy _l_to_ __ka.csv\"; \
         filename*=UTF-8''Odkazy%20%22l%C3%A9to%22%20%C5%82%C4%85ka.csv"
    );
    assert_eq!(rows(&content).len(), 1, "of nobody there is the header");
}

/// MGR-M: the tag says whether anything in it has changed.
#[tokio::test]
async fn a_document_that_has_not_changed_is_not_sent_again() {
    let app = TestApp::new().await;
    let (jana, eva) =
        (contact(&app, "jana@example.com").await, contact(&app, "eva@example.com").await);
    let id = kept_by_admin(&app, &[&jana, &eva]);
    let path = format!("/documents/{id}/content");
    let mut tags = HashSet::new();
    let tag = app.get(&path).await.expect(200).header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    let again = app.get(&path).header("if-none-match", &tag).await.expect(304);
    assert_eq!((again.header("etag"), again.bytes.len()), (&*tag, 0));
    tags.insert(tag);
    tags.insert(app.get(format!("{path}?delimiter=semicolon")).await.header("etag").to_owned());
    app.patch(format!("/contacts/{eva}")).json(&json!({"first_name": "Eva"})).await.expect(200);
    tags.insert(app.get(&path).await.expect(200).header("etag").to_owned());
    app.delete(format!("/contacts/{eva}")).await.expect(204);
    tags.insert(app.get(&path).await.expect(200).header("etag").to_owned());
    app.post(format!("/trash/{eva}/restore")).await.expect(200);
    tags.insert(app.get(&path).await.expect(200).header("etag").to_owned());
    assert_eq!(tags.len(), 5, "{tags:?}");
    for tag in &tags {
        let status = app.get(&path).header("if-none-match", tag).await.status;
        assert!([200, 304].contains(&status));
    }
    let known: Vec<&str> = tags.iter().map(String::as_str).collect();
    app.get(&path).header("if-none-match", &known.join(", ")).await.expect(304);
}

/// MGR-M, CON-16: a merged contact stands there as its winner, once, and comes back when the merge is undone.
#[tokio::test]
async fn merged_contacts_stand_there_as_their_winners() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(contact(&app, &format!("n{n}@example.com")).await);
    }
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    // with the winner, with its losers only, with all of them and one more
    let documents = [
        kept_by_admin(&app, &all[..3]),
        kept_by_admin(&app, &all[1..3]),
        kept_by_admin(&app, &all),
    ];
    let links: Vec<Vec<String>> = lines(&app, &documents[2]).await;
    let merge = json!({"winner_id": ids[0], "loser_ids": [ids[1], ids[2]]});
    let merge = app.post("/contacts/merge").json(&merge).await.expect(200);
    app.check_invariants();
    let names =
        |lines: Vec<Vec<String>>| lines.into_iter().map(|line| line[0].clone()).collect::<Vec<_>>();
    assert_eq!(names(lines(&app, &documents[0]).await), [all[0]]);
    let only = lines(&app, &documents[1]).await;
    assert_eq!((&only[0][4], &*only[0][1], only.len()), (&links[0][4], "n0@example.com", 1));
    assert_eq!(names(lines(&app, &documents[2]).await), [all[0], all[3], all[4], all[5]]);
    for link in &links[..3] {
        assert_eq!(
            behind(&app, &link[4]).await.expect(200).json["contact_id"],
            *ids[0],
            "a link that was sent"
        );
    }
    // a winner that is merged itself
    let next = json!({"winner_id": ids[3], "loser_ids": [ids[0]]});
    let next = app.post("/contacts/merge").json(&next).await.expect(200);
    assert_eq!(names(lines(&app, &documents[1]).await), [all[3]]);
    assert_eq!(names(lines(&app, &documents[2]).await), [all[3], all[4], all[5]]);
    assert_eq!(behind(&app, &links[1][4]).await.expect(200).json["contact_id"], *ids[3]);
    for merge in [next, merge] {
        app.post(format!("/merges/{}/undo", merge.id())).await.expect(200);
    }
    assert_eq!(lines(&app, &documents[2]).await, links);
    for (link, id) in links.iter().zip(&ids) {
        assert_eq!(behind(&app, &link[4]).await.expect(200).json["contact_id"], **id);
    }
    app.check_invariants();
}

/// MGR-M: longer than a page of what is read at once, in order, each once.
#[tokio::test]
async fn a_long_document_is_whole() {
    let app = TestApp::new().await;
    let list: String = (0..2_500).map(|n| format!("n{n}@example.com\n")).collect();
    app.import(format!("E-mail\n{list}"), &json!({})).await;
    let all = app.rows("SELECT id FROM contacts ORDER BY id");
    let all: Vec<&str> = all.iter().map(|row| row["id"].as_str().unwrap()).collect();
    // what falls away at the ends of pages does not end the document
    app.execute(&format!(
        "UPDATE contacts SET trashed_at = now() WHERE id IN ('{}', '{}')",
        all[999], all[1999]
    ));
    let id = kept_by_admin(&app, &[]);
    app.execute("INSERT INTO document_contacts SELECT workspace_id, d.id, c.id FROM documents d JOIN contacts c USING (workspace_id)");
    let found = lines(&app, &id).await;
    let found: Vec<&str> = found.iter().map(|line| line[0].as_str()).collect();
    let expected: Vec<&str> =
        all.iter().copied().filter(|id| ![all[999], all[1999]].contains(id)).collect();
    assert_eq!(found, expected);
    app.execute("UPDATE contacts SET trashed_at = NULL");
    let user = app.home().user.to_string();
    let exactly = kept(&app, &user, false, &[]);
    app.execute(&format!(
        "INSERT INTO document_contacts SELECT workspace_id, '{exactly}', id FROM contacts ORDER BY id LIMIT 2000"
    ));
    assert_eq!(lines(&app, &exactly).await.len(), 2_000, "as many as two pages");
}
