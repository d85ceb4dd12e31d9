//! One measured goal: a ratio, what it has to be, and what it was made of.

use std::fmt;

use serde_json::{Value, json};

/// On which side of its goals a ratio should lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The more the better.
    AtLeast,
    /// The less the better.
    AtMost,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A plain ratio.
    Ratio,
    /// A number of times: `5.2 ×`.
    Times,
    /// Mebibytes.
    MiB,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Times => format!("{value:.1} ×"),
            Self::MiB => format!("{value:.1} MiB"),
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As good as it should be.
    Aim,
    /// As good as it must be.
    Met,
    /// Not as good as it must be.
    Missed,
    /// Printed for comparison; nothing is asked of it.
    Noted,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Aim => "aim",
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Noted => "–",
        }
    }
}

/// A line of the result.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Number of the goal.
    pub(crate) goal: u8,
    /// What was measured, with the number of rows.
    pub(crate) what: String,
    /// The ratio: a median of the rounds.
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    pub(crate) wanted: Wanted,
    /// What it must be, and what it should be; `None` for a figure that is only noted.
    pub(crate) bounds: Option<(f64, f64)>,
    /// The medians it was made of, in words.
    pub(crate) raw: String,
    /// The same for programs.
    pub(crate) data: Value,
}

impl Figure {
    /// A ratio of which more is better.
    pub(crate) fn at_least(
        goal: u8,
        what: impl Into<String>,
        value: f64,
        must: f64,
        aim: f64,
    ) -> Self {
        Self::new(goal, what, value, Wanted::AtLeast, Some((must, aim)))
    }

    /// A ratio of which less is better.
    pub(crate) fn at_most(
        goal: u8,
        what: impl Into<String>,
        value: f64,
        must: f64,
        aim: f64,
    ) -> Self {
        Self::new(goal, what, value, Wanted::AtMost, Some((must, aim)))
    }

    /// A ratio that nothing is asked of.
    pub(crate) fn noted(goal: u8, what: impl Into<String>, value: f64) -> Self {
        Self::new(goal, what, value, Wanted::AtLeast, None)
    }

    fn new(
        goal: u8,
        what: impl Into<String>,
        value: f64,
        wanted: Wanted,
        bounds: Option<(f64, f64)>,
    ) -> Self {
        let (raw, data) = (String::new(), Value::Null);
        Self { goal, what: what.into(), value, unit: Unit::Ratio, wanted, bounds, raw, data }
    }

    /// Written in another unit.
    pub(crate) fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Judged only at sizes from `size` on: the goal is about large bases.
    pub(crate) fn judged_from(self, size: u64, rows: u64) -> Self {
        if rows < size { self.unjudged() } else { self }
    }

    /// Not judged: measured at a size that the goal is not about.
    pub(crate) fn unjudged(mut self) -> Self {
        self.bounds = None;
        self
    }

    /// With the medians it was made of.
    pub(crate) fn raw(mut self, raw: impl Into<String>) -> Self {
        self.raw = raw.into();
        self
    }

    /// With the same for programs.
    pub(crate) fn data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let Some((must, aim)) = self.bounds else { return Verdict::Noted };
        let holds = |bound: f64| match self.wanted {
            Wanted::AtLeast => self.value >= bound,
            Wanted::AtMost => self.value <= bound,
        };
        if !self.value.is_finite() || !holds(must) {
            Verdict::Missed
        } else if holds(aim) {
            Verdict::Aim
        } else {
            Verdict::Met
        }
    }

    fn bound(&self, pick: impl Fn((f64, f64)) -> f64) -> String {
        let sign = if self.wanted == Wanted::AtLeast { "≥" } else { "≤" };
        self.bounds
            .map_or("–".into(), |bounds| format!("{sign} {}", self.unit.show(pick(bounds))))
    }

    /// A row of the table in `PERFORMANCE.md`.
    pub(crate) fn markdown(&self) -> String {
        format!(
            "| {} | {} | {} | {} | **{}** | {} | {} |",
            self.goal,
            self.what,
            self.bound(|(must, _)| must),
            self.bound(|(_, aim)| aim),
            self.unit.show(self.value),
            self.verdict().as_str(),
            self.raw,
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "goal": self.goal,
            "what": self.what,
            "value": self.value,
            "wanted": if self.wanted == Wanted::AtLeast { "at_least" } else { "at_most" },
            "must": self.bounds.map(|(must, _)| must),
            "aim": self.bounds.map(|(_, aim)| aim),
            "verdict": if self.verdict() == Verdict::Noted { "noted" } else { self.verdict().as_str() },
            "raw": self.raw,
            "data": self.data,
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>2}  {:<84} {:>9}  must {:>10}  aim {:>10}  {:<6}  {}",
            self.goal,
            self.what,
            self.unit.show(self.value),
            self.bound(|(must, _)| must),
            self.bound(|(_, aim)| aim),
            self.verdict().as_str(),
            self.raw,
        )
    }
}

/// The middle one; of an even number the mean of the two in the middle. `NaN` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => f64::NAN,
        (Some(high), 0) => (sorted[middle - 1] + high) / 2.0,
        (Some(one), _) => *one,
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Verdict, median};

    #[test]
    fn a_verdict_follows_the_side_that_is_wanted() {
        let more = |value| Figure::at_least(1, "", value, 0.5, 0.75).verdict();
        assert_eq!(
            [more(0.49), more(0.5), more(0.75)],
            [Verdict::Missed, Verdict::Met, Verdict::Aim]
        );
        let less = |value| Figure::at_most(6, "", value, 0.6, 0.4).verdict();
        assert_eq!(
            [less(0.61), less(0.6), less(0.4)],
            [Verdict::Missed, Verdict::Met, Verdict::Aim]
        );
        assert_eq!(less(f64::NAN), Verdict::Missed);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0]), 2.5);
        assert!(median([]).is_nan());
    }
}
