//! The program itself, for tests that start, stop and kill it: `kartoteka` under another name.

use std::process::ExitCode;

use clap::Parser;
use kartoteka::commands::{self, Cli};

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kartoteka: {error}");
            ExitCode::FAILURE
        }
    }
}
