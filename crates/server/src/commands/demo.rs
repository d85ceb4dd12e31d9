//! `kartoteka demo`: something to look at.

use std::sync::Arc;

use kartoteka_app::clock::{Clock, SystemClock};
use kartoteka_app::demo;
use kartoteka_app::worker::Environment;
use kartoteka_domain::ids::WorkspaceId;

use super::{CommandResult, print};
use crate::config::Config;
use crate::database::Database;
use crate::installation::ensure_configured;
use crate::keys::Keys;
use crate::opening::{open, pool};
use crate::wiring::journal;

/// One for the job, one for the look at it.
const CONNECTIONS: u32 = 3;

/// Fills the configured workspace, which is made when there is none.
pub(super) fn run(config: &Config) -> CommandResult {
    let keys = Keys::open(&config.keys_dir, SystemClock.now())?;
    let database = open(config, None)?;
    let db = pool(config, &database, "kartoteka demo", 1);
    let installed = ensure_configured(config, &db, SystemClock.now())?;
    drop(db);
    let imports = fill(config, &database, &keys, installed.workspace);
    database.close()?;
    let imports = imports?;
    if let Some(password) = &installed.password {
        print(&format!(
            "Login       {}\nPassword    {password}   (shown this once: keep it)\n",
            config.admin_email
        ))?;
    }
    print(&format!(
        "The workspace {} has its invented contacts now, with companies, segments and activities; \
         {} imports tell where from.\n",
        config.workspace, imports
    ))
}

/// Fills a workspace; how many imports that took. Blocks.
pub(super) fn fill(
    config: &Config,
    database: &Database,
    keys: &Keys,
    workspace: WorkspaceId,
) -> Result<usize, kartoteka_app::Error> {
    let environment = Environment {
        db: pool(config, database, "kartoteka demo", CONNECTIONS),
        clock: Arc::new(SystemClock),
        secret: Arc::from(keys.secret.as_slice()),
        mail: config.mail.clone(),
        links_url: Arc::from(config.links_url()),
        journal: journal(config),
    };
    let owner = format!("demo-{}-{:08x}", std::process::id(), rand::random::<u32>());
    Ok(demo::fill(&environment, workspace, &owner)?.len())
}
