//! Imports under fire: whatever dies while one plans, writes or takes back, it ends as its twin that
//! nothing happened to (IMP-17, IMP-18).
//!
//! Two workspaces of one installation get the same lists and the same orders. In the first, the twin, a
//! worker does them in peace; in the second everything is killed again and again. Then all tables are
//! compared, row by row, by what a person would know a contact by: the e-mail address.

use std::fmt;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::figure::Time;
use super::processes::{self, Installation, Process, Site, wait_for};
use super::{Chance, Form, Report};
use crate::client::Client;
use kartoteka_domain::jobs::LEASE_SECONDS;

/// How long one job may take, all its deaths included.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a worker has in its hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Planning,
    Committing,
    Undoing,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Planning, Self::Committing, Self::Undoing];

    /// States of the import between which it happens.
    fn ends_as(self) -> &'static str {
        match self {
            Self::Planning => "awaiting_commit",
            Self::Committing => "done",
            Self::Undoing => "reverted",
        }
    }

    /// Most deaths in one job: half of all are for the commit, which has the most to lose. Below the
    /// number at which a job that never gets on is given up.
    fn most(self) -> u64 {
        match self {
            Self::Planning | Self::Undoing => 2,
            Self::Committing => 12,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planning => "planning",
            Self::Committing => "committing",
            Self::Undoing => "undoing",
        })
    }
}

/// What happens to whoever works on the second workspace.
trait Harm {
    /// Makes sure that somebody works.
    fn work(&mut self, site: &Installation);
    /// Does it, now.
    fn strike(&mut self, site: &Installation);
    /// Lets everybody go.
    fn rest(&mut self);
}

/// The worker is killed, and another one started.
#[derive(Default)]
struct Kill(Option<Process>);

impl Harm for Kill {
    fn work(&mut self, site: &Installation) {
        if self.0.is_none() {
            self.0 = Some(site.worker());
        }
    }

    fn strike(&mut self, _: &Installation) {
        if let Some(worker) = self.0.take() {
            worker.kill();
        }
    }

    fn rest(&mut self) {
        // it may be starting still, and not listen to anything gentler
        if let Some(worker) = self.0.take() {
            worker.kill();
        }
    }
}

/// PostgreSQL is stopped without a goodbye and started again; the worker lives on.
#[derive(Default)]
struct Stop(Option<Process>);

impl Harm for Stop {
    fn work(&mut self, site: &Installation) {
        if self.0.is_none() {
            self.0 = Some(site.worker());
        }
    }

    fn strike(&mut self, site: &Installation) {
        site.stop_postgres("immediate");
        site.start_postgres();
        let worker = self.0.as_mut().map(Process::is_alive);
        assert_eq!(worker, Some(true), "the worker ended: {}", site.log("worker"));
    }

    fn rest(&mut self) {
        // it may be starting still, and not listen to anything gentler
        if let Some(worker) = self.0.take() {
            worker.kill();
        }
    }
}

/// `kill -9` of the worker at random moments.
pub fn worker_kills(form: Form, report: &mut Report) {
    let site = Site { shared: form.shared, ..Site::default() };
    under_fire(form, report, &Installation::new(site), &mut Kill::default(), "kills");
}

/// `pg_ctl stop -m immediate` at random moments.
pub fn postgres_stops(form: Form, report: &mut Report) {
    let site = Installation::new(Site::default());
    under_fire(form, report, &site, &mut Stop::default(), "stops of PostgreSQL");
}

