//! `kartoteka keys`: a new signing key for access tokens.

use chrono::Utc;
use clap::Subcommand;

use super::{CommandResult, print};
use crate::config::Config;
use crate::keys::Keys;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Add a signing key; it signs from the next start on, the old ones go on verifying
    Rotate,
}

pub(super) fn run(config: &Config, command: &KeysCommand) -> CommandResult {
    match command {
        KeysCommand::Rotate => {
            #[expect(clippy::disallowed_methods, reason = "a command is an edge")]
            let key = Keys::rotate(&config.keys_dir, Utc::now())?;
            print(&format!(
                "{}\nRestart every process that uses {} to sign with it.\n",
                key.kid,
                config.keys_dir.display()
            ))
        }
    }
}
