//! Business that may come about (CON-15).

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use crate::codes::Code;
use crate::companies::{check_year, lay, set_name};
use crate::contacts::fold::fold;
use crate::contacts::patch::Patch;
use crate::faults::Fault;
use crate::segments::fields::one_line;

/// How it ended, if it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It has not.
    #[default]
    Open,
    /// We got it.
    Won,
    /// We did not.
    Lost,
}

impl State {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Won, Self::Lost];

    /// The word in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// The way back from [`State::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }
}

/// What is kept of an opportunity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opportunity {
    /// Its name.
    pub name: String,
    /// The company it is with.
    pub company_id: Option<Uuid>,
    /// Where it stands, in words of the workspace.
    pub stage: Option<String>,
    /// How it ended, if it did.
    pub state: State,
    /// What it is worth, in minor units of the currency.
    pub value: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// When it is thought to be decided.
    pub expected_close_date: Option<NaiveDate>,
}

/// What a request says about an opportunity. A new one is laid over nothing.
#[derive(Clone, Debug, Default)]
pub struct OpportunityPatch {
    /// Its name.
    pub name: Option<String>,
    /// The company it is with.
    pub company_id: Patch<Uuid>,
    /// Where it stands.
    pub stage: Patch<String>,
    /// How it ended.
    pub state: Option<State>,
    /// What it is worth.
    pub value: Patch<i64>,
    /// ISO 4217.
    pub currency: Patch<String>,
    /// When it is thought to be decided.
    pub expected_close_date: Patch<NaiveDate>,
}

impl OpportunityPatch {
    /// Lays the patch over an opportunity.
    ///
    /// # Errors
    /// All faults at once; a value without a currency among them.
    pub fn apply(&self, opportunity: &mut Opportunity) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut after = opportunity.clone();
        set_name(&mut after.name, self.name.as_deref(), &mut faults);
        self.company_id.clone().apply_to(&mut after.company_id);
        lay(&mut after.stage, &self.stage, |text| Ok(one_line(text)), "stage", &mut faults);
        after.state = self.state.unwrap_or(after.state);
        self.value.clone().apply_to(&mut after.value);
        let currency = |text: &str| Ok(text.trim().to_ascii_uppercase());
        lay(&mut after.currency, &self.currency, currency, "currency", &mut faults);
        self.expected_close_date.clone().apply_to(&mut after.expected_close_date);
        let year = after.expected_close_date.map(|day| day.year());
        check_year(year, "expected_close_date", &mut faults);
        if after.value.is_some() && after.currency.is_none() {
            let detail = "A value needs its currency.";
            faults.push(Fault::new("#/currency", Code::MissingField, detail));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        *opportunity = after;
        Ok(())
    }
}

impl Opportunity {
    /// What a search looks through, folded.
    #[must_use]
    pub fn search(&self) -> String {
        fold(&format!("{} {}", self.name, self.stage.as_deref().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-15
    #[test]
    fn a_value_needs_its_currency() {
        let mut opportunity = Opportunity::default();
        let patch = OpportunityPatch {
            name: Some("Zakázka".into()),
            value: Patch::Set(1250),
            ..OpportunityPatch::default()
        };
        let faults = patch.apply(&mut opportunity).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].pointer.as_str(), faults[0].code),
            ("#/currency", Code::MissingField)
        );
        let patch = OpportunityPatch { currency: Patch::Set("czk".into()), ..patch };
        patch.apply(&mut opportunity).unwrap();
        assert_eq!(opportunity.currency.as_deref(), Some("CZK"));
        let clear = OpportunityPatch { currency: Patch::Clear, ..OpportunityPatch::default() };
        assert!(clear.apply(&mut opportunity).is_err());
        assert_eq!(opportunity.search(), "zakazka");
        for state in State::ALL {
            assert_eq!(State::from_word(state.as_str()), Some(*state));
        }
    }
}
