//! Goals 10 and 11: one change of many contacts, as a job that keeps an outcome of each.

use std::time::Duration;

use serde_json::{Value, json};

use crate::figure::{Figure, median};
use crate::import::{Cost, Watch, follow, text};
use crate::imports::{LARGE, words};
use crate::service::Service;
use crate::{Bench, Outcome};

/// The tag that is put on.
const TAG: &str = "bulk";
/// Who is meant: about half of the base.
const WHOM: &str = "country = 'CZ' AND trashed_at IS NULL";

/// Measures both at one size.
pub(crate) fn measure(bench: &Bench, goals: &[u8], rows: u64) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    if goals.contains(&10) {
        figures.push(tag_against_copy(bench, rows)?);
    }
    if goals.contains(&11) {
        figures.push(detail_against_update(bench, rows)?);
    }
    Ok(figures)
}

/// Goal 10: a tag on all of them, to COPY of the rows that gave.
fn tag_against_copy(bench: &Bench, rows: u64) -> Outcome<Figure> {
    let base = bench.base(rows)?;
    bench.say(&format!("{} contacts: a tag put on half of them", words(rows)));
    let path = bench.postgres.exchange("tagged");
    let (mut edits, mut copies, mut tagged) = (Vec::new(), Vec::new(), 0);
    for _ in 0..bench.rounds(rows) {
        edits.push(edit(bench, &base, &json!({ "tags": { "add": [{ "name": TAG }] } }))?);
        let made = format!(
            "SELECT ct.* FROM contact_tags ct JOIN tags t ON t.workspace_id = ct.workspace_id AND t.id = ct.tag_id \
             WHERE t.name = '{TAG}'"
        );
        tagged =
            bench.postgres.number("run", &format!("SELECT count(*) AS n FROM ({made}) AS made"))?;
        let copy = format!("COPY ({made}) TO '{}' (FORMAT binary)", path.display());
        bench.postgres.execute("run", &copy)?;
        let copy = format!("COPY contact_tags FROM '{}' (FORMAT binary)", path.display());
        copies.push(run(bench, &base, &copy)?);
    }
    bench.postgres.remove("run")?;
    let _ = std::fs::remove_file(&path);
    let what = format!("a tag put on {tagged} of {} contacts, to COPY of its rows", words(rows));
    Ok(figure(10, what, (0.2, 0.35), tagged, ["COPY", "edit"], &copies, &edits)
        .judged_from(LARGE, rows))
}

/// Goal 11: a detail of all of them, to one UPDATE.
fn detail_against_update(bench: &Bench, rows: u64) -> Outcome<Figure> {
    let base = bench.base(rows)?;
    bench.say(&format!("{} contacts: a detail set on half of them", words(rows)));
    let count = "SELECT count(*) AS n FROM contacts WHERE details ->> 'bulk' = 'yes'";
    let (mut edits, mut updates, mut changed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..bench.rounds(rows) {
        edits.push(edit(bench, &base, &json!({ "details": { "bulk": "yes" } }))?);
        changed = bench.postgres.number("run", count)?;
        let update = format!(
            "UPDATE contacts SET details = details || '{{\"bulk\": \"yes\"}}', updated_at = now() \
             WHERE workspace_id = (SELECT id FROM workspaces ORDER BY id LIMIT 1) AND {WHOM}"
        );
        updates.push(run(bench, &base, &update)?);
    }
    bench.postgres.remove("run")?;
    let what = format!("a detail set on {changed} of {} contacts, to one UPDATE", words(rows));
    Ok(figure(11, what, (0.6, 0.8), changed, ["UPDATE", "edit"], &updates, &edits)
        .judged_from(LARGE, rows))
}

/// A bulk edit in a copy of the base, from the request to the end of its job.
fn edit(bench: &Bench, base: &str, changes: &Value) -> Outcome<Cost> {
    bench.postgres.create("run", base)?;
    let service = Service::start(bench, "run")?;
    bench.postgres.settle()?;
    let whom = json!({ "where": { "field": "address.country", "op": "eq", "value": "CZ" } });
    let watch = Watch::start(&bench.postgres, Some(&service))?;
    let body = json!({ "selection": whom, "changes": changes });
    let job = service.client().post("/contacts/bulk-edit", &body)?;
    follow(&service, &text(&job, "/id")?)?;
    let cost = watch.stop()?;
    service.stop()?;
    Ok(cost)
}

/// A statement in a copy of the base.
fn run(bench: &Bench, base: &str, sql: &str) -> Outcome<Cost> {
    bench.postgres.create("copy", base)?;
    bench.postgres.settle()?;
    let watch = Watch::start(&bench.postgres, None)?;
    bench.postgres.execute("copy", sql)?;
    let cost = watch.stop()?;
    bench.postgres.remove("copy")?;
    Ok(cost)
}

/// The median of the ratios of each round.
fn figure(
    goal: u8,
    what: String,
    (must, aim): (f64, f64),
    rows: i64,
    [plain, ours]: [&str; 2],
    plainly: &[Cost],
    edits: &[Cost],
) -> Figure {
    let seconds = |wall: Duration| wall.as_secs_f64();
    let ratios =
        plainly.iter().zip(edits).map(|(one, edit)| seconds(one.wall) / seconds(edit.wall));
    let middle = |costs: &[Cost], of: fn(&Cost) -> f64| median(costs.iter().map(of));
    let cpu = |cost: &Cost| (cost.postgres + cost.service).as_secs_f64();
    let (one, edit) = (
        middle(plainly, |cost| cost.wall.as_secs_f64()),
        middle(edits, |cost| cost.wall.as_secs_f64()),
    );
    // nobody was changed: nothing was measured
    let ratio = if rows == 0 { f64::NAN } else { median(ratios) };
    Figure::at_least(goal, what, ratio, must, aim)
        .raw(format!(
            "{plain} {one:.2} s ({:.2} s CPU), {ours} {edit:.2} s ({:.2} s CPU)",
            middle(plainly, cpu),
            middle(edits, cpu)
        ))
        .data(json!({ "rows": rows, "plain_seconds": one, "edit_seconds": edit }))
}