fn under_fire(
    form: Form,
    report: &mut Report,
    site: &Installation,
    harm: &mut dyn Harm,
    blow: &str,
) {
    let serve = site.serve();
    site.make_workspace("Harmed");
    let mut range = Range {
        site,
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        twin: site.client(),
        harmed: site.client_in("Harmed"),
        chance: Chance::new(form.seed),
        rows: form.pick(30_000, 1_000),
        left: form.times,
        most: form.pick(u64::MAX, form.times),
        struck: [0; 3],
        taken_up: Duration::ZERO,
        unplanned: Vec::new(),
    };
    let mut differing = range.round(0, harm);
    let mut rounds = 0;
    let mut rows = 0;
    while range.left > 0 {
        rounds += 1;
        differing.extend(range.round(rounds, harm));
        rows += range.rows;
    }
    for (phase, struck) in Phase::ALL.iter().zip(range.struck) {
        if *phase == Phase::Committing {
            report.at_least(format!("{blow} while {phase}"), form.times, struck);
        } else {
            // in the short form there is one import only, which may be quicker
            let enough = struck > 0 || form.short;
            report.judge(format!("{blow} while {phase}"), "some", struck, enough);
        }
    }
    report.judge(
        "imports that reached the end of their twin, and were undone",
        "all",
        format!("{rounds} of {rounds}, {rows} rows"),
        rounds > 0,
    );
    report.none("rows lost, doubled or with another value than in the twin", &differing);
    report.none("counts that are not those of the plan", &range.unplanned);
    report.none("rules of the tables that are broken", &site.breaches());
    let lease = Duration::from_secs(LEASE_SECONDS.unsigned_abs());
    report.judge(
        format!("longest wait from one of the {blow} until the work went on"),
        format!("at most a lease, {}", Time(lease)),
        Time(range.taken_up),
        range.taken_up <= lease,
    );
    drop(serve);
}

/// Where the twin and the harmed one stand side by side.
struct Range<'a> {
    site: &'a Installation,
    runtime: Runtime,
    twin: Client,
    harmed: Client,
    chance: Chance,
    rows: u64,
    /// Blows during a commit that are still to come.
    left: u64,
    /// Most blows in one job.
    most: u64,
    struck: [u64; 3],
    taken_up: Duration,
    unplanned: Vec<String>,
}

