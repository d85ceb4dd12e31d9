//! One line per figure, on the screen and in a table.

use std::fmt;
use std::time::Duration;

/// What was asked, what was seen, and whether that is enough.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name of the scenario.
    pub scenario: String,
    /// What is counted or measured.
    pub what: String,
    /// What was asked.
    pub asked: String,
    /// What was seen.
    pub seen: String,
    /// Whether it holds.
    pub holds: bool,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, what, asked, seen, holds } = self;
        let verdict = if *holds { "ok" } else { "FAILED" };
        write!(f, "{scenario}: {what}: asked {asked}; seen {seen}; {verdict}")
    }
}

/// The figures of a scenario, as they come.
#[derive(Debug)]
pub struct Report {
    scenario: String,
    figures: Vec<Figure>,
    loud: bool,
}

impl Report {
    /// Prints each figure when it comes.
    #[must_use]
    pub fn printing(scenario: &str) -> Self {
        Self { scenario: scenario.to_owned(), figures: Vec::new(), loud: true }
    }

    /// Prints nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { scenario: String::new(), figures: Vec::new(), loud: false }
    }

    /// All figures so far.
    #[must_use]
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// A figure judged by the caller.
    pub fn judge(
        &mut self,
        what: impl Into<String>,
        asked: impl fmt::Display,
        seen: impl fmt::Display,
        holds: bool,
    ) {
        let figure = Figure {
            scenario: self.scenario.clone(),
            what: what.into(),
            asked: asked.to_string(),
            seen: seen.to_string(),
            holds,
        };
        if self.loud {
            println!("{figure}");
        }
        self.figures.push(figure);
    }

    /// Something that must be exactly so.
    pub fn exactly<T: fmt::Display + PartialEq>(
        &mut self,
        what: impl Into<String>,
        asked: T,
        seen: T,
    ) {
        let holds = asked == seen;
        self.judge(what, asked, seen, holds);
    }

    /// Something that must not exceed a number.
    pub fn at_most<T: fmt::Display + PartialOrd>(
        &mut self,
        what: impl Into<String>,
        asked: T,
        seen: T,
    ) {
        let holds = seen <= asked;
        self.judge(what, format!("at most {asked}"), seen, holds);
    }

    /// Something that must reach a number.
    pub fn at_least<T: fmt::Display + PartialOrd>(
        &mut self,
        what: impl Into<String>,
        asked: T,
        seen: T,
    ) {
        let holds = seen >= asked;
        self.judge(what, format!("at least {asked}"), seen, holds);
    }

    /// A time that must stay below a bound.
    pub fn within(&mut self, what: impl Into<String>, asked: Duration, seen: Duration) {
        self.judge(what, format!("under {}", Time(asked)), Time(seen), seen < asked);
    }

    /// Things that must not be: their number, and the first of them.
    pub fn none<T: fmt::Display>(&mut self, what: impl Into<String>, found: &[T]) {
        let seen = match found.first() {
            None => "0".to_owned(),
            Some(first) => format!("{}, the first: {first}", found.len()),
        };
        self.judge(what, 0, seen, found.is_empty());
    }
}

/// A time as people read it.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            seconds if seconds < 1.0 => write!(f, "{:.0} ms", seconds * 1000.0),
            seconds if seconds < 100.0 => write!(f, "{seconds:.1} s"),
            seconds => write!(f, "{seconds:.0} s"),
        }
    }
}

/// The lines between these two in a file are the table.
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// Where and when figures were made.
#[derive(Debug)]
pub struct Circumstances {
    /// The machine, in a few words.
    pub machine: String,
    /// The day.
    pub date: String,
    /// The commit the programs were built from.
    pub commit: String,
    /// Seed of everything decided by chance.
    pub seed: u64,
}

/// Puts figures into the table between the markers of a text. Lines of scenarios that were not run now
/// stay as they are.
///
/// # Errors
/// The text has no markers.
pub fn refreshed(text: &str, figures: &[Figure], when: &Circumstances) -> Result<String, String> {
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| format!("there is no {BEGIN}"))?;
    let (old, after) = rest.split_once(END).ok_or_else(|| format!("there is no {END}"))?;
    let mut lines: Vec<String> = Vec::new();
    let fresh = |name: &str| figures.iter().any(|figure| figure.scenario == name);
    for line in old.lines().filter(|line| line.starts_with("| `")) {
        let name = line.split('`').nth(1).unwrap_or_default();
        if !fresh(name) {
            lines.push(line.to_owned());
        }
    }
    for figure in figures {
        let Figure { scenario, what, asked, seen, holds } = figure;
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let verdict = if *holds { "holds" } else { "**falls short**" };
        let Circumstances { machine, date, commit, seed } = when;
        lines.push(format!(
            "| `{scenario}` | {} | {} | {} | {verdict} | `kartoteka-faults {scenario} --seed {seed}` | {machine} | {date} | {commit} |",
            cell(what),
            cell(asked),
            cell(seen),
        ));
    }
    let order = |line: &String| {
        let name = line.split('`').nth(1).unwrap_or_default();
        super::SCENARIOS.iter().position(|scenario| scenario.name == name)
    };
    lines.sort_by_key(order);
    let head = "| scenario | figure | asked | seen | verdict | command | machine | date | commit |\n\
                |---|---|---|---|---|---|---|---|---|\n";
    Ok(format!("{before}{BEGIN}\n{head}{}\n{END}{after}", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(scenario: &str, seen: &str) -> Figure {
        Figure {
            scenario: scenario.to_owned(),
            what: "rows".to_owned(),
            asked: "1".to_owned(),
            seen: seen.to_owned(),
            holds: seen == "1",
        }
    }

    #[test]
    fn a_table_keeps_what_was_not_measured_again() {
        let when = Circumstances {
            machine: "two cores".into(),
            date: "2026-11-22".into(),
            commit: "abc".into(),
            seed: 1,
        };
        let empty = format!("before\n{BEGIN}\n{END}\nafter\n");
        let once = refreshed(&empty, &[figure("a", "1"), figure("b", "1")], &when).unwrap();
        let twice = refreshed(&once, &[figure("b", "2|3")], &when).unwrap();
        assert!(twice.contains("| `a` | rows | 1 | 1 | holds |"), "{twice}");
        assert!(twice.contains("| `b` | rows | 1 | 2\\|3 | **falls short** |"), "{twice}");
        assert_eq!(twice.matches("| `b`").count(), 1);
        assert!(twice.starts_with("before\n") && twice.ends_with("after\n"));
        assert!(refreshed("nothing", &[], &when).is_err());
    }
}
