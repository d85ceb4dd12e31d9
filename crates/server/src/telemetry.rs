//! Log lines of the process: to standard error, as text for people or JSON for machines.
//!
//! Standard output stays free for what a command prints.

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Said beside the configured filter, which wins where it names the same target. Below `info` actix writes
/// paths and heads of requests, which hold addresses and tokens; the client does so of what it sends.
const QUIET: &str =
    "actix_server=warn,actix_web=info,actix_http=info,ureq=info,ureq_proto=info,rustls=info";

/// Starts writing log lines. `filter` is a checked filter of the configuration; an invalid one
/// counts as `info`. A second call in one process changes nothing.
pub fn start(filter: &str, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(self::filter(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    std::panic::set_hook(Box::new(log_panic));
    // An error only means that somebody (a test) has set a subscriber before.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// What a configured filter comes to; an invalid one counts as `info`.
#[must_use]
pub fn filter(configured: &str) -> EnvFilter {
    let quiet = EnvFilter::try_new(format!("{QUIET},{configured}"));
    quiet.unwrap_or_else(|_| EnvFilter::new("info"))
}

/// A panic is logged with its place. Its words only when they are literal: those that were made may quote what
/// was being read (a text cut in the middle of a letter is quoted whole), and that is somebody's data.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let words =
        panic.payload().downcast_ref::<&str>().copied().unwrap_or("left out, they may quote data");
    tracing::error!(place, words, "panicked");
}
