//! `kartoteka-bench`: measures the goals of speed, as ratios of two things done in one run.
//!
//! A private PostgreSQL with fixed settings is started in a temporary folder; the release binary beside this
//! program is run against it as a process of its own, by its API, as anybody would. Both sides of a ratio
//! take turns, each from the same state (`CREATE DATABASE … TEMPLATE`), and the median of the rounds counts.
//! Seconds differ from machine to machine and from day to day; only the ratios are judged.
//!
//! A goal is a function of a [`Bench`] that gives [`Figure`]s back: see [`imports`].

mod bulk;
mod copy;
mod figure;
mod generator;
mod import;
mod imports;
mod loader;
mod postgres;
mod process;
mod report;
mod requests;
mod segments;
mod service;

use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;

use figure::Figure;
use import::CostLine;
use postgres::Postgres;
use report::Report;
use service::Service;

/// What can go wrong is told and ends the run.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The template of a fresh installation: schema, workspace, administrator, no contacts.
pub(crate) const EMPTY: &str = "empty";

#[derive(Debug, Parser)]
#[command(
    name = "kartoteka-bench",
    about = "Measures Kartoteka's goals of speed, as ratios in one run"
)]
struct Arguments {
    /// Numbers of the goals; all when none is given
    goals: Vec<u8>,
    /// How many rows, e.g. 10k,100k,1m
    #[arg(long, value_delimiter = ',', value_parser = count, default_value = "10k,100k,1m")]
    rows: Vec<u64>,
    /// How often each is measured; when not given: 3, and 1 from half a million rows on
    #[arg(long)]
    rounds: Option<u32>,
    /// Collect the plans of the imports' statements into files in this folder (it slows them down)
    #[arg(long)]
    explain: Option<PathBuf>,
    /// Only write the generated list of new people of that many rows into this file
    #[arg(long)]
    list: Option<PathBuf>,
    /// Where the database and the files go
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Also write the figures as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Also put the figures into a document, between its two markers
    #[arg(long)]
    markdown: Option<PathBuf>,
}

/// A run: the server, the folder, what was asked for.
pub(crate) struct Bench {
    pub(crate) postgres: Postgres,
    /// For files of this run; removed at its end.
    pub(crate) folder: PathBuf,
    rounds: Option<u32>,
    explain: Option<PathBuf>,
    began: Instant,
    figures: RefCell<Vec<Figure>>,
    costs: RefCell<Vec<CostLine>>,
}

impl Bench {
    /// Tells the person who waits what is being done.
    pub(crate) fn say(&self, what: &str) {
        eprintln!("[{:>5.0} s] {what}", self.began.elapsed().as_secs_f64());
    }

    /// Prints figures and keeps them for the reports.
    pub(crate) fn report(&self, figures: impl IntoIterator<Item = Figure>) {
        for figure in figures {
            println!("{figure}");
            self.figures.borrow_mut().push(figure);
        }
    }

    /// What was measured for a goal up to now.
    pub(crate) fn figures_of(&self, goal: u8) -> Vec<Figure> {
        self.figures.borrow().iter().filter(|figure| figure.goal == goal).cloned().collect()
    }

    /// Prints what imports cost and keeps it for the reports.
    pub(crate) fn report_costs(&self, costs: impl IntoIterator<Item = CostLine>) {
        for cost in costs {
            println!("{cost}");
            self.costs.borrow_mut().push(cost);
        }
    }

    /// Where the plans of what comes next begin in the server's log, when they are collected.
    pub(crate) fn explain_from(&self) -> Outcome<Option<u64>> {
        let Some(_) = &self.explain else { return Ok(None) };
        Ok(Some(fs::metadata(self.postgres.log())?.len()))
    }

    /// Writes the plans from there on into a file of this name.
    pub(crate) fn explain_to(&self, from: Option<u64>, label: &str) -> Outcome<()> {
        let (Some(folder), Some(from)) = (&self.explain, from) else { return Ok(()) };
        let mut log = fs::File::open(self.postgres.log())?;
        log.seek(SeekFrom::Start(from))?;
        let name = format!("{}.txt", label.replace([' ', '%'], ""));
        std::io::copy(&mut log, &mut fs::File::create(folder.join(name))?)?;
        Ok(())
    }

