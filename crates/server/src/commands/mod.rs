//! The command line: one file per command, each a function from configuration to result.

mod config;
mod demo;
mod erasures;
mod keys;
mod migrate;
mod openapi;
mod postgres;
mod serve;
mod token;
mod worker;
mod workspace;

use std::error::Error;
use std::io::{self, Write};

use clap::{Parser, Subcommand};

use crate::config::{Config, Environment, Source};
use crate::telemetry;

/// What a command ends with; errors are shown to the person at the terminal.
pub type CommandResult = Result<(), Box<dyn Error + Send + Sync>>;

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(
    name = "kartoteka",
    version,
    about = "An open contact and marketing CRM: API, background worker, and a private PostgreSQL",
    after_help = "Settings come from the environment and from .env: see `kartoteka config`."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the API and the background worker (and, without DATABASE_URL, a private PostgreSQL)
    Serve {
        /// Run the API only; the jobs are done by `kartoteka worker`
        #[arg(long)]
        no_worker: bool,
    },
    /// Run the background worker only
    Worker,
    /// Print an access token for local use
    Token(token::TokenArguments),
    /// Workspaces of the installation
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    /// Erasures of persons: done again after a restore, or written out
    #[command(subcommand)]
    Erasures(erasures::ErasuresCommand),
    /// Fill the workspace with invented contacts
    Demo,
    /// Print the OpenAPI document
    Openapi {
        /// Print one line per operation instead
        #[arg(long)]
        operations: bool,
    },
    /// Show every setting with its meaning, value and origin; secrets are masked
    Config,
    /// Keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Bring the database's schema up to date
    Migrate,
    /// Run only the private PostgreSQL and print its URL, for psql and backups
    Postgres,
}

/// Runs the command that the arguments name.
///
/// # Errors
/// Whatever kept the command from its purpose.
pub fn run(cli: Cli) -> CommandResult {
    let environment = Environment::of_process()?;
    match cli.command {
        Command::Config => return config::run(&environment),
        Command::Openapi { operations } => return openapi::run(operations),
        _ => {}
    }
    let config = Config::read(&environment)?;
    telemetry::start(log_filter(&cli.command, &config, &environment), config.log_format);
    for name in environment.unknown() {
        tracing::warn!("{name} is no setting of Kartoteka; see `kartoteka config`");
    }
    match cli.command {
        Command::Config | Command::Openapi { .. } => Ok(()),
        Command::Serve { no_worker } => block_on(serve::run(config, !no_worker)),
        Command::Keys(command) => keys::run(&config, &command),
        Command::Worker => block_on(worker::run(config)),
        Command::Token(arguments) => token::run(&config, &arguments),
        Command::Workspace(command) => workspace::run(&config, command),
        Command::Demo => demo::run(&config),
        Command::Erasures(command) => erasures::run(&config, command),
        Command::Migrate => migrate::run(&config),
        Command::Postgres => block_on(postgres::run(config)),
    }
}

/// What is logged: a command that ends by itself says what it did on standard output, so unless
/// asked otherwise its log is for warnings.
fn log_filter<'c>(command: &Command, config: &'c Config, environment: &Environment) -> &'c str {
    let stays = matches!(command, Command::Serve { .. } | Command::Worker | Command::Postgres);
    let asked = environment.value("KARTOTEKA_LOG").is_some_and(|(_, from)| from != Source::Default);
    if stays || asked { &config.log } else { "warn" }
}

/// Runs a command that waits for signals, connections or jobs.
fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // Not waiting for threads: one of them may be the job that did not end in time.
    runtime.shutdown_background();
    result
}

/// Prints what a command is for on standard output. A reader that went away is no error.
fn print(text: &str) -> CommandResult {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
