//! The figures of a run for programs and for people.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::Outcome;
use crate::figure::{Figure, Verdict};
use crate::import::CostLine;

/// Everything a run found out.
pub(crate) struct Report<'a> {
    pub(crate) figures: &'a [Figure],
    pub(crate) costs: &'a [CostLine],
    /// The command as it can be given again, without where files go.
    pub(crate) command: String,
    /// Version of PostgreSQL.
    pub(crate) postgres: String,
}

/// What is between these two lines of a document is written by the program.
const BEGIN: &str = "<!-- kartoteka-bench: begin -->";
const END: &str = "<!-- kartoteka-bench: end -->";

impl Report<'_> {
    /// One object with everything.
    pub(crate) fn write_json(&self, path: &Path) -> Outcome<()> {
        let report = json!({
            "run": { "command": self.command, "date": date(), "commit": commit(), "machine": machine(), "postgres": self.postgres },
            "figures": self.figures.iter().map(Figure::json).collect::<Vec<Value>>(),
            "costs": self.costs.iter().map(CostLine::json).collect::<Vec<Value>>(),
        });
        Ok(fs::write(path, serde_json::to_string_pretty(&report)?)?)
    }

    /// Two tables, put between the markers of a document that has them.
    pub(crate) fn write_markdown(&self, path: &Path) -> Outcome<()> {
        let document = fs::read_to_string(path)?;
        let parts = document
            .split_once(BEGIN)
            .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
        let (before, after) =
            parts.ok_or_else(|| format!("{} lacks the lines {BEGIN} and {END}", path.display()))?;
        fs::write(path, format!("{before}{BEGIN}\n\n{}\n{END}{after}", self.markdown()))?;
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut figures: Vec<&Figure> = self.figures.iter().collect();
        figures.sort_by_key(|figure| figure.goal);
        let (judged, noted): (Vec<&Figure>, Vec<&Figure>) =
            figures.iter().partition(|figure| figure.verdict() != Verdict::Noted);
        let mut text = format!(
            "`{}`, {}, commit {}, {}, PostgreSQL {}.\n\n",
            self.command,
            date(),
            commit(),
            machine(),
            self.postgres
        );
        let lines = |figures: &[&Figure]| -> String {
            figures.iter().map(|figure| format!("{}\n", figure.markdown())).collect()
        };
        text.push_str("| goal | what | must | aim | measured | verdict | medians |\n|---|---|---|---|---|---|---|\n");
        text.push_str(&lines(&judged));
        if !noted.is_empty() {
            text.push_str("\nNot judged:\n\n| goal | what | | | measured | | medians |\n|---|---|---|---|---|---|---|\n");
            text.push_str(&lines(&noted));
        }
        if !self.costs.is_empty() {
            text.push_str(
                "\nCosts of imports, medians (CPU in seconds):\n\n\
                 | rows | import | step | s | rows/s | µs a row | CPU PostgreSQL | CPU service | WAL MB |\n\
                 |---|---|---|---|---|---|---|---|---|\n",
            );
            for cost in self.costs {
                text.push_str(&cost.markdown());
                text.push('\n');
            }
        }
        text
    }
}

fn date() -> String {
    said("date", &["-u", "+%F"])
}

fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    let changed = said(
        "git",
        &["status", "--porcelain", "--untracked-files=no", "--", "crates", "migrations", "benches"],
    );
    if changed.is_empty() { commit } else { format!("{commit} with changes") }
}

fn machine() -> String {
    let line = |file: &str, name: &str| -> Option<String> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let model =
        line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = line("/proc/meminfo", "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or_default();
    format!("{cores} cores of {model}, {} GiB", memory.div_ceil(1 << 20))
}

/// What a program prints; nothing when it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}
