//! `kartoteka workspace`: one more workspace in the installation.

use clap::Subcommand;
use kartoteka_app::access::bootstrap::{Installation, ensure};
use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::clock::{Clock, SystemClock};

use super::{CommandResult, print};
use crate::config::Config;
use crate::opening::{open, pool};

#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Make a workspace and its administrator
    Create {
        /// Its name
        name: String,
        /// The administrator's e-mail address
        #[arg(long)]
        admin_email: String,
        /// The administrator's password; made up and shown once when not given
        #[arg(long)]
        admin_password: Option<String>,
    },
}

pub(super) fn run(config: &Config, command: WorkspaceCommand) -> CommandResult {
    let WorkspaceCommand::Create { name, admin_email, admin_password } = command;
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err("a workspace needs a name".into());
    }
    let database = open(config, None)?;
    let db = pool(config, &database, "kartoteka workspace", 1);
    let wanted = Installation {
        workspace: name.clone(),
        email: admin_email.clone(),
        password: admin_password,
    };
    let made = ensure(&db, &wanted, &Entropy::random(), SystemClock.now());
    drop(db);
    database.close()?;
    let made = made?;
    if made.administrator.is_none() {
        return Err(format!("there is a workspace {name} already").into());
    }
    print(&format!(
        "Workspace   {name}\nId          {}\nLogin       {admin_email}\n",
        made.workspace
    ))?;
    match made.password {
        Some(password) => print(&format!("Password    {password}   (shown this once: keep it)\n")),
        None => Ok(()),
    }
}
