//! Classes and actions: every pair of them, on the same base.

use serde_json::{Value, json};

use super::planned;
use super::rules::{
    Imported, Rules, base, by, columns, contacts, imported, only, people, person, report, rules,
    trash,
};

const WORDS: [&str; 3] = ["email", "first_name", "address.city"];

/// Nobody, one, several, only in the trash (twice), and one of each.
async fn peopled() -> Rules {
    let app = rules().await;
    let lines = [
        "e,f,c",
        "one@example.com,One,Brno",
        "many@example.com,Eldest,Brno",
        "many@example.com,Youngest,Brno",
        "trash@example.com,Elder,Brno",
        "trash@example.com,Younger,Brno",
        "both@example.com,Trashed,Brno",
    ];
    base(&app, &lines, &WORDS).await;
    trash(&app, "trash@example.com").await;
    trash(&app, "both@example.com").await;
    base(&app, &["e,f,c", "both@example.com,Living,Brno"], &WORDS).await;
    app
}

const LIST: [&str; 6] = [
    "e,f,c",
    "none@example.com,None,Praha",
    "one@example.com,,Praha",
    "many@example.com,,Praha",
    "trash@example.com,,Praha",
    "both@example.com,,Praha",
];

async fn with(app: &Rules, class: &str, action: &str) -> Imported {
    let mut outcomes = json!({
        "none": { "action": "skip" }, "one": { "action": "skip" },
        "many": { "action": "skip" }, "in_trash": { "action": "skip" },
    });
    outcomes[class] = json!({ "action": action });
    let done = imported(app, &LIST, columns(&WORDS), by("email", outcomes)).await;
    let classes = json!({ "none": 1, "one": 2, "many": 1, "in_trash": 1 });
    assert_eq!(done.plan["classes"], classes, "the living one of both wins");
    done
}

fn city_of(person: &Value) -> Value {
    person["city"].clone()
}

/// The row of the report about an address, by its place in the list.
async fn row(app: &Rules, done: &Imported, number: usize) -> Value {
    report(app, &done.id).await.remove(number - 1)
}

/// IMP-8, IMP-9, IMP-13, IMP-15, IMP-16
#[tokio::test]
async fn skip_leaves_every_class_alone() {
    for class in ["none", "one", "many", "in_trash"] {
        let app = peopled().await;
        let before = contacts(&app);
        let done = with(&app, class, "skip").await;
        assert_eq!(contacts(&app), before, "{class}");
        assert_eq!(done.summary("skipped"), 5);
    }
}

/// IMP-9
#[tokio::test]
async fn import_makes_a_new_contact_of_every_class() {
    for (class, number, email, living) in [
        ("none", 1, "none@example.com", 1),
        ("one", 2, "one@example.com", 2),
        ("many", 3, "many@example.com", 3),
        ("in_trash", 4, "trash@example.com", 1),
    ] {
        let app = peopled().await;
        let before = contacts(&app);
        let done = with(&app, class, "import").await;
        assert_eq!(done.summary("created"), if class == "one" { 2 } else { 1 }, "{class}");
        let now = people(&app, email);
        assert_eq!(
            now.iter().filter(|person| person["trashed_at"].is_null()).count(),
            living,
            "{class}"
        );
        let made = now.last().unwrap();
        assert_eq!(city_of(made), "Praha");
        let row = row(&app, &done, number).await;
        assert_eq!(
            only(&row, &["outcome", "contact_id", "class"]),
            json!({ "outcome": "created", "contact_id": made["id"], "class": class })
        );
        for old in before {
            assert!(contacts(&app).contains(&old), "the old ones stay as they are");
        }
    }
}

