//! One key, one effect: whatever is sent twice, broken off or cut down by a kill (PLT-3).

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;

use super::figure::Time;
use super::processes::{Installation, Site};
use super::{Chance, Form, Report};
use crate::client::Client;

/// Keys whose copies are on their way at the same time.
const AT_ONCE: usize = 32;
/// How long one copy is sent again and again before the scenario gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// A kill for so many keys.
const KEYS_PER_KILL: u64 = 250;

/// What came of one key.
struct Told {
    key: u64,
    /// The different bodies that were answered with 201.
    bodies: HashSet<Vec<u8>>,
    answers: u64,
    left: u64,
    again: u64,
    strange: Vec<String>,
}

/// `times` keys, each sent two to five times at once, by clients that leave, to a server that is killed.
pub fn keys(form: Form, report: &mut Report) {
    let site = Installation::new(Site { shared: form.shared, ..Site::default() });
    let mut serve = Some(site.serve());
    let client = site.client();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let done = AtomicU64::new(0);
    let wanted = form.pick(form.times / KEYS_PER_KILL, 2).max(1);
    let started = Instant::now();
    let (told, kills) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            runtime.block_on(async {
                let keys = futures_util::stream::iter(0..form.times);
                let sent = keys.map(|key| send_copies(&client, key, form.seed, &done));
                sent.buffer_unordered(AT_ONCE).collect::<Vec<Told>>().await
            })
        });
        let mut kills = 0;
        while kills < wanted && !sending.is_finished() {
            // evenly over the run, wherever it is then
            if done.load(Ordering::Relaxed) * (wanted + 1) < form.times * (kills + 1) {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            serve.take().unwrap().kill();
            serve = Some(site.serve());
            kills += 1;
        }
        (sending.join().unwrap(), kills)
    });
    let took = started.elapsed();

    report.exactly("keys", form.times, told.len() as u64);
    report.exactly("kills of the server meanwhile", wanted, kills);
    let sum = |count: fn(&Told) -> u64| told.iter().map(count).sum::<u64>();
    report.judge(
        "clients that left in the middle",
        "some",
        sum(|told| told.left),
        sum(|told| told.left) > 0,
    );
    report.judge(
        "copies answered 201",
        "some",
        format!(
            "{} in {}, sent again {} times",
            sum(|told| told.answers),
            Time(took),
            sum(|told| told.again)
        ),
        sum(|told| told.answers) > form.times,
    );
    let effects = site.count("SELECT count(*) AS n FROM contacts");
    report.exactly("effects: contacts", i64::try_from(form.times).unwrap(), effects);
    let different = site.count("SELECT count(DISTINCT email_key) AS n FROM contacts");
    report.exactly("different ones", i64::try_from(form.times).unwrap(), different);
    let unequal: Vec<String> = told
        .iter()
        .filter(|told| told.bodies.len() != 1)
        .map(|told| format!("key {} was answered in {} ways", told.key, told.bodies.len()))
        .collect();
    report.none("keys whose answers are not equal", &unequal);
    let strange: Vec<&String> = told.iter().flat_map(|told| &told.strange).collect();
    report.none("answers other than 201, 409 while in progress, 503", &strange);
    report.none("rules of the tables that are broken", &site.breaches());
}

/// Sends the copies of one key; one at least stays until it is answered.
async fn send_copies(client: &Client, key: u64, seed: u64, done: &AtomicU64) -> Told {
    let mut chance = Chance::new(seed ^ key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let copies = chance.between(2, 5);
    let mut told =
        Told { key, bodies: HashSet::new(), answers: 0, left: 0, again: 0, strange: Vec::new() };
    let sent = (0..copies).map(|copy| {
        let leaves = copy > 0 && chance.below(4) == 0;
        let leaves = leaves.then(|| chance.moment(Duration::from_millis(12)));
        send_until_told(client, key, leaves)
    });
    for copy in futures_util::future::join_all(sent).await {
        told.again += copy.again;
        told.strange.extend(copy.strange);
        match copy.body {
            Some(body) => {
                told.answers += 1;
                told.bodies.insert(body);
            }
            None => told.left += 1,
        }
    }
    done.fetch_add(1, Ordering::Relaxed);
    told
}

/// What one copy heard.
#[derive(Default)]
struct Copy {
    body: Option<Vec<u8>>,
    again: u64,
    strange: Vec<String>,
}

async fn send_until_told(client: &Client, key: u64, leaves: Option<Duration>) -> Copy {
    let mut copy = Copy::default();
    let body = json!({ "email": format!("k{key}@example.com"), "first_name": format!("N{key}") });
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = client
            .post("/contacts")
            .header("idempotency-key", &format!("key-{key}"))
            .json(&body)
            .attempt();
        let answer = match leaves {
            // the connection is closed where the request stands then
            Some(after) => match tokio::time::timeout(after, request).await {
                Ok(answer) => answer,
                Err(_) => return copy,
            },
            None => request.await,
        };
        match answer {
            Ok(answer) if answer.status == 201 => {
                copy.body = Some(answer.bytes);
                return copy;
            }
            Ok(answer) if answer.status == 503 => {}
            Ok(answer)
                if answer.status == 409 && answer.json["code"] == "idempotency_in_progress" => {}
            Ok(answer) => copy.strange.push(format!("{answer:?}")),
            // the server was killed
            Err(_) => {}
        }
        if leaves.is_some() {
            return copy;
        }
        assert!(Instant::now() < deadline, "key {key} was never answered");
        copy.again += 1;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
