//! A worker process for tests that kill one: works off what is due in the database of `DATABASE_URL` and ends.

use std::process::ExitCode;
use std::sync::Arc;

use kartoteka_app::clock::SystemClock;
use kartoteka_app::worker::{Environment, run_due};
use kartoteka_persistence::{Db, Settings};

fn main() -> ExitCode {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        eprintln!("DATABASE_URL names the database");
        return ExitCode::FAILURE;
    };
    let mut settings = Settings::new(url);
    settings.pool_size = 2;
    settings.wait = std::time::Duration::from_secs(20);
    let environment = Environment {
        db: Db::connect(&settings),
        clock: Arc::new(SystemClock),
        secret: Arc::from(*b"a secret of the tests, 32 bytes!"),
    };
    match run_due(&environment, &format!("test-{}", std::process::id())) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
