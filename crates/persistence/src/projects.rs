//! Projects (CON-15).

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Date, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::projects::{Project, State};

use crate::contacts::list::{Column, Kind, column};
use crate::records::{Record, Table};

/// How projects are kept.
pub static TABLE: Table = Table {
    name: "projects",
    select: "c.id, c.name, c.state, c.from_date, c.to_date, c.created_at, c.updated_at",
    columns: "name, state, from_date, to_date, search",
    record: "name text, state text, from_date date, to_date date, search text",
    sorts: SORTS,
    links: "project_contacts",
    key: "project_id",
};

const SORTS: &[Column] = &[
    column("name", Kind::Folded, false, "c.name"),
    column("state", Kind::Exact, false, "c.state"),
    column("from", Kind::Date, false, "c.from_date"),
    column("to", Kind::Date, false, "c.to_date"),
    column("updated_at", Kind::Time, false, "c.updated_at"),
];

/// A project as it is kept.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct ProjectRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Date>)]
    from_date: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    to_date: Option<NaiveDate>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    sort_keys: Value,
}

impl Record for ProjectRow {
    fn sort_keys(&self) -> &Value {
        &self.sort_keys
    }

    fn id(&self) -> Uuid {
        self.id
    }
}

impl From<&ProjectRow> for Project {
    fn from(row: &ProjectRow) -> Self {
        let row = row.clone();
        Self {
            name: row.name,
            // the table takes no other word
            state: State::from_word(&row.state).unwrap_or_default(),
            from: row.from_date,
            to: row.to_date,
        }
    }
}

/// The columns of a project.
#[must_use]
pub fn columns(project: &Project) -> Value {
    // destructured, so that a new field cannot be forgotten here
    let Project { name, state, from, to } = project;
    json!({
        "name": name, "state": state.as_str(), "from_date": from, "to_date": to, "search": project.search(),
    })
}
