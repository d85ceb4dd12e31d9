//! What whoever asked for a job may do when it works: a job may run long after it was asked for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use kartoteka_domain::contact_manager::ActionType;
use kartoteka_domain::scopes::Scope;
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::subjects;
use crate::context::Context;
use crate::frozen::{Did, Outcome};

/// Why nothing was done by somebody who may not.
pub(super) const NOT_PERMITTED: &str = "not_permitted";

/// That nothing was done, because whoever asked for it may not.
pub(super) fn not_permitted() -> Did {
    Outcome::Skipped(NOT_PERMITTED.to_owned()).into()
}

/// What a job keeps: the request, the scopes of the token that it came with, and whether whoever asked is a person or an
/// integration of this workspace. Somebody of a foreign issuer never has a row here, and one who had one may be removed.
pub(super) fn payload(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    request: Value,
    scopes: &BTreeSet<Scope>,
) -> Result<Value, StoreError> {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let known = subjects::scopes_now(tenant, ctx.actor)?.is_some();
    Ok(json!({ "request": request, "scopes": words, "known": known }))
}

/// What the one who asked for a job may do now.
pub(super) struct Rights(BTreeSet<Scope>);

impl Rights {
    /// Those of the token that it was asked for with, as far as that person or integration has them now. Asked anew for
    /// each chunk: somebody may be disabled while a long job runs.
    pub(super) fn now(tenant: &mut Tenant<'_>, job: &Job) -> Result<Self, StoreError> {
        let scopes = job.payload.get("scopes").and_then(Value::as_array);
        let words = scopes.into_iter().flatten().filter_map(Value::as_str);
        let token: BTreeSet<Scope> = words.filter_map(|word| word.parse().ok()).collect();
        Ok(Self(match subjects::scopes_now(tenant, job.actor())? {
            Some(now) => token.intersection(&now).copied().collect(),
            // of a foreign issuer
            None if job.payload.get("known") == Some(&Value::Bool(false)) => token,
            // removed since
            None => BTreeSet::new(),
        }))
    }

    /// Whether they do for an action, and so for undoing it.
    pub(super) fn allow(&self, kind: ActionType) -> bool {
        let needed = [Some(Scope::ManagerRun), kind.scope()];
        needed.into_iter().flatten().all(|scope| self.0.contains(&scope))
    }
}