impl Range<'_> {
    /// One import in both workspaces: planned, committed, and, but for the first, undone and made again.
    /// Gives back how the two differ.
    fn round(&mut self, round: u64, harm: &mut dyn Harm) -> Vec<String> {
        let list = if round == 0 { base(self.rows) } else { self.list(round) };
        let plan: &[Phase] = match round {
            0 => &[Phase::Planning, Phase::Committing],
            _ => &[Phase::Planning, Phase::Committing, Phase::Undoing],
        };
        let [twin, harmed] = [self.twin.clone(), self.harmed.clone()];
        let ids = [twin, harmed].map(|client| (self.prepared(&client, &list, round), client));
        let mut differing = Vec::new();
        for phase in plan {
            let worker = self.site.worker();
            let started = Instant::now();
            let [(twin, client), _] = &ids;
            self.begin(client, twin, *phase, round);
            self.wait_for_end(twin, *phase);
            let span = started.elapsed();
            worker.terminate();

            let [_, (harmed, client)] = &ids;
            let living = self.living(harmed);
            self.begin(client, harmed, *phase, round);
            // the base is the ground both stand on: laid in peace
            let most = if round == 0 { 0 } else { self.most.min(phase.most()) };
            self.harm_until_the_end(harmed, *phase, span, most, harm);
            if *phase == Phase::Committing {
                self.hold_plan(client, harmed, living);
            }
            differing.extend(
                differences(self.site).into_iter().map(|what| format!("after {phase}: {what}")),
            );
        }
        differing
    }

    fn call(&self, request: crate::client::Request, status: u16) -> Value {
        self.runtime.block_on(async { request.await.expect(status).json })
    }

    /// An import with its data and mapping, up to where the worker is needed.
    fn prepared(&self, client: &Client, list: &str, round: u64) -> String {
        let name = json!({ "name": format!("round {round}") });
        let id = self.call(client.post("/imports").json(&name), 201)["id"].clone();
        let id = id.as_str().unwrap().to_owned();
        let data = client.put(format!("/imports/{id}/data")).bytes("text/csv", list);
        self.call(data, 200);
        let header = json!({ "first_row": "header" });
        self.call(client.put(format!("/imports/{id}/header")).json(&header), 200);
        let columns = ["email", "first_name", "last_name", "tags", "consent:email_basic"];
        let columns: Vec<Value> = columns
            .iter()
            .chain(&["address.city", "detail:shoe"])
            .enumerate()
            .map(|(index, target)| json!({ "index": index, "target": target }))
            .collect();
        let mapping = json!({ "columns": columns });
        self.call(client.put(format!("/imports/{id}/mapping")).json(&mapping), 200);
        id
    }

    /// Asks for the work of a phase.
    fn begin(&self, client: &Client, id: &str, phase: Phase, round: u64) {
        match phase {
            Phase::Planning => {
                let consents =
                    json!([{ "purpose": "sms_basic", "legal_basis": "legitimate_interest" }]);
                let matching = json!({ "mode": "match", "key": "email", "outcomes": {
                    "none": { "action": "import", "tags": ["new", format!("round {round}")] },
                    "one": { "action": "update", "tags": ["known"], "consents": consents },
                } });
                let path = format!("/imports/{id}/matching");
                self.call(client.put(path).json(&matching), 202);
            }
            Phase::Committing => {
                let plan = self.call(client.get(format!("/imports/{id}/plan")), 200);
                let body = json!({ "plan_hash": plan["hash"] });
                self.call(client.post(format!("/imports/{id}/commit")).json(&body), 202);
            }
            Phase::Undoing => {
                self.call(client.post(format!("/imports/{id}/revert")), 202);
            }
        }
    }

    fn wait_for_end(&self, id: &str, phase: Phase) {
        let mut watch = Watch::new(self.site, id);
        wait_for(&format!("the end of {phase}"), PATIENCE, || {
            watch.look().is_some_and(|seen| seen.is_at(phase))
        });
    }

    /// Strikes at random moments, each at a time when somebody has the job in his hands.
    fn harm_until_the_end(
        &mut self,
        id: &str,
        phase: Phase,
        span: Duration,
        most: u64,
        harm: &mut dyn Harm,
    ) {
        let mut watch = Watch::new(self.site, id);
        // a lease that somebody died with; the work goes on with the next one
        let mut dead: Option<(i64, Instant)> = None;
        let mut strikes = 0;
        let counts = phase == Phase::Committing;
        loop {
            harm.work(self.site);
            let mut seen = None;
            wait_for(&format!("{phase} goes on"), PATIENCE, || {
                seen = watch.look().filter(|seen| {
                    let goes_on = dead.is_none_or(|(epoch, _)| seen.epoch > epoch);
                    seen.is_at(phase) || (seen.running && goes_on)
                });
                seen.is_some()
            });
            if let Some((_, at)) = dead.take() {
                self.taken_up = self.taken_up.max(at.elapsed());
            }
            if seen.is_some_and(|seen| seen.is_at(phase)) {
                break;
            }
            if strikes >= most || (counts && self.left == 0) {
                self.wait_for_end(id, phase);
                break;
            }
            std::thread::sleep(self.chance.moment(span));
            let Some(seen) = watch.look().filter(|seen| seen.running) else { continue };
            harm.strike(self.site);
            dead = Some((seen.epoch, Instant::now()));
            strikes += 1;
            self.struck[phase as usize] += 1;
            if counts {
                self.left -= 1;
            }
        }
        harm.rest();
    }

    /// Living contacts of the workspace of an import.
    fn living(&self, id: &str) -> i64 {
        self.site.count(&format!(
            "SELECT count(*) AS n FROM contacts WHERE trashed_at IS NULL
             AND workspace_id = (SELECT workspace_id FROM imports WHERE id = '{id}')"
        ))
    }

    /// The numbers of the plan are those of the commit, of the rows, and of the contacts there are.
    fn hold_plan(&mut self, client: &Client, id: &str, before: i64) {
        let plan = self.call(client.get(format!("/imports/{id}/plan")), 200)["outcomes"].clone();
        let said = self.call(client.get(format!("/imports/{id}")), 200)["summary"].clone();
        let n = |value: &Value, word: &str| value[word].as_i64().unwrap_or(-1);
        let rows = self.site.rows(&format!(
            "SELECT outcome, count(*) AS n FROM import_rows WHERE import_id = '{id}' GROUP BY 1"
        ));
        let rows = |word: &str| {
            rows.iter().find(|row| row["outcome"] == word).map_or(0, |row| n(row, "n"))
        };
        for (planned, written) in [
            ("create", n(&said, "created")),
            ("restore", n(&said, "restored")),
            ("update", n(&said, "updated") + n(&said, "unchanged")),
            ("skip", n(&said, "skipped")),
            ("invalid", n(&said, "invalid")),
            ("merged_in_file", n(&said, "merged_in_file")),
        ] {
            let (in_plan, in_rows) = (n(&plan, planned), rows(planned));
            if in_plan != written || in_plan != in_rows {
                self.unplanned
                    .push(format!("{planned}: plan {in_plan}, summary {written}, rows {in_rows}"));
            }
        }
        let made = self.living(id) - before;
        if made != n(&plan, "create") + n(&plan, "restore") {
            self.unplanned.push(format!("contacts made: {made}, plan {plan}"));
        }
    }

    /// Three of ten are known, one of fifty cannot be read, one of fifty comes twice.
    fn list(&mut self, round: u64) -> String {
        let mut text = String::from("e,f,l,t,k,c,s\n");
        for n in 0..self.rows {
            let chance = self.chance.below(100);
            let (shoe, tag) = (self.chance.between(35, 47), self.chance.below(7));
            let (word, city) = (["yes", "no", ""][(n % 3) as usize], ["Brno", "Praha", ""]);
            let city = city[(chance % 3) as usize];
            let email = match chance {
                0..30 => format!("base{}@example.com", self.chance.below(self.rows)),
                30..32 => "nonsense".to_owned(),
                32..34 => format!("r{round}n{}@example.com", n.saturating_sub(chance)),
                _ => format!("r{round}n{n}@example.com"),
            };
            text.push_str(&format!(
                "{email},First{n},Last{shoe},\"t{tag}, r{round}\",{word},{city},{shoe}\n"
            ));
        }
        text
    }
}

