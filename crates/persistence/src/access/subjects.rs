//! Is whoever is behind a token still there?

use kartoteka_domain::ids::{ClientId, UserId};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Whether the person exists and is not disabled.
///
/// # Errors
/// What the database said.
pub fn user_is_active(tenant: &mut Tenant<'_>, id: UserId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM users WHERE workspace_id = ");
    sql.prepared()
        .bind(tenant.workspace)
        .push(" AND id = ")
        .bind(id.0)
        .push(" AND disabled_at IS NULL");
    Ok(sql.count(tenant.conn)? == 1)
}

/// Whether the integration exists and is not disabled.
///
/// # Errors
/// What the database said.
pub fn client_is_active(tenant: &mut Tenant<'_>, id: ClientId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM clients WHERE workspace_id = ");
    sql.prepared()
        .bind(tenant.workspace)
        .push(" AND id = ")
        .bind(id.0)
        .push(" AND disabled_at IS NULL");
    Ok(sql.count(tenant.conn)? == 1)
}

/// Whether the tenant's workspace exists.
///
/// # Errors
/// What the database said.
pub fn workspace_exists(tenant: &mut Tenant<'_>) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM workspaces WHERE id = ");
    sql.prepared().bind(tenant.workspace);
    Ok(sql.count(tenant.conn)? == 1)
}
