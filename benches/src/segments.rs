//! Goal 12: a selection by six conditions, counted and listed.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::figure::{Figure, Unit, median};
use crate::imports::{LARGE, words};
use crate::requests::Load;
use crate::service::Service;
use crate::{Bench, Outcome};

/// How long each is asked for again and again in a round.
const TIME: Duration = Duration::from_secs(2);

/// A tag, not a tag, a consent, a country, ninety days, a detail.
fn selection() -> Value {
    let leaf =
        |field: &str, op: &str, value: Value| json!({ "field": field, "op": op, "value": value });
    json!({ "where": { "and": [
        leaf("tag", "has", json!("newsletter")),
        leaf("tag", "has_not", json!("VIP")),
        leaf("consent:email_basic", "eq", json!("granted")),
        leaf("address.country", "eq", json!("CZ")),
        leaf("created_at", "within_last", json!("P90D")),
        leaf("detail:velikost", "eq", json!("42")),
    ] } })
}

/// Measures it at one size.
pub(crate) fn measure(bench: &Bench, goals: &[u8], rows: u64) -> Outcome<Vec<Figure>> {
    if !goals.contains(&12) {
        return Ok(Vec::new());
    }
    let base = bench.base(rows)?;
    bench.postgres.create("run", &base)?;
    let service = Service::start(bench, "run")?;
    let load = Load::new(bench, &service, "run")?;
    bench.say(&format!("{} contacts: a selection by six conditions", words(rows)));
    let body = json!({ "selection": selection() });
    let selected = service.client().post("/contacts/count", &body)?["contacts"].clone();
    let counts = load.request("POST", "/contacts/count", Some(&body));
    let page = json!({ "selection": selection(), "limit": 50 });
    let pages = load.request("POST", "/contacts/query", Some(&page));
    let mut conn = bench.postgres.connect("run")?;
    let (mut all, mut count, mut list) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        all.push(count_all(&mut conn)?);
        count.push(load.one_by_one(&counts, TIME)?);
        list.push(load.one_by_one(&pages, TIME)?);
    }
    drop(conn);
    service.stop()?;
    bench.postgres.remove("run")?;
    let (all, count, list) = (median(all) * 1e3, median(count) * 1e3, median(list) * 1e3);
    let size = words(rows);
    Ok(vec![
        Figure::at_most(
            12,
            format!("six conditions counted ({selected} of {size}) to count(*) of the workspace"),
            count / all,
            4.0,
            1.0,
        )
        .unit(Unit::Times)
        .raw(format!("{count:.1} ms through the API, count(*) {all:.1} ms"))
        .data(json!({ "rows": rows, "count_ms": count, "all_ms": all })),
        Figure::at_most(
            12,
            format!("first page of 50 of them, {size} contacts, to that count"),
            list / count,
            0.15,
            0.05,
        )
        .raw(format!("{list:.1} ms, count {count:.1} ms"))
        .data(json!({ "rows": rows, "page_ms": list, "count_ms": count }))
        .judged_from(LARGE, rows),
    ])
}

/// Median time of `count(*)` of all living contacts, in seconds, in a session as the service has.
fn count_all(conn: &mut PgConnection) -> Outcome<f64> {
    let sql = "SELECT count(*) FROM contacts c WHERE c.workspace_id = (SELECT id FROM workspaces ORDER BY id LIMIT 1) \
               AND c.trashed_at IS NULL";
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || began.elapsed() < TIME / 2 {
        let one = Instant::now();
        diesel::sql_query(sql).execute(conn)?;
        times.push(one.elapsed().as_secs_f64());
    }
    Ok(median(times))
}
