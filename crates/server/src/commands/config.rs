//! `kartoteka config`: what is set, to what, and why.

use super::{CommandResult, print};
use crate::config::{Config, Environment, describe};

/// Shows all settings, then fails when a value is wrong.
pub(super) fn run(environment: &Environment) -> CommandResult {
    print(&describe(environment))?;
    for name in environment.unknown() {
        print(&format!("# {name} is no setting of Kartoteka\n"))?;
    }
    Config::read(environment)?;
    Ok(())
}