/// IMP-9
#[tokio::test]
async fn update_changes_the_one() {
    let app = peopled().await;
    let id = person(&app, "one@example.com")["id"].clone();
    let done = with(&app, "one", "update").await;
    assert_eq!(done.summary("updated"), 2);
    let one = person(&app, "one@example.com");
    assert_eq!(
        only(&one, &["id", "first_name", "city"]),
        json!({ "id": id, "first_name": "One", "city": "Praha" })
    );
    let both = people(&app, "both@example.com");
    assert_eq!(both.iter().map(city_of).collect::<Vec<_>>(), ["Brno", "Praha"], "the living one");
    let row = row(&app, &done, 5).await;
    assert_eq!(row["contact_id"], both[1]["id"]);
    assert_eq!(row["outcome"], "updated");
}

/// IMP-9
#[tokio::test]
async fn of_several_the_first_or_the_last_added_is_updated() {
    for (action, cities) in
        [("update_first_added", ["Praha", "Brno"]), ("update_last_added", ["Brno", "Praha"])]
    {
        let app = peopled().await;
        let done = with(&app, "many", action).await;
        assert_eq!(done.summary("updated"), 1);
        let many = people(&app, "many@example.com");
        assert_eq!(many.iter().map(city_of).collect::<Vec<_>>(), cities, "{action}");
        let hit = many.iter().find(|person| person["city"] == "Praha").unwrap();
        assert_eq!(row(&app, &done, 3).await["contact_id"], hit["id"]);
    }
}

/// IMP-9, TRS-1
#[tokio::test]
async fn the_youngest_in_the_trash_is_restored_and_updated() {
    let app = peopled().await;
    let done = with(&app, "in_trash", "restore_and_update").await;
    assert_eq!(done.summary("restored"), 1);
    let two = people(&app, "trash@example.com");
    assert!(!two[0]["trashed_at"].is_null());
    assert_eq!(
        only(&two[1], &["first_name", "city", "trashed_at"]),
        json!({ "first_name": "Younger", "city": "Praha", "trashed_at": null })
    );
    assert_eq!(row(&app, &done, 4).await["outcome"], "restored");
    // both usage counters are right: the guard looks when the test ends
}

/// IMP-9: what is done when nothing is said.
#[tokio::test]
async fn by_default_nobody_is_doubled_and_nobody_comes_back_unasked() {
    let app = peopled().await;
    let done = imported(&app, &LIST, columns(&WORDS), by("email", json!({}))).await;
    assert_eq!(done.summary("created"), 1);
    assert_eq!(done.summary("updated"), 3);
    assert_eq!(done.summary("skipped"), 1);
    assert_eq!(
        people(&app, "many@example.com").iter().map(city_of).collect::<Vec<_>>(),
        ["Brno", "Praha"]
    );
}

/// IMP-9
#[tokio::test]
async fn an_action_of_another_class_is_refused() {
    let app = rules().await;
    let id =
        planned(&app, b"e\na@example.com\n", columns(&["email"]), by("email", json!({}))).await;
    for (class, action) in [
        ("none", "update"),
        ("none", "restore_and_update"),
        ("one", "update_last_added"),
        ("one", "restore_and_update"),
        ("many", "update"),
        ("in_trash", "update"),
    ] {
        let mut outcomes = json!({});
        outcomes[class] = json!({ "action": action });
        let pointer = format!("#/outcomes/{class}/action");
        app.put(format!("/imports/{id}/matching"))
            .json(&by("email", outcomes))
            .await
            .expect_problem(422, "validation_failed", &[&pointer]);
    }
}

/// IMP-16: who looks for one class or outcome finds it.
#[tokio::test]
async fn the_report_can_be_asked_for_a_class_and_an_outcome() {
    let app = peopled().await;
    let done = imported(&app, &LIST, columns(&WORDS), by("email", json!({}))).await;
    for (query, rows) in [
        (("class", "one"), vec![2, 5]),
        (("outcome", "created"), vec![1]),
        (("outcome", "updated"), vec![2, 3, 5]),
        (("outcome", "skipped"), vec![4]),
        (("outcome", "invalid"), vec![]),
    ] {
        let page = app.get(format!("/imports/{}/rows", done.id)).query(&[query]).await.expect(200);
        let found: Vec<_> = page.data().iter().map(|row| row["row"].as_i64().unwrap()).collect();
        assert_eq!(found, rows, "{query:?}");
    }
}
