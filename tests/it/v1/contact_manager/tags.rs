//! Tags by name and from details, and tags that say a gender.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, counts, managed, named, outcomes, read, undone};

fn tags(contact: &Value) -> Vec<(String, i64)> {
    let tags = contact["tags"].as_array().unwrap().iter();
    let mut tags: Vec<(String, i64)> = tags
        .map(|tag| (tag["name"].as_str().unwrap().to_owned(), tag["score"].as_i64().unwrap()))
        .collect();
    tags.sort();
    tags
}

fn expected(tags: &[(&str, i64)]) -> Vec<(String, i64)> {
    tags.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect()
}

/// MGR-D, MGR-4: tags get their initial score; one without a score keeps the present one; undoing gives all back.
#[tokio::test]
async fn tags_are_added_with_their_score_and_removed() {
    let app = TestApp::new().await;
    let has = json!([{"name": "vip", "score": 5}, {"name": "stary", "score": 3}, {"name": "jaro", "score": 1}]);
    let jana = contact(&app, json!({"last_name": "N", "tags": has})).await;
    let petr = contact(&app, json!({"last_name": "N"})).await;
    let ready =
        contact(&app, json!({"last_name": "N", "tags": [{"name": "jaro", "score": 2}, "VIP"]}))
            .await;
    let actions = json!([
        {"type": "remove_tags", "tags": ["STARY", "nikdy"]},
        {"type": "add_tags", "tags": ["Vip", {"name": "jaro", "score": 2}]},
    ]);
    let job = managed(&app, named("N"), actions).await;
    assert_eq!(
        job.json["outcomes"],
        json!({"add_tags": counts(2, 1, json!({})), "remove_tags": counts(1, 2, json!({}))})
    );
    assert_eq!(tags(&read(&app, &jana).await), expected(&[("jaro", 2), ("vip", 5)]));
    assert_eq!(tags(&read(&app, &petr).await), expected(&[("jaro", 2), ("vip", 0)]));
    assert_eq!(tags(&read(&app, &ready).await), expected(&[("jaro", 2), ("vip", 0)]));
    let rows = outcomes(&app, &job.id(), "&action=add_tags&outcome=unchanged").await;
    assert_eq!(rows, [(ready.clone(), json!("add_tags"), json!("unchanged"), Value::Null)]);

    let undo = undone(&app, &job.id()).await;
    assert_eq!(
        undo.json["outcomes"],
        json!({"add_tags": counts(2, 0, json!({})), "remove_tags": counts(1, 0, json!({}))})
    );
    assert_eq!(tags(&read(&app, &jana).await), expected(&[("jaro", 1), ("stary", 3), ("vip", 5)]));
    assert_eq!(tags(&read(&app, &petr).await), expected(&[]));
    assert_eq!(tags(&read(&app, &ready).await), expected(&[("jaro", 2), ("vip", 0)]));
}

/// MGR-D: the example of the source: one prefix before the values of several details.
#[tokio::test]
async fn tags_are_made_of_a_prefix_and_the_values_of_details() {
    let app = TestApp::new().await;
    let jan = contact(
        &app,
        json!({"last_name": "K", "details": {"rozmiar_buta": "43", "x": 7, "other": "no"}}),
    )
    .await;
    let none = contact(&app, json!({"last_name": "K", "details": {"other": "43"}})).await;
    let long = contact(&app, json!({"last_name": "K", "details": {"x": "y".repeat(120)}})).await;
    let both = contact(
        &app,
        json!({"last_name": "K", "details": {"x": "y".repeat(120), "rozmiar_buta": 44}}),
    )
    .await;
    let same =
        contact(&app, json!({"last_name": "K", "details": {"x": "A", "rozmiar_buta": "a"}})).await;
    let action = json!([{"type": "add_tags_from_details", "details": ["rozmiar_buta", "x"],
        "prefix": "ROZMIARBUTA_", "score": 2}]);
    let job = managed(&app, named("K"), action.clone()).await;
    let all =
        json!({"add_tags_from_details": counts(3, 0, json!({"no_detail": 1, "invalid_tag": 1}))});
    assert_eq!(job.json["outcomes"], all);
    assert_eq!(
        tags(&read(&app, &jan).await),
        expected(&[("ROZMIARBUTA_43", 2), ("ROZMIARBUTA_7", 2)])
    );
    assert_eq!(tags(&read(&app, &both).await), expected(&[("ROZMIARBUTA_44", 2)]));
    assert_eq!(tags(&read(&app, &same).await).len(), 1);
    for untouched in [&none, &long] {
        assert_eq!(tags(&read(&app, untouched).await), expected(&[]));
    }
    let again = managed(&app, named("K"), action).await;
    assert_eq!(again.json["outcomes"]["add_tags_from_details"]["unchanged"], 3);
    undone(&app, &job.id()).await;
    assert_eq!(tags(&read(&app, &jan).await), expected(&[]));
}

/// MGR-O: Polish, Hungarian and Czech first names, before or after the surname, with a tag for each outcome.
#[tokio::test]
async fn genders_are_tagged_by_country_and_order_of_names() {
    let app = TestApp::new().await;
    let of = |name: &str| json!({"first_name": name, "company_name": "G"});
    let everybody = json!({"where": {"field": "company_name", "op": "eq", "value": "G"}});
    let anna = contact(&app, of("Anna Kowalska")).await;
    let kuba =
        contact(&app, json!({"first_name": "Kuba", "last_name": "Kowalski", "company_name": "G"}))
            .await;
    // no name to go by
    let odd = contact(&app, json!({"company_name": "G"})).await;
    let all = json!({"female": "kobieta", "male": {"name": "mezczyzna", "score": 4}, "undetermined": "nieznana"});
    let action = |country: &str, order: &str, tags: &Value| json!([{"type": "detect_gender", "country": country, "name_order": order, "tags": tags}]);
    let job = managed(&app, everybody.clone(), action("PL", "first_last", &all)).await;
    assert_eq!(job.json["outcomes"], json!({"detect_gender": counts(3, 0, json!({}))}));
    assert_eq!(tags(&read(&app, &anna).await), expected(&[("kobieta", 0)]));
    assert_eq!(tags(&read(&app, &kuba).await), expected(&[("mezczyzna", 4)]));
    assert_eq!(tags(&read(&app, &odd).await), expected(&[("nieznana", 0)]));
    undone(&app, &job.id()).await;
    assert_eq!(tags(&read(&app, &kuba).await), expected(&[]));

    // the surname first, as Hungarians write
    let janos = contact(&app, of("Kovács János")).await;
    let ilona = contact(&app, of("Nagy Ilona")).await;
    let some = json!({"female": "no", "male": "ferfi"});
    let job = managed(&app, everybody, action("HU", "last_first", &some)).await;
    assert_eq!(tags(&read(&app, &janos).await), expected(&[("ferfi", 0)]));
    assert_eq!(tags(&read(&app, &ilona).await), expected(&[("no", 0)]));
    let undetermined = outcomes(&app, &job.id(), "&outcome=skipped&reason=undetermined").await;
    assert!(undetermined.iter().any(|(id, ..)| *id == odd), "{undetermined:?}");
    assert_eq!(tags(&read(&app, &odd).await), expected(&[]));
}
