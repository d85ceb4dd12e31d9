//! A worker process for tests that kill one, on the database of `DATABASE_URL`: works off what is due and
//! ends; or, with a number of slots as argument, goes on until it is killed, seen by the workers of the
//! same `KARTOTEKA_DATA_DIR`, and knows the jobs of `kartoteka_tests::faults::jobs` only.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use kartoteka::telemetry;
use kartoteka_app::clock::SystemClock;
use kartoteka_app::erasures::Journal;
use kartoteka_app::worker::{Environment, Presence, Runner, run_due};
use kartoteka_persistence::{Db, Settings};
use kartoteka_tests::canary;
use kartoteka_tests::faults::jobs;

fn main() -> ExitCode {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        eprintln!("DATABASE_URL names the database");
        return ExitCode::FAILURE;
    };
    let slots: Option<u32> = std::env::args().nth(1).and_then(|word| word.parse().ok());
    if slots.is_none() {
        // all it can say: the test that started it looks for personal data in that
        tracing_subscriber::fmt()
            .with_env_filter(telemetry::filter(canary::FILTER))
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .without_time()
            .init();
    }
    let mut settings = Settings::new(url);
    settings.pool_size = 2 + slots.unwrap_or(0);
    settings.pgbouncer = std::env::var("KARTOTEKA_DB_PGBOUNCER").is_ok_and(|value| value == "true");
    settings.wait = std::time::Duration::from_secs(20);
    let journal = std::env::var_os("KARTOTEKA_ERASURE_JOURNAL").unwrap_or_default().into();
    let environment = Environment {
        db: Db::connect(&settings),
        clock: Arc::new(SystemClock),
        secret: Arc::from(*b"a secret of the tests, 32 bytes!"),
        mail: None,
        links_url: Arc::from("http://127.0.0.1"),
        journal: Journal::new(journal),
    };
    let owner = format!("test-{}", std::process::id());
    let done = match slots {
        None => run_due(&environment, &owner).map(drop).map_err(|error| error.to_string()),
        Some(slots) => go_on(environment, owner, slots).map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn go_on(environment: Environment, owner: String, slots: u32) -> std::io::Result<()> {
    let folder = std::env::var_os("KARTOTEKA_DATA_DIR").unwrap_or_default();
    let presence = Presence::announce(&Path::new(&folder).join("workers"), owner)?;
    let slots = usize::try_from(slots).unwrap_or(1);
    let _runner = Runner::start_seen_with(environment, presence, slots, jobs::works())?;
    loop {
        std::thread::park();
    }
}