/// The contacts that are there before.
fn base(rows: u64) -> String {
    let mut text = String::from("e,f,l,t,k,c,s\n");
    for n in 0..rows {
        let word = ["yes", "no", ""][(n % 3) as usize];
        text.push_str(&format!("base{n}@example.com,Old{n},,t{},{word},Ostrava,40\n", n % 11));
    }
    text
}

/// The job of an import, seen past the program.
struct Seen {
    state: String,
    running: bool,
    epoch: i64,
}

impl Seen {
    fn is_at(&self, phase: Phase) -> bool {
        assert!(
            !matches!(self.state.as_str(), "failed" | "cancelled"),
            "the import ended as {}",
            self.state
        );
        self.state == phase.ends_as() && !self.running
    }
}

/// Looks at one import, over a connection that may break.
struct Watch<'a> {
    site: &'a Installation,
    sql: String,
    conn: Option<PgConnection>,
}

impl<'a> Watch<'a> {
    fn new(site: &'a Installation, id: &str) -> Self {
        let sql = format!(
            "SELECT i.state, coalesce(j.state = 'running', false) AS running, coalesce(j.lease_epoch, 0) AS epoch
             FROM imports i LEFT JOIN jobs j ON j.workspace_id = i.workspace_id AND j.id = i.job_id
             WHERE i.id = '{id}'"
        );
        Self { site, sql, conn: None }
    }

    /// `None` while the database is away.
    fn look(&mut self) -> Option<Seen> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            state: String,
            #[diesel(sql_type = diesel::sql_types::Bool)]
            running: bool,
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            epoch: i64,
        }
        if self.conn.is_none() {
            self.conn = self.site.try_connection().ok();
        }
        let row = diesel::sql_query(&self.sql).get_result::<Row>(self.conn.as_mut()?);
        let Ok(Row { state, running, epoch }) = row else {
            self.conn = None;
            return None;
        };
        Some(Seen { state, running, epoch })
    }
}

