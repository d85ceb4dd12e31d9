//! Whether whoever is behind a token still may act.

use std::collections::BTreeSet;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::scopes::{Role, Scope};
use kartoteka_persistence::access::{clients, subjects, users};
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

/// What a person or an integration may do now: nothing when it is disabled. `None` for those who have no row here: the
/// system, subjects of foreign issuers, and those that were removed. Whoever asks later than the thing was wanted has to
/// keep which of these it was.
///
/// # Errors
/// What the database said.
pub(crate) fn scopes_now(
    tenant: &mut Tenant<'_>,
    actor: Actor,
) -> Result<Option<BTreeSet<Scope>>, StoreError> {
    Ok(match actor {
        Actor::User(id) => users::get(tenant, id.0)?.map(|user| {
            let role: Option<Role> = user.role.parse().ok();
            role.filter(|_| user.disabled_at.is_none()).map(Role::scopes).unwrap_or_default()
        }),
        Actor::Client(id) => clients::get(tenant, id.0)?.map(|client| {
            let words = client.scopes.iter().filter(|_| client.disabled_at.is_none());
            words.filter_map(|word| word.parse().ok()).collect()
        }),
        Actor::System => None,
    })
}
