//! Definitions of details, and the values contacts have under them.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::fields::{Definition, Definitions, FieldType};

use crate::contacts::list::contains;
use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;
use crate::workspaces::WriterLock;

pub use crate::classes::Hold;
pub use crate::tags::Use;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Field {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Name of the detail.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// What people see.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Word of [`FieldType`].
    #[diesel(sql_type = Text, column_name = "type")]
    pub field_type: String,
    /// The texts of a choice.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub choices: Option<Value>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl Field {
    /// What its values are.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] for a word that is no type.
    pub fn definition(&self) -> Result<Definition, StoreError> {
        let field_type = FieldType::from_word(&self.field_type).ok_or_else(|| {
            StoreError::Inconsistent { table: "fields", problem: format!("type of {}", self.id) }
        })?;
        Ok(Definition { field_type, choices: self.choices() })
    }

    /// The texts of a choice, in order.
    #[must_use]
    pub fn choices(&self) -> Vec<String> {
        let choices = self.choices.as_ref().and_then(Value::as_array).into_iter().flatten();
        choices.filter_map(|choice| choice.as_str().map(str::to_owned)).collect()
    }
}

const COLUMNS: &str = "id, name, title, type, choices, created_at, updated_at";

/// Locks what the definitions of the workspace say until the end of the transaction: shared by those who write
/// values by them, alone by those who change them. Who holds it alone waits for nobody else.
///
/// # Errors
/// [`StoreError::Busy`] when it is not given in time.
pub fn lock(tenant: &mut Tenant<'_>, lock: WriterLock) -> Result<(), StoreError> {
    let function = match lock {
        WriterLock::Shared => "pg_advisory_xact_lock_shared",
        WriterLock::Exclusive => "pg_advisory_xact_lock",
    };
    let mut sql =
        Sql::new(&format!("SELECT count(*) AS n FROM (SELECT {function}(hashtextextended("));
    sql.prepared().bind(format!("fields/{}", tenant.workspace)).push(", 0))) AS lock");
    sql.count(tenant.conn).map(drop)
}

/// Definitions of the details with these names.
///
/// # Errors
/// What the database said.
pub fn definitions(tenant: &mut Tenant<'_>, names: Vec<String>) -> Result<Definitions, StoreError> {
    if names.is_empty() {
        return Ok(Definitions::new());
    }
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM fields WHERE workspace_id = "));
    sql.prepared().bind(tenant.workspace).push(" AND name = ANY(").bind(names).push(")");
    let fields: Vec<Field> = sql.load(tenant.conn)?;
    fields.into_iter().map(|field| Ok((field.name.clone(), field.definition()?))).collect()
}

/// Fields in order of their names, behind the name `after`; `part` is a part of name or title.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    part: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Field>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM fields WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(part) = part {
        let pattern = sql.param(contains(part));
        sql.push(&format!(" AND (lower(name) LIKE {pattern} OR lower(title) LIKE {pattern})"));
    }
    if let Some(after) = after {
        sql.push(" AND name > ").bind(after);
    }
    sql.push(" ORDER BY name LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One field.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(tenant: &mut Tenant<'_>, id: Uuid, hold: Hold) -> Result<Option<Field>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM fields WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.push(match hold {
        Hold::No => "",
        Hold::Use => " FOR KEY SHARE",
        Hold::Change => " FOR UPDATE",
    });
    sql.first(tenant.conn)
}

/// Makes a field.
///
/// # Errors
/// `fields_name_key` when the detail has one.
pub fn insert(tenant: &mut Tenant<'_>, field: &Field) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!("INSERT INTO fields (workspace_id, {COLUMNS}) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(field.id).push(", ").bind(field.name.as_str());
    sql.push(", ").bind(field.title.as_str()).push(", ").bind(field.field_type.as_str());
    sql.push(", ").bind(field.choices.clone()).push(", ").bind(field.created_at);
    sql.push(", ").bind(field.updated_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes title, type and choices.
///
/// # Errors
/// What the database said.
pub fn update(tenant: &mut Tenant<'_>, field: &Field) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE fields SET title = ");
    sql.bind(field.title.as_str()).push(", type = ").bind(field.field_type.as_str());
    sql.push(", choices = ").bind(field.choices.clone());
    sql.push(", updated_at = greatest(").bind(field.updated_at);
    sql.push(", updated_at + interval '1 microsecond') WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(field.id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a field. The caller has locked it and seen that nobody has a value of it.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM fields WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// How many contacts have the detail. Reads them all: details have no index, which would cost each import.
///
/// # Errors
/// What the database said.
pub fn usage(tenant: &mut Tenant<'_>, name: &str) -> Result<Use, StoreError> {
    counted(tenant, name, |_, _| "TRUE".to_owned())
}

/// How many contacts have a value of the detail that does not fit the definition.
///
/// # Errors
/// What the database said.
pub fn misfits(
    tenant: &mut Tenant<'_>,
    name: &str,
    definition: &Definition,
) -> Result<Use, StoreError> {
    counted(tenant, name, |sql, value| {
        let is = |kind: &str| format!("jsonb_typeof({value}) = '{kind}'");
        let fits = match definition.field_type {
            FieldType::Text => is("string"),
            FieldType::Number => is("number"),
            FieldType::Boolean => is("boolean"),
            FieldType::Date => format!("{} AND {value} #>> '{{}}' ~ {DAY}", is("string")),
            FieldType::Choice => {
                let choices = sql.param(definition.choices.clone());
                format!("{} AND {value} #>> '{{}}' = ANY({choices})", is("string"))
            }
        };
        format!("NOT ({fits})")
    })
}

/// Days that a calendar has, as the domain takes them.
const DAY: &str = "'^([0-9]{4}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))\
    |(02-(0[1-9]|1[0-9]|2[0-8])))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$'";

fn counted(
    tenant: &mut Tenant<'_>,
    name: &str,
    which: impl FnOnce(&mut Sql, &str) -> String,
) -> Result<Use, StoreError> {
    let mut sql = Sql::default();
    let name = sql.param(name);
    let value = format!("(c.details -> {name})");
    let which = which(&mut sql, &value);
    sql.push(
        "SELECT count(*) FILTER (WHERE c.trashed_at IS NULL) AS live, \
         count(*) FILTER (WHERE c.trashed_at IS NOT NULL) AS trash FROM contacts c WHERE c.workspace_id = ",
    );
    sql.bind(tenant.workspace).push(&format!(" AND c.details ? {name} AND {which}"));
    Ok(sql.first(tenant.conn)?.unwrap_or(Use { live: 0, trash: 0 }))
}

/// Imports that are about to write the detail: their rows are read already.
///
/// # Errors
/// What the database said.
pub fn imports_under_way(tenant: &mut Tenant<'_>, name: &str) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT id FROM imports WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    sql.push(" AND state IN ('planning', 'awaiting_commit', 'running') AND mapping @> ");
    sql.bind(json!({"columns": [{"target": format!("detail:{name}")}]}));
    sql.push(" ORDER BY id LIMIT 10");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}
