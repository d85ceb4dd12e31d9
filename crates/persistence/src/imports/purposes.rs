//! The purposes a mapping may name, with the version of their wording that holds now.

use diesel::QueryableByName;
use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A purpose by name.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct NamedPurpose {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Version of its wording.
    #[diesel(sql_type = Integer)]
    pub version: i32,
}

/// All purposes of the workspace.
///
/// # Errors
/// What the database said.
pub fn all(tenant: &mut Tenant<'_>) -> Result<Vec<NamedPurpose>, StoreError> {
    let mut sql = Sql::new(
        "SELECT p.id, p.name, coalesce(max(v.version), 1) AS version FROM purposes p LEFT JOIN purpose_versions v
            ON v.workspace_id = p.workspace_id AND v.purpose_id = p.id
         WHERE p.workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" GROUP BY p.id, p.name ORDER BY p.name");
    sql.load(tenant.conn)
}
