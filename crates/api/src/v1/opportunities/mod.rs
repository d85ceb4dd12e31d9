//! Business that may come about (CON-15).

pub mod contacts;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::opportunities::OpportunityRow;
use kartoteka_domain::opportunities::{Opportunity, OpportunityPatch, State};

use crate::extract::nullable;
use crate::v1::records::{given, patched};

/// The operations on opportunities.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_opportunities)
        .service(create::create_opportunity)
        .service(get::get_opportunity)
        .service(patch::patch_opportunity)
        .service(delete::delete_opportunity)
        .service(contacts::list_opportunity_contacts)
        .service(contacts::put_opportunity_contact)
        .service(contacts::delete_opportunity_contact);
}

/// How an opportunity ended, if it did.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OpportunityState {
    /// It has not.
    Open,
    /// We got it.
    Won,
    /// We did not.
    Lost,
}

impl OpportunityState {
    pub(super) fn as_str(self) -> &'static str {
        State::from(self).as_str()
    }
}

impl From<OpportunityState> for State {
    fn from(word: OpportunityState) -> Self {
        match word {
            OpportunityState::Open => Self::Open,
            OpportunityState::Won => Self::Won,
            OpportunityState::Lost => Self::Lost,
        }
    }
}

/// An opportunity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Opportunity)]
pub(crate) struct OpportunityView {
    /// Its id; ids sort in order of creation.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Jarní zakázka")]
    pub(crate) name: String,
    /// The company it is with.
    #[schema(required = true)]
    pub(crate) company_id: Option<Uuid>,
    /// Where it stands, in words of the workspace.
    #[schema(required = true, example = "Offer sent")]
    pub(crate) stage: Option<String>,
    /// `open`, `won` or `lost`.
    #[schema(example = "open")]
    pub(crate) state: &'static str,
    /// What it is worth, in minor units of the currency: 12,50 CZK is 1250.
    #[schema(required = true, example = 1_250_000)]
    pub(crate) value: Option<i64>,
    /// ISO 4217.
    #[schema(required = true, example = "CZK")]
    pub(crate) currency: Option<String>,
    /// When it is thought to be decided.
    #[schema(required = true)]
    pub(crate) expected_close_date: Option<NaiveDate>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// An opportunity to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "Jarní zakázka", "stage": "Offer sent", "value": 1_250_000, "currency": "CZK",
    "expected_close_date": "2026-06-30"
}))]
pub(crate) struct NewOpportunity {
    /// Its name.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub(crate) name: String,
    /// The company it is with.
    pub(crate) company_id: Option<Uuid>,
    /// Where it stands, in words of the workspace.
    #[schema(max_length = 100)]
    pub(crate) stage: Option<String>,
    /// How it ended; `open` when absent.
    pub(crate) state: Option<OpportunityState>,
    /// What it is worth, in minor units of the currency. Needs a currency.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub(crate) value: Option<i64>,
    /// ISO 4217.
    #[schema(pattern = "^[A-Za-z]{3}$", example = "CZK")]
    pub(crate) currency: Option<String>,
    /// When it is thought to be decided.
    pub(crate) expected_close_date: Option<NaiveDate>,
}

/// Changes of an opportunity: a merge patch.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"state": "won", "value": 1_300_000}))]
pub(crate) struct OpportunityChanges {
    /// Its name.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 300, pattern = r"\S")]
    pub(crate) name: Option<String>,
    /// The company it is with.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) company_id: Option<Option<Uuid>>,
    /// Where it stands, in words of the workspace.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 100)]
    pub(crate) stage: Option<Option<String>>,
    /// How it ended.
    #[serde(default)]
    #[schema(nullable = false)]
    pub(crate) state: Option<OpportunityState>,
    /// What it is worth, in minor units of the currency. Needs a currency.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub(crate) value: Option<Option<i64>>,
    /// ISO 4217.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z]{3}$", example = "CZK")]
    pub(crate) currency: Option<Option<String>>,
    /// When it is thought to be decided.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    pub(crate) expected_close_date: Option<Option<NaiveDate>>,
}

impl From<NewOpportunity> for OpportunityPatch {
    fn from(new: NewOpportunity) -> Self {
        let NewOpportunity { name, company_id, stage, state, value, currency, expected_close_date } =
            new;
        Self {
            name: Some(name),
            company_id: given(company_id),
            stage: given(stage),
            state: state.map(State::from),
            value: given(value),
            currency: given(currency),
            expected_close_date: given(expected_close_date),
        }
    }
}

impl From<OpportunityChanges> for OpportunityPatch {
    fn from(changes: OpportunityChanges) -> Self {
        let OpportunityChanges {
            name,
            company_id,
            stage,
            state,
            value,
            currency,
            expected_close_date,
        } = changes;
        Self {
            name,
            company_id: patched(company_id),
            stage: patched(stage),
            state: state.map(State::from),
            value: patched(value),
            currency: patched(currency),
            expected_close_date: patched(expected_close_date),
        }
    }
}

impl From<OpportunityRow> for OpportunityView {
    fn from(row: OpportunityRow) -> Self {
        let opportunity = Opportunity::from(&row);
        Self {
            id: row.id,
            name: opportunity.name,
            company_id: opportunity.company_id,
            stage: opportunity.stage,
            state: opportunity.state.as_str(),
            value: opportunity.value,
            currency: opportunity.currency,
            expected_close_date: opportunity.expected_close_date,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
