//! `kartoteka postgres`: the private PostgreSQL alone, until a signal comes.

use tokio::task::spawn_blocking;

use super::{CommandResult, print};
use crate::config::Config;
use crate::database::Database;
use crate::shutdown::Shutdown;

/// Starts (or joins) the server, prints its URL on one line, waits, gives it up.
pub(super) async fn run(config: Config) -> CommandResult {
    let shutdown = Shutdown::listen()?;
    let database = spawn_blocking(move || Database::open(&config)).await??;
    let Some(watch) = database.look_after() else {
        return Err("DATABASE_URL is set: there is no private PostgreSQL to run".into());
    };
    print(&format!("{}\n", database.url()))?;
    shutdown.asked().await;
    watch.abort();
    spawn_blocking(move || database.close()).await??;
    Ok(())
}
