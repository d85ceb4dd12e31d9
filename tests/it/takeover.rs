//! What becomes of the jobs of a worker that is killed while others share its data directory.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};

use kartoteka_tests::Client;
use kartoteka_tests::invariants::breaches;
use kartoteka_tests::program::{Installation, PATIENCE, until};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(conn: &mut PgConnection, sql: &str) -> i64 {
    diesel::sql_query(format!("SELECT count(*) AS n FROM {sql}"))
        .get_result::<Number>(conn)
        .unwrap()
        .n
}

fn execute(conn: &mut PgConnection, sql: &str) -> usize {
    diesel::sql_query(sql).execute(conn).unwrap()
}

const ROWS: usize = 1_000;

/// Brings a list to where it is to be written; gives back the paths of the import and of the job.
async fn commit_list(client: &Client) -> (String, String) {
    let lines: Vec<_> = (1..=ROWS).map(|n| format!("n{n}@example.com,N{n}")).collect();
    let list = format!("E-mail,Jméno\n{}\n", lines.join("\n"));
    let id = client.post("/imports").json(&json!({})).await.expect(201).id();
    let import = format!("/imports/{id}");
    client.put(format!("{import}/data")).bytes("text/csv", list).await.expect(200);
    client
        .put(format!("{import}/header"))
        .json(&json!({ "first_row": "header" }))
        .await
        .expect(200);
    client.put(format!("{import}/mapping")).json(&json!({ "columns": "auto" })).await.expect(200);
    let matching = json!({ "mode": "match", "key": "email" });
    let planning = client.put(format!("{import}/matching")).json(&matching).await.expect(202);
    let planning = format!("/jobs/{}", planning.id());
    eventually(client, &planning, "succeeded").await;
    let hash = client.get(format!("{import}/plan")).await.expect(200).text_at("/hash");
    let commit = client.post(format!("{import}/commit")).json(&json!({ "plan_hash": hash }));
    let job = format!("/jobs/{}", commit.await.expect(202).id());
    (import, job)
}

/// Waits until a job or an import is in this state.
async fn eventually(client: &Client, path: &str, state: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = client.get(path).await.expect(200).json;
        if seen["state"] == state {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited for {state} in vain: {seen:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nothing can be written to contacts until the connection that is given back commits.
fn wall(installation: &Installation) -> PgConnection {
    let mut wall = installation.database().connection();
    execute(&mut wall, "BEGIN");
    execute(&mut wall, "LOCK TABLE contacts IN SHARE MODE");
    wall
}

/// Waits until a worker stands before the wall.
fn until_stuck(conn: &mut PgConnection) {
    until("a worker waits for the table", || {
        count(
            conn,
            // databases made from one template have one number for the table
            "pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_database d ON d.oid = l.database
             WHERE c.relname = 'contacts' AND NOT l.granted AND d.datname = current_database()",
        ) > 0
    });
}

/// IMP-17: the jobs of killed workers go on without their leases running out, each death is counted, and
/// the third worker is careful; the import loses and doubles nothing.
#[tokio::test]
async fn the_job_of_a_killed_worker_goes_on_at_once() {
    let installation = Installation::new().await;
    let server = installation.serve(&["--no-worker"]);
    let admin = installation.administrator(&server).await;
    let mut look = installation.database().connection();
    let mut wall = wall(&installation);
    let mut worker = installation.worker();
    let (import, job) = commit_list(&admin).await;
    for deaths in 1..=2 {
        until_stuck(&mut look);
        worker.kill();
        // waits until PostgreSQL has noticed that nobody wants the statement before the wall any more;
        // now nothing but a takeover lets the job go on
        let later =
            "UPDATE jobs SET lease_until = now() + interval '1 day' WHERE state = 'running'";
        assert_eq!(execute(&mut look, later), 1);
        worker = installation.worker();
        until("the next worker has the job", || {
            let taken = format!("jobs WHERE state = 'running' AND crashes = {deaths}");
            count(&mut look, &taken) == 1
        });
        assert_eq!(count(&mut look, &format!("jobs WHERE attempt = {deaths} + 1")), 1);
    }
    until_stuck(&mut look);
    execute(&mut wall, "COMMIT");
    eventually(&admin, &job, "succeeded").await;
    let import = eventually(&admin, &import, "done").await;
    assert_eq!(import["summary"]["created"], json!(ROWS));
    assert_eq!(count(&mut look, "contacts"), i64::try_from(ROWS).unwrap());
    assert_eq!(breaches(&mut look), Vec::<String>::new());
    worker.stop();
    server.stop();
}

/// The workers whose files lie in the data directory.
fn files(installation: &Installation) -> usize {
    std::fs::read_dir(installation.data_dir().join("workers")).unwrap().count()
}

/// IMP-17: who lives keeps its jobs, whoever dies or starts beside it.
#[tokio::test]
async fn the_job_of_a_living_worker_is_left_alone() {
    let installation = Installation::new().await;
    // serve works too
    let server = installation.serve(&[]);
    let admin = installation.administrator(&server).await;
    let mut look = installation.database().connection();
    let mut wall = wall(&installation);
    let (_, job) = commit_list(&admin).await;
    until_stuck(&mut look);
    let (killed, stopped) = (installation.worker(), installation.worker());
    assert_eq!(files(&installation), 3);
    killed.kill();
    stopped.stop();
    let stays = installation.worker();
    until("the dead are noticed", || files(&installation) == 2);
    let untouched =
        "jobs WHERE state = 'running' AND lease_epoch = 1 AND attempt = 1 AND crashes = 0";
    assert_eq!(count(&mut look, untouched), 1);
    execute(&mut wall, "COMMIT");
    eventually(&admin, &job, "succeeded").await;
    assert_eq!(count(&mut look, "jobs WHERE lease_epoch > 1"), 0, "nobody took it over");
    stays.stop();
    server.stop();
}
