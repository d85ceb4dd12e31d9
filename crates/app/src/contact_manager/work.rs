//! The job: its actions on each chunk, in the order of the table, as far as who asked for it may do them.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde_json::Value;

use kartoteka_domain::contact_manager::{ActionType, Placed};
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::scopes::Scope;
use kartoteka_persistence::contacts::owners;
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{Tenant, frozen as lists};

use super::{KIND, actions, actions_of, read, request_of};
use crate::access::subjects;
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::frozen::{self, Batch, Did, Dids, Labour, Outcome};
use crate::worker::{Ended, JobError, Run, Work};

/// Why nothing was done by somebody who may not.
pub(super) const NOT_PERMITTED: &str = "not_permitted";

/// The job.
pub(crate) struct ManagerWork;

impl Work for ManagerWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let actions = run.db().read(run.workspace(), |tenant| actions_of(tenant, run.job()))?;
        let labour = Managing { run, actions, allowed: OnceCell::new() };
        frozen::work_off(run, &labour)
    }

    fn on_failed(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        job: &Job,
        _: &Refusal,
    ) -> Result<(), Error> {
        // what is written stays, and the list says of whom
        actions::abandon(tenant, ctx, JobId(job.id))
    }

    fn on_cancelled(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: &Job) -> Result<(), Error> {
        // a worker that stopped may have given it back on its way
        actions::abandon(tenant, ctx, JobId(job.id))
    }
}

/// A job under way.
struct Managing<'a> {
    run: &'a Run<'a>,
    actions: Vec<Placed>,
    /// What the one who asked for it may do beyond the selection itself.
    allowed: OnceCell<BTreeSet<Scope>>,
}

impl Managing<'_> {
    fn job(&self) -> JobId {
        JobId(self.run.job().id)
    }

    /// Whether the one who asked for it may do this, by the token it was asked for with and by what that person or
    /// integration may do now: a job may run long after it was asked for.
    fn may(&self, tenant: &mut Tenant<'_>, ctx: &Context, kind: ActionType) -> Result<bool, Error> {
        let allowed = match self.allowed.get() {
            Some(allowed) => allowed,
            None => {
                let scopes = self.run.job().payload.get("scopes").and_then(Value::as_array);
                let words = scopes.into_iter().flatten().filter_map(Value::as_str);
                let token: BTreeSet<Scope> = words.filter_map(|word| word.parse().ok()).collect();
                let allowed = match subjects::scopes_now(tenant, ctx.actor)? {
                    Some(now) => token.intersection(&now).copied().collect(),
                    None => token,
                };
                self.allowed.get_or_init(|| allowed)
            }
        };
        let needed = [Some(Scope::ManagerRun), kind.scope()];
        Ok(needed.into_iter().flatten().all(|scope| allowed.contains(&scope)))
    }
}

impl Labour for Managing<'_> {
    type Tally = std::collections::BTreeMap<String, frozen::Counts>;

    fn freeze(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: JobId) -> Result<i64, Error> {
        // read again: what it refers to may be gone by now
        let body = request_of(self.run.job());
        let asked = Context { now: self.run.job().created_at, ..ctx.clone() };
        let Some(selection) = read(tenant, &asked, &body)?.0 else { return Ok(0) };
        let contacts = lists::freeze_selection(tenant, job, &selection, frozen::SPREAD, ctx.now)?;
        actions::check_count(tenant, &self.actions, contacts)?;
        Ok(contacts)
    }

    fn apply(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        batch: &Batch,
    ) -> Result<Vec<(&'static str, Dids)>, Error> {
        let faults = actions::check(tenant, ctx, &self.actions)?;
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let mut all = Vec::with_capacity(self.actions.len());
        for Placed { action, .. } in &self.actions {
            let kind = action.kind();
            let mut dids = Dids::new();
            let forbidden = if !self.may(tenant, ctx, kind)? {
                batch.living.clone()
            } else if kind.deed() == Deed::Change {
                // asked already of every contact
                Vec::new()
            } else {
                owners::forbidden(tenant, ctx.actor, &batch.living, kind.deed())?
            };
            let skipped = || Did::from(Outcome::Skipped(NOT_PERMITTED.to_owned()));
            dids.extend(forbidden.into_iter().map(|id| (id, skipped())));
            let open: Vec<_> =
                batch.living.iter().copied().filter(|id| !dids.contains_key(id)).collect();
            if !open.is_empty() {
                dids.extend(actions::apply(tenant, ctx, self.job(), action, &open)?);
            }
            all.push((kind.as_str(), batch.with_untouchable(dids)));
        }
        Ok(all)
    }

    fn finish(&self, tenant: &mut Tenant<'_>, ctx: &Context) -> Result<(), Error> {
        actions::finish(tenant, ctx, self.job(), &self.actions)
    }

    fn abandon(&self, tenant: &mut Tenant<'_>, ctx: &Context) -> Result<(), Error> {
        actions::abandon(tenant, ctx, self.job())
    }
}