    /// Every goal at every size. Goals that are about one size only come after all sizes of the imports.
    fn run(&self, goals: &[u8], rows: &[u64]) -> Outcome<()> {
        self.postgres.execute("postgres", &format!("CREATE DATABASE \"{EMPTY}\""))?;
        Service::start(self, EMPTY)?.stop()?;
        for rows in rows {
            imports::measure(self, goals, *rows)?;
            self.report(bulk::measure(self, goals, *rows)?);
            self.report(segments::measure(self, goals, *rows)?);
            self.report(requests::measure(self, goals, *rows)?);
            self.forget_bases(*rows)?;
        }
        Ok(())
    }
}

impl Arguments {
    /// What decides about the figures, as it can be given again.
    fn command(&self) -> String {
        let mut words: Vec<String> = vec!["kartoteka-bench".to_owned()];
        words.extend(self.goals.iter().map(u8::to_string));
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|rows| imports::words(*rows).replace(' ', "").to_lowercase())
            .collect();
        words.push(format!("--rows {}", rows.join(",")));
        words.extend(self.rounds.map(|rounds| format!("--rounds {rounds}")));
        words.extend(self.explain.as_ref().map(|_| "--explain".to_owned()));
        words.join(" ")
    }
}

/// `10k`, `1m`, `250000`
fn count(text: &str) -> Result<u64, String> {
    let text = text.trim().to_lowercase();
    let (digits, unit) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('m').map_or((text.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    match digits.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number * unit),
        _ => Err("a number such as 10k, 1m or 250000".to_owned()),
    }
}

/// Removed with everything in it when the run ends, before which the server is stopped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    if let Some(path) = &arguments.list {
        let rows = arguments.rows.first().copied().unwrap_or_default();
        generator::write(path, rows, generator::People::New)?;
        return Ok(());
    }
    service::binary()?;
    let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = Folder(parent.join(format!("kartoteka-bench-{}", std::process::id())));
    fs::create_dir_all(&folder.0)?;
    let bench = Bench {
        postgres: Postgres::start(&folder.0, arguments.explain.is_some())?,
        folder: folder.0.clone(),
        rounds: arguments.rounds,
        began: Instant::now(),
        explain: arguments.explain.clone(),
        figures: RefCell::default(),
        costs: RefCell::default(),
    };
    if let Some(folder) = &bench.explain {
        fs::create_dir_all(folder)?;
    }
    end_on_signal(bench.postgres.postmaster()?, folder.0.clone())?;
    bench.say(&format!("PostgreSQL {} in {}", bench.postgres.version()?, folder.0.display()));
    let goals: Vec<u8> =
        if arguments.goals.is_empty() { (1..=15).collect() } else { arguments.goals.clone() };
    bench.run(&goals, &arguments.rows)?;
    let report = Report {
        command: arguments.command(),
        costs: &bench.costs.borrow(),
        figures: &bench.figures.borrow(),
        postgres: bench.postgres.version()?,
    };
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    if let Some(path) = &arguments.markdown {
        report.write_markdown(path)?;
    }
    let unmeasured: Vec<&str> =
        report.figures.iter().filter(|f| f.value.is_nan()).map(|f| f.what.as_str()).collect();
    if unmeasured.is_empty() {
        return Ok(());
    }
    Err(format!("not measured, or not with the right result: {}", unmeasured.join("; ")).into())
}

/// Ctrl-C must not leave a server and gigabytes behind.
fn end_on_signal(postmaster: u32, folder: PathBuf) -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let (Ok(mut interrupted), Ok(mut terminated)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
            eprintln!("kartoteka-bench: stopped");
            process::kill_children();
            // immediate: what is in it is thrown away
            let _ = Command::new("kill").args(["-QUIT", &postmaster.to_string()]).status();
            let _ = fs::remove_dir_all(&folder);
            std::process::exit(130);
        });
    });
    Ok(())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kartoteka-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
