//! Saved mappings (IMP-19).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::ImportTemplateId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A saved mapping.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Template {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name, unique in the workspace.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The steps, as the one-call import takes them.
    #[diesel(sql_type = Jsonb)]
    pub options: Value,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, options, created_at, updated_at";

/// One template.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: ImportTemplateId) -> Result<Option<Template>, StoreError> {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM import_templates WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// Templates, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<ImportTemplateId>,
    limit: i64,
) -> Result<Vec<Template>, StoreError> {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM import_templates WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(before) = before {
        sql.push(" AND id < ").bind(before.0);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Writes a template: new, or in place of the one with its id.
///
/// # Errors
/// `import_templates_name_key` when the name is taken.
pub fn put(tenant: &mut Tenant<'_>, template: &Template) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO import_templates (workspace_id, id, name, options, created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(template.id).push(", ").bind(template.name.as_str());
    sql.push(", ").bind(template.options.clone()).push(", ").bind(template.created_at);
    sql.push(", ").bind(template.updated_at);
    sql.push(") ON CONFLICT (workspace_id, id) DO UPDATE SET name = excluded.name, options = excluded.options, updated_at = excluded.updated_at");
    sql.execute(tenant.conn).map(drop)
}

/// Removes a template.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: ImportTemplateId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("DELETE FROM import_templates WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    Ok(sql.execute(tenant.conn)? == 1)
}
