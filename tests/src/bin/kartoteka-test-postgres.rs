//! The PostgreSQL of the tests: one for all test processes, ended when none is left.
//!
//! Started by the first test that needs it (see `kartoteka_tests::postgres`), never by hand.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: kartoteka-test-postgres FOLDER");
        return ExitCode::FAILURE;
    };
    match kartoteka_tests::postgres::keep(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
