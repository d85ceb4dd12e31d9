//! The program: hands its arguments to the command and tells how it ended.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use kartoteka::commands::{self, Cli};
use kartoteka::small_pages;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    small_pages::ask();
    match commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr(), "kartoteka: {error}");
            ExitCode::FAILURE
        }
    }
}
