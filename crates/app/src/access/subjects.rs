//! Whether whoever is behind a token still may act.

use kartoteka_domain::actor::Actor;
use kartoteka_persistence::access::subjects;
use kartoteka_persistence::{StoreError, Tenant};

/// `false` when the workspace is gone, or the person or integration is disabled or gone. Subjects of foreign
/// issuers have no row of ours: for them only the workspace counts.
///
/// # Errors
/// What the database said.
pub fn is_active(tenant: &mut Tenant<'_>, actor: Actor, foreign: bool) -> Result<bool, StoreError> {
    match actor {
        Actor::User(id) if !foreign => subjects::user_is_active(tenant, id),
        Actor::Client(id) if !foreign => subjects::client_is_active(tenant, id),
        _ => subjects::workspace_exists(tenant),
    }
}
