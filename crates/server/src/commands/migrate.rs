//! `kartoteka migrate`: the schema alone, for deployments that do it before new programs start.

use super::{CommandResult, print};
use crate::config::Config;
use crate::opening::open;

/// Brings the schema up to date. `serve` and `worker` do the same when they start.
pub(super) fn run(config: &Config) -> CommandResult {
    open(config, None)?.close()?;
    print("The schema is up to date.\n")
}
