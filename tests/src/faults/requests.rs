//! PostgreSQL is restarted under load: what was acknowledged stays, and soon everything works again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::figure::Time;
use super::processes::{Installation, Site, wait_for};
use super::{Chance, Form, Report};
use crate::client::Client;

/// Requests a second.
const RATE: u32 = 300;
/// After this long with its database, the API must work as before.
const GRACE: Duration = Duration::from_secs(2);
/// Contacts that are read and changed.
const CONTACTS: usize = 400;

/// One request and what came of it.
struct Sent {
    sent: Instant,
    done: Instant,
    /// Status, or how the connection failed.
    came: Result<u16, String>,
    retry_after: bool,
    what: &'static str,
}

/// What a contact must hold: the last value that was acknowledged, and the last that was sent.
#[derive(Clone, Copy, Default)]
struct Written {
    acknowledged: i64,
    sent: i64,
    busy: bool,
}

#[derive(Default)]
struct Ledger {
    sent: Vec<Sent>,
    /// Addresses of contacts whose making was acknowledged.
    made: Vec<String>,
    values: HashMap<usize, Written>,
}

/// A restart.
struct Restart {
    down: Instant,
    up: Instant,
}

/// `times` restarts under 300 requests a second.
pub fn restarts_under_load(form: Form, report: &mut Report) {
    let site = Installation::new(Site::default());
    let serve = site.serve();
    let client = site.client();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (calm, pause) = (form.pick(5, 1), form.pick(8, 3));
    let (ledger, restarts, ids) = runtime.block_on(async {
        let ids = Arc::new(contacts(&client).await);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        // a debug build on a busy machine is not to be overloaded as well
        let rate = form.pick(RATE, RATE / 6);
        let load = tokio::spawn(load(
            client,
            rate,
            Arc::clone(&ids),
            Arc::clone(&ledger),
            Chance::new(form.seed),
        ));
        tokio::time::sleep(Duration::from_secs(calm)).await;
        let mut chance = Chance::new(form.seed ^ 1);
        let mut restarts = Vec::new();
        for n in 0..form.times {
            // a server that is asked to stop, and one that dies, by turns
            let mode = if n % 2 == 0 { "fast" } else { "immediate" };
            let away = Duration::from_millis(chance.between(0, 2_000));
            restarts.push(tokio::task::block_in_place(|| restart(&site, mode, away)));
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
        load.abort();
        let _ = load.await;
        // those on their way come back or time out
        tokio::time::sleep(Duration::from_secs(1)).await;
        let ledger = std::mem::take(&mut *ledger.lock().unwrap());
        (ledger, restarts, ids)
    });
    judge(form, report, &site, &ledger, &restarts, &ids);
    drop(serve);
}

/// Stops PostgreSQL, leaves it away for a while, starts it. The load goes on beside it.
fn restart(site: &Installation, mode: &str, away: Duration) -> Restart {
    let down = Instant::now();
    site.stop_postgres(mode);
    std::thread::sleep(away);
    site.start_postgres();
    wait_for("PostgreSQL is up", Duration::from_secs(60), || site.try_connection().is_ok());
    Restart { down, up: Instant::now() }
}

async fn contacts(client: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..CONTACTS {
        let body = json!({ "email": format!("c{n}@example.com"), "first_name": "0" });
        ids.push(client.post("/contacts").json(&body).await.expect(201).id());
    }
    ids
}

/// Sends so many requests a second, whatever became of the ones before.
async fn load(
    client: Client,
    rate: u32,
    ids: Arc<Vec<String>>,
    ledger: Arc<Mutex<Ledger>>,
    mut chance: Chance,
) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    for n in 0_u64.. {
        ticks.tick().await;
        let at = usize::try_from(chance.below(CONTACTS as u64)).unwrap();
        let (client, ledger) = (client.clone(), Arc::clone(&ledger));
        let path = format!("/contacts/{}", ids[at]);
        match chance.below(10) {
            0..5 => tokio::spawn(async move { send(client.get(path), "read", &ledger).await }),
            5 => tokio::spawn(async move {
                send(client.get("/contacts?limit=20"), "list", &ledger).await
            }),
            6..8 => tokio::spawn(async move {
                let email = format!("made{n}@example.com");
                let body = json!({ "email": email });
                let came = send(client.post("/contacts").json(&body), "make", &ledger).await;
                if came == Some(201) {
                    ledger.lock().unwrap().made.push(email);
                }
                came
            }),
            _ => tokio::spawn(async move {
                let next = {
                    let mut ledger = ledger.lock().unwrap();
                    let value = ledger.values.entry(at).or_default();
                    // one at a time: which of two came last nobody could say
                    if value.busy {
                        return None;
                    }
                    value.busy = true;
                    value.sent += 1;
                    value.sent
                };
                let body = json!({ "first_name": next.to_string() });
                let came = send(client.patch(path).json(&body), "change", &ledger).await;
                let mut ledger = ledger.lock().unwrap();
                let value = ledger.values.entry(at).or_default();
                value.busy = false;
                if came == Some(200) {
                    value.acknowledged = next;
                }
                came
            }),
        };
    }
}

