//! `GET /contacts`, `GET /contacts/count`

use std::collections::HashSet;

use diesel::RunQueryDsl;
use diesel::prelude::*;
use diesel::sql_types::Text;
use kartoteka_domain::contacts::contact::search_text;
use kartoteka_domain::contacts::fold::fold;
use kartoteka_tests::{Client, TestApp, TestDatabase};
use serde_json::{Value, json};

async fn make(app: &Client, body: Value) -> String {
    app.post("/contacts").json(&body).await.expect(201).id()
}

/// What a list shows, by its first names.
async fn names(app: &Client, query: &str) -> Vec<String> {
    let answer = app.get(format!("/contacts?{query}")).await.expect(200);
    let name = |contact: &Value| contact["first_name"].as_str().unwrap_or("-").to_owned();
    answer.data().iter().map(name).collect()
}

/// CON-4
#[tokio::test]
async fn the_search_finds_parts_folded_and_numbers_in_any_grouping() {
    let app = TestApp::new().await;
    make(&app, json!({"first_name": "Jana", "last_name": "Nováková", "email": "Jana.N@Example.cz", "phone": "601123456"})).await;
    make(
        &app,
        json!({"first_name": "Łukasz", "last_name": "Żółć", "company_name": "100% Kůň_s.r.o."}),
    )
    .await;
    make(&app, json!({"first_name": "Gyöngyi", "last_name": "O’Brien"})).await;
    for (search, expected) in [
        ("novak", vec!["Jana"]),
        ("NOVÁK jan", vec!["Jana"]),
        ("ovako", vec!["Jana"]),
        ("jana.n@exam", vec!["Jana"]),
        ("601 123", vec!["Jana"]),
        ("+420 601-123-456", vec!["Jana"]),
        ("00420601", vec!["Jana"]),
        ("jana 1234", vec!["Jana"]),
        ("601 999", vec![]),
        ("zolc", vec!["Łukasz"]),
        ("lukasz", vec!["Łukasz"]),
        ("100%", vec!["Łukasz"]),
        ("kun_s", vec!["Łukasz"]),
        ("kunXs", vec![]),
        ("%", vec!["Łukasz"]),
        ("gyongyi o'brien", vec!["Gyöngyi"]),
        ("", vec!["Gyöngyi", "Łukasz", "Jana"]),
        ("  ", vec!["Gyöngyi", "Łukasz", "Jana"]),
    ] {
        let answer = app.get("/contacts").query(&[("q", search)]).await.expect(200);
        let found: Vec<_> =
            answer.data().iter().map(|c| c["first_name"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{search:?}");
    }
}

/// CON-4: filter by any field.
#[tokio::test]
async fn lists_are_narrowed_by_any_field() {
    let app = TestApp::new().await;
    make(&app, json!({"first_name": "Jana", "external_id": "A1", "email": "Jana@x.cz", "phone": "601123456", "birth_date": "1990-05-01",
        "gender": "female", "address": {"city": "Plzeň", "country": "CZ", "street": "Lipová 1", "postal_code": "301 00", "region": "PLK"},
        "language": "cs", "time_zone": "Europe/Prague", "state": "customer", "score": 5, "tags": ["VIP"], "job_title": "CEO",
        "company_name": "Kůň", "last_name": "Nová", "title_before": "Ing.", "title_after": "CSc."})).await;
    make(&app, json!({"first_name": "Petr"})).await;
    for query in [
        "first_name=JANA",
        "last_name=nova",
        "name=jana+nova",
        "external_id=A1",
        "email=jana@X.CZ",
        "phone=601+123+456",
        "phone=%2B420601123456",
        "birth_date=1990-05-01",
        "gender=female",
        "city=plzen",
        "country=cz",
        "street=lipova+1",
        "postal_code=301+00",
        "region=plk",
        "language=cs",
        "time_zone=Europe/Prague",
        "state=customer",
        "score=5",
        "tag=vip",
        "job_title=ceo",
        "company_name=kun",
        "title_before=ing.",
        "title_after=csc.",
        "origin=manual&city=plzen",
    ] {
        assert_eq!(names(&app, query).await, ["Jana"], "{query}");
        let count = app.get(format!("/contacts/count?{query}")).await.expect(200);
        assert_eq!(count.json, json!({"contacts": 1}), "{query}");
    }
    for query in [
        "external_id=a1",
        "tag=none",
        "state=partner",
        "muted=true",
        "origin=import",
        "created_before=2000-01-01T00:00:00Z",
        "updated_after=2100-01-01T00:00:00Z",
        "trash=true",
        "trashed_after=2000-01-01T00:00:00Z",
    ] {
        assert_eq!(names(&app, query).await, Vec::<String>::new(), "{query}");
    }
    assert_eq!(names(&app, "created_after=2000-01-01T00:00:00Z&subscribed=true").await.len(), 2);
    app.get("/contacts?emial=x&email=nonsense&phone=1&state=friend&limit=0&birth_date=x&created_after=today")
        .await
        .expect(422);
    app.get("/contacts?email=nonsense&phone=1&sort=shoe_size").await.expect_problem(
        422,
        "validation_failed",
        &["?email", "?phone", "?sort"],
    );
    assert_eq!(
        app.get("/contacts?sort=password").await.faults(),
        [("?sort".to_owned(), "invalid_sort".to_owned())]
    );
}

/// CON-4: sort by each column; who has no value comes last in either direction.
#[tokio::test]
async fn every_column_sorts_and_pages_lose_nothing() {
    let app = TestApp::new().await;
    let values = [Some("b"), None, Some("á"), Some("A"), Some("č"), None, Some("z"), Some("b")];
    for (n, value) in values.iter().enumerate() {
        let mut body = json!({"external_id": format!("{n}"), "score": n % 3});
        if let Some(value) = value {
            for field in [
                "first_name",
                "last_name",
                "title_before",
                "title_after",
                "company_name",
                "job_title",
            ] {
                body[field] = json!(value);
            }
            body["email"] = json!(format!("{}@x.cz", fold(value)));
            body["phone"] = json!(format!("60112345{n}"));
            body["birth_date"] = json!(format!("199{n}-05-01"));
            body["gender"] = json!(if n > 3 { "male" } else { "female" });
            body["language"] = json!("cs");
            body["time_zone"] = json!("Europe/Prague");
            body["address"] = json!({"street": value, "city": value, "postal_code": value, "region": value, "country": "CZ"});
        }
        make(&app, body).await;
    }
    for column in [
        "created_at",
        "updated_at",
        "trashed_at",
        "external_id",
        "first_name",
        "last_name",
        "name",
        "title_before",
        "title_after",
        "company_name",
        "job_title",
        "email",
        "phone",
        "birth_date",
        "gender",
        "street",
        "address.city",
        "postal_code",
        "region",
        "country",
        "language",
        "time_zone",
        "state",
        "score",
        "origin",
        "subscribed",
        "muted",
        "communication",
    ] {
        for sort in [
            column.to_owned(),
            format!("-{column}"),
            format!("-score,{column}"),
            format!("{column},-first_name"),
        ] {
            if column == "score" && sort.starts_with("-score,")
                || column == "first_name" && sort.contains(",-")
            {
                continue;
            }
            let whole = ids(&app, &format!("sort={sort}&limit=200")).await.0;
            assert_eq!(whole.len(), values.len(), "{sort}");
            for limit in [1, 3] {
                assert_eq!(
                    pages(&app, &format!("sort={sort}&limit={limit}")).await,
                    whole,
                    "{sort} by {limit}"
                );
            }
        }
    }
    let order = |query: &'static str| {
        let app = &app;
        async move {
            let answer = app.get(format!("/contacts?{query}")).await.expect(200);
            let of = |c: &Value| c["first_name"].as_str().unwrap_or("-").to_owned();
            answer.data().iter().map(of).collect::<Vec<_>>().join("")
        }
    };
    assert_eq!(order("sort=first_name").await, "áAbbčz--");
    assert_eq!(order("sort=-first_name").await, "zčbbAá--");
}

async fn ids(app: &Client, query: &str) -> (Vec<String>, Option<String>) {
    let answer = app.get(format!("/contacts?{query}")).await.expect(200);
    let ids = answer.data().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect();
    let next = answer.json["next_cursor"].as_str().map(str::to_owned);
    assert_eq!(next.is_some(), answer.header("link").contains("rel=\"next\""));
    (ids, next)
}

async fn pages(app: &Client, query: &str) -> Vec<String> {
    let (mut all, mut next) = ids(app, query).await;
    while let Some(cursor) = next {
        let (more, then) = ids(app, &format!("{query}&cursor={cursor}")).await;
        all.extend(more);
        next = then;
    }
    all
}

/// CON-4: who was there before and stays is seen exactly once, whatever others do in the meantime.
#[tokio::test]
async fn pages_hold_while_others_write() {
    let app = TestApp::new().await;
    let mut stay = HashSet::new();
    for n in 0..12 {
        let id = make(&app, json!({"last_name": format!("{}", ["b", "a", "c"][n % 3]), "first_name": format!("{n}")})).await;
        stay.insert(id);
    }
    for sort in ["last_name", "-last_name", "-created_at", "created_at"] {
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let (page, next) = ids(&app, &format!("sort={sort}&limit=3{cursor}")).await;
            seen.extend(page.into_iter().filter(|id| stay.contains(id)));
            make(&app, json!({"last_name": "a", "first_name": "new"})).await;
            make(&app, json!({"last_name": "c", "first_name": "new"})).await;
            if let Some(id) = seen.first().filter(|_| seen.len() == 3) {
                // the contact a page ended with may go without harm
                let gone = seen[2].clone();
                assert_ne!(*id, gone);
                app.delete(format!("/contacts/{gone}")).await.expect(204);
                app.post(format!("/trash/{gone}/restore")).await.expect(200);
            }
            match next {
                Some(next) if seen.len() < 40 => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        let once: HashSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), once.len()), (stay.len(), stay.len()), "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_is_of_one_list_only() {
    let app = TestApp::new().await;
    for n in 0..3 {
        make(&app, json!({"first_name": format!("{n}")})).await;
    }
    let cursor = ids(&app, "sort=first_name&limit=1").await.1.unwrap();
    for query in [
        format!("limit=1&cursor={cursor}"),
        format!("sort=-first_name&cursor={cursor}"),
        format!("sort=first_name&q=1&cursor={cursor}"),
        format!("sort=first_name&trash=true&cursor={cursor}"),
        "cursor=nonsense".to_owned(),
        "cursor=".to_owned(),
    ] {
        let answer = app.get(format!("/contacts?{query}")).await.expect(422);
        assert_eq!(
            answer.faults(),
            [("?cursor".to_owned(), "invalid_cursor".to_owned())],
            "{query}"
        );
    }
}

/// CON-4: what the application folds and what the database folds is the same, letter by letter.
#[test]
fn the_database_folds_every_letter_as_the_domain_does() {
    #[derive(QueryableByName)]
    struct Folded {
        #[diesel(sql_type = Text)]
        one: String,
        #[diesel(sql_type = Text)]
        all: String,
    }
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let covered = [
        0x09..=0x24F_u32,
        0x2BC..=0x2BC,
        0x300..=0x52F,
        0x1E00..=0x1EFF,
        0x2000..=0x206F,
        0x4E00..=0x4E10,
    ];
    let letters: Vec<String> = covered
        .into_iter()
        .flatten()
        .filter_map(char::from_u32)
        .map(|c| format!("a{c} X"))
        .collect();
    let texts = [
        "Žofie",
        " a \u{A0}\t b\n",
        "Příliš žluťoučký  kůň",
        "ẞ Æ Œ Þ Ĳ",
        "plain ascii  text",
        "N\u{6F}va\u{301}k",
        "김철수",
        "",
    ];
    let texts = letters.iter().map(String::as_str).chain(texts);
    for text in texts {
        let folded: Folded = diesel::sql_query(
            "SELECT contact_fold($1) AS one, contact_search($1, NULL, $1, NULL, NULL) AS all",
        )
        .bind::<Text, _>(text)
        .get_result(&mut conn)
        .unwrap();
        assert_eq!(folded.one, fold(text), "{text:?}");
        assert_eq!(folded.all, search_text([Some(text), None, Some(text), None, None]), "{text:?}");
    }
}

/// What is stored for the search is what the function of the database makes of the row.
#[tokio::test]
async fn the_stored_search_text_equals_the_function() {
    let app = TestApp::new().await;
    make(&app, json!({"first_name": "Žofie", "last_name": "Nováková", "email": "Z@kůň.cz", "phone": "601123456", "company_name": "ČEZ a.s."})).await;
    make(&app, json!({"external_id": "only"})).await;
    make(&app, json!({"company_name": "Straße & Sohn"})).await;
    let wrong = "SELECT count(*) AS n FROM contacts WHERE search <> contact_search(first_name, last_name, email, phone, company_name)";
    assert_eq!(app.count(wrong), 0);
}

/// PLT-3: whatever stands in the last row of a page, its cursor says it again, and only to its own list.
#[test]
fn a_cursor_says_what_was_written_into_it() {
    use kartoteka_api::page::{decode_cursor, encode_cursor};
    use proptest::prelude::*;
    let key = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
    ];
    proptest!(|(keys in proptest::collection::vec(key, 0..5), id in any::<u128>(), list in "[a-z]{0,8}")| {
        let at = (keys, uuid::Uuid::from_u128(id));
        let cursor = encode_cursor(&list, &at).unwrap();
        prop_assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        let read: (Vec<Value>, uuid::Uuid) = decode_cursor(&list, &cursor, "?cursor").unwrap();
        prop_assert_eq!(read, at);
        let other = format!("{}x", list);
        prop_assert!(decode_cursor::<Value>(&other, &cursor, "?cursor").is_err());
    });
}
