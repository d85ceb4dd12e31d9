//! Goals 10 and 11: actions of the contact manager on three tenths of the contacts, with an outcome of each, to what the
//! bare database takes for the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::figure::{Figure, median};
use crate::import::{Cost, Watch, follow, text};
use crate::imports::{LARGE, words};
use crate::service::Service;
use crate::{Bench, Outcome};

/// The tag that is put on.
const TAG: &str = "bulk";
/// Who is meant: about three tenths of the base.
const COUNTRY: &str = "PL";

/// The workspace, in statements.
const WORKSPACE: &str = "(SELECT id FROM workspaces ORDER BY id LIMIT 1)";

/// Measures both at one size.
pub(crate) fn measure(bench: &Bench, goals: &[u8], rows: u64) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    if goals.contains(&10) {
        figures.push(tag_against_copy(bench, rows)?);
    }
    if goals.contains(&11) {
        for plain in plain_statements() {
            figures.push(against_statement(bench, rows, &plain)?);
        }
    }
    Ok(figures)
}

/// Goal 10: a tag on all of them, to COPY of the rows that gave.
fn tag_against_copy(bench: &Bench, rows: u64) -> Outcome<Figure> {
    let base = bench.base(rows)?;
    bench.say(&format!("{} contacts: a tag put on three tenths of them", words(rows)));
    let path = bench.postgres.exchange("tagged");
    let (mut jobs, mut copies, mut tagged) = (Vec::new(), Vec::new(), 0);
    for _ in 0..bench.rounds(rows) {
        jobs.push(job(bench, &base, &json!({ "type": "add_tags", "tags": [{ "name": TAG }] }))?);
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
    Ok(figure(10, what, (0.2, 0.35), tagged, ["COPY", "job"], &copies, &jobs)
        .judged_from(LARGE, rows))
}

/// An action, and the statement that does the same and no more.
struct Plain {
    what: &'static str,
    action: Value,
    statement: String,
    /// How many the action changed.
    changed: String,
}

fn plain_statements() -> [Plain; 3] {
    let whom =
        format!("workspace_id = {WORKSPACE} AND country = '{COUNTRY}' AND trashed_at IS NULL");
    let purpose = format!(
        "(SELECT id FROM purposes WHERE workspace_id = {WORKSPACE} AND name = 'email_basic')"
    );
    [
        Plain {
            what: "a detail set",
            action: json!({ "type": "set_detail", "name": "bulk", "value": "yes" }),
            statement: format!(
                "UPDATE contacts SET details = details || '{{\"bulk\": \"yes\"}}', updated_at = now() WHERE {whom}"
            ),
            changed: "SELECT count(*) AS n FROM contacts WHERE details ->> 'bulk' = 'yes'"
                .to_owned(),
        },
        Plain {
            what: "an opt-out of e-mail",
            action: json!({ "type": "set_email_opt_out" }),
            statement: format!(
                "WITH entries AS (INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, \
                   source_type, legal_basis, wording_version) \
                 SELECT workspace_id, id, {purpose}, gen_random_uuid(), 'withdraw', now(), 'system', 'contact_manager', 'consent', 1 \
                 FROM contacts WHERE {whom} RETURNING workspace_id, contact_id, purpose_id, id, at), \
                 touched AS (UPDATE contacts c SET updated_at = now() FROM entries e \
                   WHERE c.workspace_id = e.workspace_id AND c.id = e.contact_id) \
                 INSERT INTO consents (workspace_id, contact_id, purpose_id, granted, entry_id, at) \
                 SELECT workspace_id, contact_id, purpose_id, false, id, at FROM entries \
                 ON CONFLICT (workspace_id, contact_id, purpose_id) DO UPDATE \
                 SET granted = false, entry_id = excluded.entry_id, at = excluded.at"
            ),
            changed:
                "SELECT count(*) AS n FROM consent_entries WHERE source_type = 'contact_manager'"
                    .to_owned(),
        },
        Plain {
            what: "moving to the trash",
            action: json!({ "type": "delete", "mode": "trash" }),
            statement: format!(
                "UPDATE contacts SET trashed_at = now(), updated_at = now() WHERE {whom}"
            ),
            changed: "SELECT count(*) AS n FROM contacts WHERE trashed_at IS NOT NULL".to_owned(),
        },
    ]
}

/// Goal 11: what changes the contacts themselves, to one statement.
fn against_statement(bench: &Bench, rows: u64, plain: &Plain) -> Outcome<Figure> {
    let base = bench.base(rows)?;
    let Plain { what, action, statement, changed } = plain;
    bench.say(&format!("{} contacts: {what}, at three tenths of them", words(rows)));
    let (mut jobs, mut statements, mut count) = (Vec::new(), Vec::new(), 0);
    for _ in 0..bench.rounds(rows) {
        jobs.push(job(bench, &base, action)?);
        count = bench.postgres.number("run", changed)?;
        statements.push(run(bench, &base, statement)?);
    }
    bench.postgres.remove("run")?;
    let what = format!("{what}, at {count} of {} contacts, to one statement", words(rows));
    Ok(figure(11, what, (0.6, 0.8), count, ["statement", "job"], &statements, &jobs)
        .judged_from(LARGE, rows))
}

/// A job of the contact manager in a copy of the base, from the request to its end.
fn job(bench: &Bench, base: &str, action: &Value) -> Outcome<Cost> {
    bench.postgres.create("run", base)?;
    let service = Service::start(bench, "run")?;
    bench.postgres.settle()?;
    let whom = json!({ "where": { "field": "address.country", "op": "eq", "value": COUNTRY } });
    let watch = Watch::start(&bench.postgres, Some(&service))?;
    let body = json!({ "selection": whom, "actions": [action] });
    let job = service.client().post("/contact-manager/jobs", &body)?;
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
    jobs: &[Cost],
) -> Figure {
    let seconds = |wall: Duration| wall.as_secs_f64();
    let ratios = plainly.iter().zip(jobs).map(|(one, job)| seconds(one.wall) / seconds(job.wall));
    let middle = |costs: &[Cost], of: fn(&Cost) -> f64| median(costs.iter().map(of));
    let cpu = |cost: &Cost| (cost.postgres + cost.service).as_secs_f64();
    let (one, job) = (
        middle(plainly, |cost| cost.wall.as_secs_f64()),
        middle(jobs, |cost| cost.wall.as_secs_f64()),
    );
    // nobody was changed: nothing was measured
    let ratio = if rows == 0 { f64::NAN } else { median(ratios) };
    Figure::at_least(goal, what, ratio, must, aim)
        .raw(format!(
            "{plain} {one:.2} s ({:.2} s CPU), {ours} {job:.2} s ({:.2} s CPU)",
            middle(plainly, cpu),
            middle(jobs, cpu)
        ))
        .data(json!({ "rows": rows, "plain_seconds": one, "job_seconds": job }))
}
