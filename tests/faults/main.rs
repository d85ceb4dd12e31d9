//! `make faults`: does harm to a running installation and prints what came of it, one line per figure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;
use kartoteka_tests::faults::figure::{Circumstances, Time, refreshed};
use kartoteka_tests::faults::{Form, Report, SCENARIOS};

/// Does harm to a running installation and prints what came of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which scenarios; all when none is named
    scenarios: Vec<String>,
    /// How often the harm is done, in place of the number of each scenario
    #[arg(long)]
    times: Option<u64>,
    /// Seed of everything decided by chance: the same seed makes the same lists and moments
    #[arg(long)]
    seed: Option<u64>,
    /// Few rows, as in the tests
    #[arg(long)]
    short: bool,
    /// Say which scenarios there are
    #[arg(long)]
    list: bool,
    /// Put the figures into the table of this file
    #[arg(long)]
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for scenario in SCENARIOS {
            println!("{:<12} {} ({})", scenario.name, scenario.about, scenario.times);
        }
        return ExitCode::SUCCESS;
    }
    let unknown: Vec<_> = arguments
        .scenarios
        .iter()
        .filter(|name| SCENARIOS.iter().all(|scenario| scenario.name != **name))
        .collect();
    if !unknown.is_empty() {
        eprintln!("there are no scenarios {unknown:?}; see --list");
        return ExitCode::FAILURE;
    }
    let seed = arguments.seed.unwrap_or_else(|| u64::from(std::process::id()) << 16 ^ seconds());
    let when = Circumstances { machine: machine(), date: date(), commit: commit(), seed };
    println!("seed {seed}; {}; {}; commit {}", when.machine, when.date, when.commit);
    let mut figures = Vec::new();
    for scenario in SCENARIOS {
        let named = |name: &String| name == scenario.name;
        if !arguments.scenarios.is_empty() && !arguments.scenarios.iter().any(named) {
            continue;
        }
        let times = arguments.times.unwrap_or(scenario.times);
        println!("{}: {} ({times})", scenario.name, scenario.about);
        let form = Form { times, seed, short: arguments.short, shared: false };
        let started = Instant::now();
        let mut report = Report::printing(scenario.name);
        // one that breaks off must not hide what the others show
        if catch_unwind(AssertUnwindSafe(|| (scenario.run)(form, &mut report))).is_err() {
            report.judge("the whole", "to the end", "it broke off", false);
        }
        println!("{}: took {}", scenario.name, Time(started.elapsed()));
        figures.extend_from_slice(report.figures());
    }
    let failed = figures.iter().filter(|figure| !figure.holds).count();
    println!("{} figures, {failed} fall short", figures.len());
    if let Some(path) = &arguments.markdown {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let written = text
            .and_then(|text| refreshed(&text, &figures, &when))
            .and_then(|text| std::fs::write(path, text).map_err(|error| error.to_string()));
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if failed == 0 && !figures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn date() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}

/// Cores, memory, kernel.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {} GiB, Linux {}", (kib + 524_288) / 1_048_576, kernel.trim())
}

/// What the working tree stands at; marked when it is not all committed.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments);
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    match git(&["rev-parse", "--short", "HEAD"]) {
        Some(commit) if changed.is_some_and(|text| text.is_empty()) => commit,
        Some(commit) => format!("{commit}+"),
        None => "unknown".to_owned(),
    }
}