async fn send(
    request: crate::client::Request,
    what: &'static str,
    ledger: &Mutex<Ledger>,
) -> Option<u16> {
    let sent = Instant::now();
    let answer = request.attempt().await;
    let done = Instant::now();
    let retry_after = answer.as_ref().is_ok_and(|answer| !answer.header("retry-after").is_empty());
    let came = answer.map(|answer| answer.status).map_err(|error| format!("{error:?}"));
    let status = came.as_ref().ok().copied();
    ledger.lock().unwrap().sent.push(Sent { sent, done, came, retry_after, what });
    status
}

fn judge(
    form: Form,
    report: &mut Report,
    site: &Installation,
    ledger: &Ledger,
    restarts: &[Restart],
    ids: &[String],
) {
    let first = ledger.sent.iter().map(|sent| sent.sent).min().unwrap();
    let last = ledger.sent.iter().map(|sent| sent.sent).max().unwrap();
    let seconds = (last - first).as_secs_f64();
    let rate = ledger.sent.len() as f64 / seconds;
    report.exactly("restarts", form.times, restarts.len() as u64);
    if !form.short {
        report.judge(
            "requests a second, reads and writes",
            RATE,
            format!("{rate:.0} for {seconds:.0} s"),
            rate >= f64::from(RATE) * 0.95,
        );
    }
    let ok = |sent: &Sent| matches!(sent.came, Ok(200..300));
    let refused = |sent: &Sent| matches!(sent.came, Ok(503)) && sent.retry_after;
    // from the order to stop until two seconds after it takes connections again
    let excused = |sent: &Sent| {
        restarts.iter().any(|restart| sent.done >= restart.down && sent.done <= restart.up + GRACE)
    };
    let shown = |sent: &Sent| {
        let after = restarts.iter().rfind(|restart| restart.up < sent.done);
        let after = after.map_or(Duration::ZERO, |restart| sent.done - restart.up);
        format!("{} came to {:?}, {} after the last start", sent.what, sent.came, Time(after))
    };
    let strange: Vec<String> =
        ledger.sent.iter().filter(|sent| !ok(sent) && !refused(sent)).map(shown).collect();
    report.none("answers other than 2xx and 503 with Retry-After", &strange);
    let late: Vec<String> =
        ledger.sent.iter().filter(|sent| !ok(sent) && !excused(sent)).map(shown).collect();
    if form.short {
        // how soon depends on how busy the machine is: it must work again in the end
        let again = ledger.sent.iter().filter(|sent| ok(sent)).map(|sent| sent.done).max();
        let up = restarts.iter().map(|restart| restart.up).max();
        report.judge("works again", "yes", "no answer is no", again > up);
    } else {
        report.none("failures later than 2 s after PostgreSQL is up", &late);
        let settled = restarts.iter().filter_map(|restart| {
            let failed = ledger.sent.iter().filter(|sent| !ok(sent) && sent.done > restart.up);
            failed
                .filter(|sent| sent.done < restart.up + Duration::from_secs(5))
                .map(|sent| sent.done - restart.up)
                .max()
        });
        let settled = settled.max().unwrap_or_default();
        report.judge(
            "last failure after PostgreSQL is up",
            "under 2.0 s",
            Time(settled),
            settled < GRACE,
        );
    }
    let turned_away = ledger.sent.iter().filter(|sent| refused(sent)).count();
    report.judge("503 with Retry-After meanwhile", "some", turned_away, turned_away > 0);

    let lost = lost(site, ledger, ids);
    let writes = ledger.made.len()
        + ledger
            .values
            .values()
            .map(|value| usize::try_from(value.acknowledged).unwrap_or(0))
            .sum::<usize>();
    report.judge("acknowledged writes", "some", writes, writes > 0);
    report.none("acknowledged writes that are lost", &lost);
    report.none("rules of the tables that are broken", &site.breaches());
}

/// Writes that were acknowledged and are not there.
fn lost(site: &Installation, ledger: &Ledger, ids: &[String]) -> Vec<String> {
    let rows = site.rows("SELECT id, email, first_name FROM contacts");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let held: HashMap<String, String> =
        rows.iter().map(|row| (text(row, "id"), text(row, "first_name"))).collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    for row in &rows {
        *count.entry(text(row, "email")).or_default() += 1;
    }
    let mut lost: Vec<String> = ledger
        .made
        .iter()
        .filter(|email| count.get(*email) != Some(&1))
        .map(|email| format!("{email} is there {:?} times", count.get(email)))
        .collect();
    for (at, value) in &ledger.values {
        let holds: i64 = held[&ids[*at]].parse().unwrap();
        if holds < value.acknowledged || holds > value.sent {
            lost.push(format!(
                "contact {at} holds {holds}, acknowledged {}, sent {}",
                value.acknowledged, value.sent
            ));
        }
    }
    lost
}