/// What is compared: names, and rows without ids and times. `$w` stands for the workspace.
const TABLES: &[(&str, &str)] = &[
    (
        "contacts",
        "SELECT to_jsonb(c) - '{workspace_id,id,created_at,updated_at,trashed_at}'::text[] AS row,
            trashed_at IS NOT NULL AS trashed FROM contacts c WHERE workspace_id = $w",
    ),
    (
        "contact_tags",
        "SELECT c.email_key, c.trashed_at IS NOT NULL AS trashed, t.name, x.score FROM contact_tags x
         JOIN contacts c ON c.workspace_id = $w AND c.id = x.contact_id
         JOIN tags t ON t.workspace_id = $w AND t.id = x.tag_id WHERE x.workspace_id = $w",
    ),
    ("tags", "SELECT name, name_key FROM tags WHERE workspace_id = $w"),
    (
        "consents",
        "SELECT c.email_key, c.trashed_at IS NOT NULL AS trashed, p.name, x.granted FROM consents x
         JOIN contacts c ON c.workspace_id = $w AND c.id = x.contact_id
         JOIN purposes p ON p.workspace_id = $w AND p.id = x.purpose_id WHERE x.workspace_id = $w",
    ),
    (
        "consent_entries",
        "SELECT c.email_key, c.trashed_at IS NOT NULL AS trashed, p.name, x.action, x.actor_type, x.source_type,
            x.legal_basis, x.wording_version FROM consent_entries x
         JOIN contacts c ON c.workspace_id = $w AND c.id = x.contact_id
         JOIN purposes p ON p.workspace_id = $w AND p.id = x.purpose_id WHERE x.workspace_id = $w",
    ),
    (
        "import_rows",
        "SELECT i.name, x.row, x.line, x.class, x.outcome, x.problems, c.email_key FROM import_rows x
         JOIN imports i ON i.workspace_id = $w AND i.id = x.import_id
         LEFT JOIN contacts c ON c.workspace_id = $w AND c.id = x.contact_id WHERE x.workspace_id = $w",
    ),
    (
        "import_staged",
        "SELECT i.name, to_jsonb(x) - '{workspace_id,import_id,email_hash}'::text[] AS row FROM import_staged x
         JOIN imports i ON i.workspace_id = $w AND i.id = x.import_id WHERE x.workspace_id = $w",
    ),
    (
        "import_changes",
        "SELECT i.name, x.row, c.email_key, x.changes FROM import_changes x
         JOIN imports i ON i.workspace_id = $w AND i.id = x.import_id
         LEFT JOIN contacts c ON c.workspace_id = $w AND c.id = x.contact_id WHERE x.workspace_id = $w",
    ),
    (
        "import_tag_additions",
        "SELECT i.name, x.row, c.email_key, t.name AS tag FROM import_tag_additions x
         JOIN imports i ON i.workspace_id = $w AND i.id = x.import_id
         LEFT JOIN contacts c ON c.workspace_id = $w AND c.id = x.contact_id
         LEFT JOIN tags t ON t.workspace_id = $w AND t.id = x.tag_id WHERE x.workspace_id = $w",
    ),
    (
        "imports",
        "SELECT name, state, rows, plan - 'hash' AS plan, summary, reverted, problem, applied_row FROM imports
         WHERE workspace_id = $w",
    ),
    (
        "workspace_usage",
        "SELECT sum(live)::bigint AS live, sum(trashed)::bigint AS trashed FROM workspace_usage WHERE workspace_id = $w",
    ),
    (
        "audit_entries",
        "SELECT action, changes - 'plan_hash' AS changes FROM audit_entries WHERE workspace_id = $w AND action LIKE 'import.%'",
    ),
];

/// How the two workspaces differ, all tables compared.
fn differences(site: &Installation) -> Vec<String> {
    let mut conn = site.connection();
    let ids =
        processes::rows(&mut conn, "SELECT id, name FROM workspaces ORDER BY name = 'Harmed'");
    let [twin, harmed] = [0, 1].map(|at| format!("'{}'::uuid", ids[at]["id"].as_str().unwrap()));
    let mut found = Vec::new();
    for (table, sql) in TABLES {
        let of = |workspace: &str| sql.replace("$w", workspace);
        // the same rows in any order have the same sum; only where it differs they are laid side by side
        let mut sum = |workspace: &str| {
            let sum = "count(*) AS n, sum(hashtextextended(q::text, 0))::text AS sum";
            processes::rows(&mut conn, &format!("SELECT {sum} FROM ({}) AS q", of(workspace)))
        };
        if sum(&twin) == sum(&harmed) {
            continue;
        }
        for (way, one, other) in
            [("not in the twin", &harmed, &twin), ("in the twin only", &twin, &harmed)]
        {
            let rows = processes::rows(
                &mut conn,
                &format!("({}) EXCEPT ALL ({}) LIMIT 20", of(one), of(other)),
            );
            found.extend(rows.into_iter().map(|row| format!("{table}: {way}: {row}")));
        }
    }
    found
}
