//! `kartoteka erasures`: what a restored backup has forgotten is done again.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use kartoteka_app::clock::{Clock, SystemClock};
use kartoteka_app::erasures::{self, Replayed};

use super::{CommandResult, print};
use crate::config::Config;
use crate::database::Database;
use crate::opening::{open, pool};

#[derive(Debug, Subcommand)]
pub(super) enum ErasuresCommand {
    /// Have every erasure of the journal done that this database does not know; a worker does them. Each start of
    /// `serve` and `worker` does this with its own journal
    Replay {
        /// Another journal, such as that of another machine; default: KARTOTEKA_ERASURE_JOURNAL
        #[arg(long)]
        journal: Option<PathBuf>,
    },
    /// Print the lines of a journal for every erasure that this database knows
    Export,
}

pub(super) fn run(config: &Config, command: ErasuresCommand) -> CommandResult {
    let database = open(config, None)?;
    let db = pool(config, &database, "kartoteka erasures", 1);
    let said = match command {
        ErasuresCommand::Replay { journal } => {
            let path = journal.as_deref().unwrap_or(&config.erasure_journal);
            replayed(&db, path)
        }
        ErasuresCommand::Export => erasures::replay::export(&db).map_err(Into::into),
    };
    drop(db);
    database.close()?;
    print(&said?)
}

fn replayed(
    db: &kartoteka_app::Db,
    path: &Path,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    if !path.exists() {
        return Err(format!("there is no journal {}", path.display()).into());
    }
    let Replayed { lines, known, again, elsewhere, unreadable } =
        erasures::replay(db, path, SystemClock.now())?;
    Ok(format!(
        "{lines} erasures in the journal: {known} known, {again} to be done again, {elsewhere} of workspaces that are \
         not here; {unreadable} lines cannot be read\n"
    ))
}

/// Replays the journal of this process at its start. A journal that cannot be read keeps nobody from starting: whoever
/// is asked to be erased hears of it, and the log says so.
pub(super) fn replay_own(config: &Config, database: &Database) {
    let db = pool(config, database, "kartoteka start", 1);
    match erasures::replay(&db, &config.erasure_journal, SystemClock.now()) {
        Ok(Replayed { lines, known, again, elsewhere, unreadable }) => {
            if again > 0 {
                tracing::warn!(
                    erasures = again,
                    "the journal names erasures that this database does not know; they are done again"
                );
            }
            if unreadable > 0 {
                tracing::warn!(
                    lines = unreadable,
                    "lines of the journal of erasures cannot be read"
                );
            }
            tracing::debug!(lines, known, elsewhere, "the journal of erasures was read");
        }
        Err(error) => tracing::error!(%error, "the journal of erasures was not replayed"),
    }
}
