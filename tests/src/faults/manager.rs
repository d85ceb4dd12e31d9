//! Jobs of the contact manager under fire: however often the worker dies, every action is done with every contact exactly
//! once (MGR-3).

use std::time::{Duration, Instant};

use reqwest::multipart::{Form as Multipart, Part};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::processes::{Installation, Site, wait_for};
use super::{Chance, Form, Report};
use crate::client::{Client, Request};

/// How long one job may take, all its deaths included.
const PATIENCE: Duration = Duration::from_secs(300);
/// Most deaths in one job: below the number at which a job that never gets on is given up.
const MOST: u64 = 12;

struct Field<'a> {
    site: &'a Installation,
    runtime: Runtime,
    client: Client,
    contacts: i64,
    stage: String,
}

/// `kill -9` of the worker at random moments over jobs of seven actions, until it died so often.
pub fn manager_kills(form: Form, report: &mut Report) {
    let site = Installation::new(Site { shared: form.shared, ..Site::default() });
    let serve = site.serve();
    let field = Field::new(&site, form.pick(30_000, 1_000));
    let mut chance = Chance::new(form.seed);
    let (mut kills, mut rounds, mut wrong) = (0, 0_i64, Vec::new());
    // in peace, to know how long it takes
    let mut span = form.pick(Duration::from_secs(5), Duration::from_millis(500));
    while kills < form.times {
        rounds += 1;
        let job = field.begin(rounds);
        let started = Instant::now();
        let most = MOST.min(form.times - kills);
        let died = if rounds == 1 && !form.short { 0 } else { most };
        kills += field.work(&job, &mut chance, span, died);
        if rounds == 1 {
            span = started.elapsed();
        }
        wrong.extend(field.check(&job, rounds));
        assert!(rounds < 1_000, "the worker is never caught");
    }
    report.at_least("kills of a worker over a job", form.times, kills);
    report.judge(
        "jobs that reached their end",
        "all",
        format!("{rounds} of {rounds}, {} contacts each", field.contacts),
        rounds > 0,
    );
    report.none("effects that are missing or there twice", &wrong);
    report.none("rules of the tables that are broken", &site.breaches());
    drop(serve);
}

impl<'a> Field<'a> {
    /// Contacts, and a stage they can be put into.
    fn new(site: &'a Installation, contacts: i64) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = site.client();
        let mut field = Self { site, runtime, client, contacts, stage: String::new() };
        let rows: Vec<String> =
            (0..contacts).map(|n| format!("n{n}@example.com,N{n},+420601{n:06}")).collect();
        let list = format!("e-mail,first name,phone\n{}\n", rows.join("\n"));
        let file =
            Part::bytes(list.into_bytes()).file_name("list.csv").mime_str("text/csv").unwrap();
        let import =
            field.client.post("/imports/run").multipart(Multipart::new().part("file", file));
        let import = field.call(import, 202)["subject"]["id"].clone();
        let worker = site.worker();
        let path = format!("/imports/{}", import.as_str().unwrap());
        wait_for("the contacts are there", PATIENCE, || {
            field.call(field.client.get(&path), 200)["state"] == "done"
        });
        worker.terminate();
        let funnel = json!({ "name": "Fire", "stages": ["one"] });
        let funnel = field.call(field.client.post("/funnels").json(&funnel), 201);
        field.stage = funnel["stages"][0]["id"].as_str().unwrap().to_owned();
        field
    }

    fn call(&self, request: Request, status: u16) -> Value {
        self.runtime.block_on(async { request.await.expect(status).json })
    }

    /// Asks for a job that changes everybody by each of its actions.
    fn begin(&self, round: i64) -> String {
        let state = if round % 2 == 0 { "customer" } else { "partner" };
        let body = json!({
            "selection": { "where": { "field": "email", "op": "is_not_empty" } },
            "actions": [
                { "type": "add_tags", "tags": [format!("round {round}")] },
                { "type": "set_detail", "name": "round", "value": round },
                { "type": "set_score", "score": round },
                { "type": "set_state", "state": state },
                { "type": "add_to_stage", "stage_id": self.stage },
                { "type": "generate_coupon", "name": format!("round {round}"), "length": 10, "valid_until": "2099-12-31" },
                { "type": "add_note", "text": format!("round {round}") },
            ],
        });
        self.call(self.client.post("/contact-manager/jobs").json(&body), 202)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Has the job done while its worker is killed at random moments, at most so often; how often it was.
    fn work(&self, job: &str, chance: &mut Chance, span: Duration, most: u64) -> u64 {
        let running =
            format!("SELECT count(*) AS n FROM jobs WHERE id = '{job}' AND state = 'running'");
        let ended = format!(
            "SELECT count(*) AS n FROM jobs WHERE id = '{job}' AND state NOT IN ('queued', 'running')"
        );
        let mut died = 0;
        while died < most {
            let worker = self.site.worker();
            wait_for("the job is taken up", PATIENCE, || {
                self.site.count(&running) > 0 || self.site.count(&ended) > 0
            });
            let until = Instant::now() + chance.moment(span / 4);
            wait_for("the moment", PATIENCE, || Instant::now() >= until);
            let over = self.site.count(&ended) > 0;
            worker.kill();
            if over {
                return died;
            }
            died += 1;
        }
        let worker = self.site.worker();
        wait_for("the job ends", PATIENCE, || self.site.count(&ended) > 0);
        worker.terminate();
        died
    }

    /// What is not there exactly once.
    fn check(&self, job: &str, round: i64) -> Vec<String> {
        let view = self.call(self.client.get(format!("/contact-manager/jobs/{job}")), 200);
        let mut wrong = Vec::new();
        if view["state"] != "succeeded" {
            wrong.push(format!("job {job}: {view}"));
        }
        for (action, counts) in view["outcomes"].as_object().into_iter().flatten() {
            // whoever is in the stage is there since the first round
            let stays = action == "add_to_stage" && round > 1;
            let expected = if stays { "unchanged" } else { "applied" };
            if counts[expected] != self.contacts {
                wrong.push(format!("round {round}, {action}: {counts}"));
            }
        }
        let name = format!("round {round}");
        for (what, sql) in [
            (
                "tags",
                format!(
                    "contact_tags ct JOIN tags t ON t.workspace_id = ct.workspace_id AND t.id = ct.tag_id WHERE t.name = '{name}'"
                ),
            ),
            (
                "details and scores",
                format!("contacts WHERE details ->> 'round' = '{round}' AND score = {round}"),
            ),
            ("stages", format!("contact_stages WHERE stage_id = '{}'", self.stage)),
            ("coupons", format!("coupons WHERE name = '{name}'")),
            ("notes", format!("contact_notes WHERE text = '{name}'")),
            ("contacts put down", format!("frozen_contacts WHERE job_id = '{job}'")),
        ] {
            let found = self.site.count(&format!("SELECT count(*) AS n FROM {sql}"));
            if found != self.contacts {
                wrong.push(format!("round {round}, {what}: {found} of {}", self.contacts));
            }
        }
        wrong
    }
}
