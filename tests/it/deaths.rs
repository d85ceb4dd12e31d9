//! Workers that are killed while they work on the jobs of a test's database.

use std::process::{Child, Command, Stdio};

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use kartoteka_tests::{TestApp, canary};

/// A process of its own, with the jobs of this database in its hands.
pub fn worker(app: &TestApp) -> Child {
    let database = app.database().settings(1);
    Command::new(env!("CARGO_BIN_EXE_kartoteka-test-worker"))
        .env("DATABASE_URL", database.url)
        .env("KARTOTEKA_DB_PGBOUNCER", database.pgbouncer.to_string())
        .stdout(Stdio::null())
        .stderr(canary::child_output())
        .spawn()
        .unwrap()
}

/// The lease of a killed worker runs out; in life that takes half a minute.
fn let_leases_run_out(app: &TestApp) {
    app.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'",
    );
}

/// How far the newest job is.
fn progress(app: &TestApp) -> i64 {
    app.count("SELECT coalesce((SELECT progress_done FROM jobs ORDER BY id DESC LIMIT 1), 0) AS n")
}

fn is_open(app: &TestApp) -> bool {
    app.count("SELECT count(*) AS n FROM jobs WHERE state IN ('queued', 'running')") > 0
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// When a worker is killed.
#[derive(Clone, Copy)]
pub enum Moment {
    /// When so many more rows are done, in small chunks.
    Rows(i64),
    /// While it runs a statement that begins so, in the middle of a large chunk.
    Statement(&'static str),
}

/// Kills a worker at each of the moments, then lets one finish. Gives back how many died.
pub fn work_with_deaths(app: &TestApp, moments: &[Moment]) -> usize {
    let mut died = 0;
    for moment in moments {
        let_leases_run_out(app);
        let crashes = if matches!(moment, Moment::Rows(_)) { 2 } else { 0 };
        app.execute(&format!(
            "UPDATE jobs SET crashes = {crashes} WHERE state IN ('queued', 'running')"
        ));
        let from = progress(app);
        let sought = match moment {
            Moment::Rows(rows) => format!(
                "SELECT count(*) AS n FROM jobs WHERE state = 'running' AND progress_done >= {}",
                from + rows
            ),
            Moment::Statement(start) => format!(
                "SELECT count(*) AS n FROM pg_stat_activity
                 WHERE datname = current_database() AND state = 'active' AND query LIKE '{start}%'"
            ),
        };
        let mut watch = app.connection();
        let mut child = worker(app);
        while child.try_wait().unwrap().is_none() {
            let now = diesel::sql_query(&sought).get_result::<Number>(&mut watch).unwrap().n > 0;
            if now {
                child.kill().unwrap();
                child.wait().unwrap();
                died += 1;
                break;
            }
        }
    }
    while is_open(app) {
        let_leases_run_out(app);
        assert!(worker(app).wait().unwrap().success());
    }
    died
}
