//! Tests of the page of preferences.

use fantoccini::Locator;
use kartoteka_tests::{Client, TestApp};
use serde_json::{Value, json};

use super::contact;
use crate::browser::{Driver, PATIENCE, click};
use crate::v1::webhooks::starting::{STARTING, started, starts_by};

async fn preferences(app: &TestApp, person: &str) -> String {
    let links = app.get(format!("{person}/consents/links")).await.expect(200);
    links.text_at("/preferences").strip_prefix(app.url()).unwrap().to_owned()
}

/// The hidden fields of the page, and the id of each purpose by its place.
fn hidden(html: &str) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    for name in ["shown", "none_shown"] {
        let mark = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        for part in html.split(mark.as_str()).skip(1) {
            fields.push((name, part.split_once('"').unwrap().0.to_owned()));
        }
    }
    fields
}

/// Sends the form as it was shown, with these purposes ticked, and "nothing at all" or not.
async fn send(
    client: &Client,
    path: &str,
    shown: &[(&'static str, String)],
    want: &[&str],
    none: bool,
) -> kartoteka_tests::Answer {
    let mut fields: Vec<(&str, &str)> = shown.iter().map(|(n, v)| (*n, v.as_str())).collect();
    fields.extend(want.iter().map(|id| ("want", *id)));
    if none {
        fields.push(("none", "1"));
    }
    client.post(path).form(&fields).await
}

fn id_of(shown: &[(&'static str, String)], place: usize) -> String {
    shown[place].1.split(':').next().unwrap().to_owned()
}

async fn states(app: &TestApp, person: &str) -> Vec<String> {
    let read = app.get(format!("{person}/consents")).await.expect(200);
    let current = read.json["current"].as_array().unwrap();
    current.iter().map(|c| c["state"].as_str().unwrap().to_owned()).collect()
}

/// CNS-3, CNS-7: what is changed on the page is written, with its proof, and nothing else.
#[tokio::test]
async fn what_is_changed_on_the_page_is_written_and_nothing_else() {
    let app = TestApp::new().await;
    let body = json!({"email": "Jana.Novakova@Example.cz", "phone": "+420601123456", "last_name": "Nováková"});
    let person = contact(&app, body).await;
    let path = preferences(&app, &person).await;
    let anybody = app.anonymous();
    let page = anybody.get(&path).await.expect(200);
    let shown = hidden(&page.text());
    assert_eq!(shown.len(), 3, "two purposes and nothing at all: {page:?}");
    // forwarded, the page tells nothing of the contact
    for word in ["Novakova", "Nováková", "601123456", "example.cz"] {
        assert!(!page.text().contains(word), "{word}: {page:?}");
    }
    assert!(page.text().contains("J•••@E•••.cz"), "{page:?}");
    let (email, sms) = (id_of(&shown, 0), id_of(&shown, 1));

    // sent as it is, it changes nothing
    send(&anybody, &path, &shown, &[], false).await.expect(200);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 0);
    let saved = send(&anybody, &path, &shown, &[&email], false).await.expect(200);
    assert!(saved.text().contains("Nastavení je uloženo."), "{saved:?}");
    assert_eq!(states(&app, &person).await, ["granted", "never"]);
    let shown = hidden(&saved.text());
    send(&anybody, &path, &shown, &[&sms], true).await.expect(200);
    assert_eq!(states(&app, &person).await, ["withdrawn", "granted"]);
    let read = app.get(format!("{person}/consents")).await.expect(200);
    let sources: Vec<(&Value, &Value)> = read.json["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (&e["action"], &e["source"]["type"]))
        .collect();
    let (grant, withdraw) = (json!("grant"), json!("withdraw"));
    let (form, unsubscribe) = (json!("form"), json!("unsubscribe"));
    assert_eq!(sources, [(&grant, &form), (&withdraw, &unsubscribe), (&grant, &form)]);
    assert_eq!(read.json["history"][0]["evidence"]["by"], "preferences");
    assert_eq!(app.get(&person).await.json["communication"]["subscribed"], false);
    let shown = hidden(&anybody.get(&path).await.expect(200).text());
    send(&anybody, &path, &shown, &[&sms], false).await.expect(200);
    assert_eq!(app.get(&person).await.json["communication"]["subscribed"], true);
    let audit = "SELECT count(*) AS n FROM audit_entries WHERE action LIKE 'consent.%' OR action = 'contact.subscribed'";
    assert_eq!(app.count(audit), 5);
    app.check_invariants();
}

/// SCN-4, MGR-C: whoever unticks the last purpose of messages by phone has opted out of them.
#[tokio::test]
async fn an_opt_out_on_the_page_starts_what_hangs_on_it() {
    let app = TestApp::new().await;
    let person = contact(&app, json!({"email": "jana@x.cz", "phone": "+420601123456"})).await;
    let grant =
        |purpose: &str| json!({"purpose": purpose, "action": "grant", "legal_basis": "consent"});
    for purpose in ["email_basic", "sms_basic"] {
        app.post(format!("{person}/consents")).json(&grant(purpose)).await.expect(201);
    }
    starts_by(&app, app.home(), STARTING);
    let path = preferences(&app, &person).await;
    let anybody = app.anonymous();
    let shown = hidden(&anybody.get(&path).await.expect(200).text());
    let sms = id_of(&shown, 1);
    let saved = send(&anybody, &path, &shown, &[&sms], false).await.expect(200);
    assert_eq!(started(&app), [], "e-mail is another channel");
    let shown = hidden(&saved.text());
    send(&anybody, &path, &shown, &[], false).await.expect(200);
    let id = person.trim_start_matches("/contacts/").to_owned();
    assert_eq!(started(&app), [("contact.mobile_opted_out".to_owned(), id, json!({}))]);
}

/// A page that was open while something changed takes nothing back, and grants nothing that was not read.
#[tokio::test]
async fn an_old_page_overwrites_nothing() {
    let app = TestApp::new().await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let path = preferences(&app, &person).await;
    let anybody = app.anonymous();
    let old = hidden(&anybody.get(&path).await.expect(200).text());
    let email = id_of(&old, 0);
    let declare = |action: &str| json!({"purpose": "email_basic", "action": action, "legal_basis": "consent"});

    // granted meanwhile by somebody else: the old page, on which nothing was ticked or unticked, leaves it
    app.post(format!("{person}/consents")).json(&declare("grant")).await.expect(201);
    send(&anybody, &path, &old, &[], false).await.expect(200);
    assert_eq!(states(&app, &person).await[0], "granted");
    let ticked = hidden(&anybody.get(&path).await.expect(200).text());

    // withdrawn meanwhile: ticking on the old page grants nothing, and says so
    app.post(format!("{person}/consents")).json(&declare("withdraw")).await.expect(201);
    let stale = send(&anybody, &path, &old, &[&email], false).await.expect(409);
    assert!(stale.text().contains("mezitím změnilo"), "{stale:?}");
    assert_eq!(states(&app, &person).await[0], "withdrawn");

    // another wording meanwhile: nobody agreed to that
    let now = hidden(&stale.text());
    let list = app.get("/purposes").await.expect(200);
    let purpose = list.data()[0]["id"].as_str().unwrap().to_owned();
    app.patch(format!("/purposes/{purpose}"))
        .json(&json!({"wording": "Everything."}))
        .await
        .expect(200);
    let stale = send(&anybody, &path, &now, &[&email], false).await.expect(409);
    assert!(stale.text().contains("Everything."), "{stale:?}");
    send(&anybody, &path, &hidden(&stale.text()), &[&email], false).await.expect(200);
    assert_eq!(states(&app, &person).await[0], "granted");

    // a withdrawal is taken from however old a page
    send(&anybody, &path, &ticked, &[], false).await.expect(200);
    assert_eq!(states(&app, &person).await[0], "withdrawn");
    let entries = app.count("SELECT count(*) AS n FROM consent_entries");
    send(&anybody, &path, &ticked, &[], false).await.expect(200);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), entries);
}

/// The link belongs to the address it was sent to.
#[tokio::test]
async fn with_another_address_the_page_is_gone() {
    let app = TestApp::new().await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let path = preferences(&app, &person).await;
    app.anonymous().get(&path).await.expect(200);
    app.patch(&person).json(&json!({"email": "JANA@x.cz"})).await.expect(200);
    let page = app.anonymous().get(&path).await.expect(200);
    app.patch(&person).json(&json!({"email": "eva@x.cz"})).await.expect(200);
    app.anonymous().get(&path).await.expect(404);
    let shown = hidden(&page.text());
    send(&app.anonymous(), &path, &shown, &[&id_of(&shown, 0)], true).await.expect(404);
    let path = preferences(&app, &person).await;
    app.delete(&person).await.expect(204);
    app.anonymous().get(&path).await.expect(404);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 0);
}

/// In the language of the query, else of the browser, else of the contact.
#[tokio::test]
async fn the_page_speaks_four_languages() {
    let app = TestApp::new().await;
    let person = contact(&app, json!({"email": "jana@x.cz", "language": "hu"})).await;
    let path = preferences(&app, &person).await;
    for (query, accept, title) in [
        ("", "", "Üzenetek beállításai"),
        ("", "de", "Üzenetek beállításai"),
        ("", "pl-PL,pl;q=0.9,en;q=0.5", "Ustawienia wiadomości"),
        ("?lang=cs", "pl", "Nastavení sdělení"),
        ("?lang=en&utm_source=mail", "pl", "Message preferences"),
        ("?lang=xx", "pl", "Ustawienia wiadomości"),
    ] {
        let request = app.anonymous().get(format!("{path}{query}"));
        let request =
            if accept.is_empty() { request } else { request.header("accept-language", accept) };
        let page = request.await.expect(200);
        assert!(page.text().contains(&format!("<h1>{title}</h1>")), "{query} {accept}: {page:?}");
        let lang = page.header("content-language").to_owned();
        assert!(page.text().contains(&format!("<html lang=\"{lang}\">")));
    }
}

/// What people of the workspace write is shown as text.
#[tokio::test]
async fn wordings_are_text_and_no_html() {
    let app = TestApp::new().await;
    let bad = json!({"name": "email_bad", "channel": "email", "title": "<img src=x>\"'",
        "wording": "</p><script>alert(1)</script>{{ 7 * 7 }}"});
    app.post("/purposes").json(&bad).await.expect(201);
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let page = app.anonymous().get(preferences(&app, &person).await).await.expect(200);
    assert!(
        page.text().contains("&lt;script&gt;") && page.text().contains("{{ 7 * 7 }}"),
        "{page:?}"
    );
    assert!(!page.text().contains("<script") && !page.text().contains("<img"), "{page:?}");
}

/// A person opens the page in a browser, changes the language, ticks, saves.
#[tokio::test]
async fn a_person_ticks_a_purpose_in_a_browser() {
    let app = TestApp::new().await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let path = preferences(&app, &person).await;
    let driver = Driver::start();
    let browser = driver.open().await;
    browser.goto(&format!("{}{path}?lang=en", app.url())).await.unwrap();
    click(&browser, "nav a[hreflang=pl]").await;
    let title = Locator::XPath("//h1[contains(., 'Ustawienia')]");
    browser.wait().at_most(PATIENCE).for_element(title).await.expect("the page in Polish");
    // by the label, as people do who do not hit the box
    click(&browser, "label[for=want-1]").await;
    click(&browser, "main form button[type=submit]").await;
    let notice = Locator::Css("p.notice[role=status]");
    let notice = browser.wait().at_most(PATIENCE).for_element(notice).await.expect("it is saved");
    assert_eq!(notice.text().await.unwrap(), "Ustawienia zostały zapisane.");
    let ticked = browser.find(Locator::Css("#want-1")).await.unwrap();
    assert!(ticked.prop("checked").await.unwrap().is_some_and(|checked| checked == "true"));
    // the style passed the policy, which lets no other through
    let button = browser.find(Locator::Css("main form button")).await.unwrap();
    let colour = button.css_value("background-color").await.unwrap();
    assert!(colour.contains("26, 79, 139"), "{colour}");
    assert_eq!(states(&app, &person).await[0], "granted");
    let read = app.get(format!("{person}/consents")).await.expect(200);
    let agent = read.json["history"][0]["evidence"]["user_agent"].as_str().unwrap();
    assert!(agent.contains("Chrome"), "{agent}");
    browser.close().await.unwrap();
}
