//! What a measure says.

use std::error::Error;

/// What can go wrong is told and ends the run.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// One value, and the least it should be.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Of what.
    pub(crate) of: String,
    /// The value.
    pub(crate) value: f64,
    /// The goal; none where it is only told.
    pub(crate) least: Option<f64>,
    /// What else there is to know.
    pub(crate) note: String,
}

impl Figure {
    pub(crate) fn is_good(&self) -> bool {
        self.least.is_none_or(|least| self.value >= least)
    }
}

/// Prints a figure as a line.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
pub(crate) fn print(measure: &str, figure: &Figure) {
    let goal = match figure.least {
        Some(least) if figure.is_good() => format!("≥ {least:.3}  good"),
        Some(least) => format!("≥ {least:.3}  MISSED"),
        None => String::new(),
    };
    println!("{measure}  {:<34} {:.4}  {goal:<16} {}", figure.of, figure.value, figure.note);
}
