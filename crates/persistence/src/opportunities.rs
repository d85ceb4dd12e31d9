//! Opportunities (CON-15).

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Date, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::opportunities::{Opportunity, State};

use crate::contacts::list::{Column, Kind, column};
use crate::records::{Record, Table};

/// How opportunities are kept.
pub static TABLE: Table = Table {
    name: "opportunities",
    select: "c.id, c.name, c.company_id, c.stage, c.state, c.value, c.currency, c.expected_close_date, \
             c.created_at, c.updated_at",
    columns: "name, company_id, stage, state, value, currency, expected_close_date, search",
    record: "name text, company_id uuid, stage text, state text, value bigint, currency text, \
             expected_close_date date, search text",
    sorts: SORTS,
    links: "opportunity_contacts",
    key: "opportunity_id",
};

const SORTS: &[Column] = &[
    column("name", Kind::Folded, false, "c.name"),
    column("stage", Kind::Folded, false, "c.stage"),
    column("state", Kind::Exact, false, "c.state"),
    column("value", Kind::Whole, false, "c.value"),
    column("currency", Kind::Exact, false, "c.currency"),
    column("expected_close_date", Kind::Date, false, "c.expected_close_date"),
    column("updated_at", Kind::Time, false, "c.updated_at"),
];

/// An opportunity as it is kept.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct OpportunityRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    company_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    stage: Option<String>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    value: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    expected_close_date: Option<NaiveDate>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    sort_keys: Value,
}

impl Record for OpportunityRow {
    fn sort_keys(&self) -> &Value {
        &self.sort_keys
    }

    fn id(&self) -> Uuid {
        self.id
    }
}

impl From<&OpportunityRow> for Opportunity {
    fn from(row: &OpportunityRow) -> Self {
        let row = row.clone();
        Self {
            name: row.name,
            company_id: row.company_id,
            stage: row.stage,
            // the table takes no other word
            state: State::from_word(&row.state).unwrap_or_default(),
            value: row.value,
            currency: row.currency,
            expected_close_date: row.expected_close_date,
        }
    }
}

/// The columns of an opportunity.
#[must_use]
pub fn columns(opportunity: &Opportunity) -> Value {
    // destructured, so that a new field cannot be forgotten here
    let Opportunity { name, company_id, stage, state, value, currency, expected_close_date } =
        opportunity;
    json!({
        "name": name, "company_id": company_id, "stage": stage, "state": state.as_str(), "value": value,
        "currency": currency, "expected_close_date": expected_close_date, "search": opportunity.search(),
    })
}
