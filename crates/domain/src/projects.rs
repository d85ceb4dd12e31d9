//! Work that contacts have a part in (CON-15).

use chrono::{Datelike, NaiveDate};

use crate::codes::Code;
use crate::companies::{check_year, set_name};
use crate::contacts::fold::fold;
use crate::contacts::patch::Patch;
use crate::faults::Fault;

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It has not begun.
    #[default]
    Planned,
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It was given up.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Planned, Self::Running, Self::Done, Self::Cancelled];

    /// The word in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The way back from [`State::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }
}

/// What is kept of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: State,
    /// Its first day.
    pub from: Option<NaiveDate>,
    /// Its last day.
    pub to: Option<NaiveDate>,
}

/// What a request says about a project. A new one is laid over nothing.
#[derive(Clone, Debug, Default)]
pub struct ProjectPatch {
    /// Its name.
    pub name: Option<String>,
    /// How far it is.
    pub state: Option<State>,
    /// Its first day.
    pub from: Patch<NaiveDate>,
    /// Its last day.
    pub to: Patch<NaiveDate>,
}

impl ProjectPatch {
    /// Lays the patch over a project.
    ///
    /// # Errors
    /// All faults at once; an end before the beginning among them.
    pub fn apply(&self, project: &mut Project) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut after = project.clone();
        set_name(&mut after.name, self.name.as_deref(), &mut faults);
        after.state = self.state.unwrap_or(after.state);
        self.from.clone().apply_to(&mut after.from);
        self.to.clone().apply_to(&mut after.to);
        check_year(after.from.map(|day| day.year()), "from", &mut faults);
        check_year(after.to.map(|day| day.year()), "to", &mut faults);
        if let (Some(from), Some(to)) = (after.from, after.to)
            && from > to
        {
            let detail = "A project does not end before it begins.";
            faults.push(Fault::new("#/to", Code::InvalidValue, detail));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        *project = after;
        Ok(())
    }
}

impl Project {
    /// What a search looks through, folded.
    #[must_use]
    pub fn search(&self) -> String {
        fold(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-15
    #[test]
    fn a_project_does_not_end_before_it_begins() {
        let day = |day: u32| NaiveDate::from_ymd_opt(2026, 5, day).unwrap();
        let mut project = Project::default();
        let patch = |from, to| ProjectPatch {
            from: Patch::Set(day(from)),
            to: Patch::Set(day(to)),
            ..ProjectPatch::default()
        };
        patch(2, 2).apply(&mut project).unwrap();
        assert_eq!(patch(3, 2).apply(&mut project).unwrap_err()[0].pointer, "#/to");
        let later = ProjectPatch { from: Patch::Set(day(9)), ..ProjectPatch::default() };
        assert!(later.apply(&mut project).is_err(), "what it has counts too");
        for state in State::ALL {
            assert_eq!(State::from_word(state.as_str()), Some(*state));
        }
    }
}
