//! The job: its actions on each chunk, in the order of the table, as far as who asked for it may do them.

use kartoteka_domain::contact_manager::{ActionType, Placed};
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::JobId;
use kartoteka_persistence::contacts::owners;
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{Tenant, frozen as lists};

use super::rights::{Rights, not_permitted};
use super::{KIND, actions, actions_of, read, request_of};
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::frozen::{self, Batch, Dids, Labour};
use crate::worker::{Ended, JobError, Run, Work};

/// The job.
pub(crate) struct ManagerWork;

impl Work for ManagerWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let actions = run.db().read(run.workspace(), |tenant| actions_of(tenant, run.job()))?;
        let labour = Managing { run, actions };
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
        actions::finish(tenant, ctx, JobId(job.id))
    }

    fn on_cancelled(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: &Job) -> Result<(), Error> {
        // a worker that stopped may have given it back on its way
        actions::finish(tenant, ctx, JobId(job.id))
    }
}

/// A job under way.
struct Managing<'a> {
    run: &'a Run<'a>,
    actions: Vec<Placed>,
}

impl Managing<'_> {
    fn job(&self) -> JobId {
        JobId(self.run.job().id)
    }
}

impl Labour for Managing<'_> {
    type Tally = std::collections::BTreeMap<String, frozen::Counts>;

    fn freeze(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: JobId) -> Result<i64, Error> {
        // read again: what it refers to may be gone by now
        let body = request_of(self.run.job());
        let asked = Context { now: self.run.job().created_at, ..ctx.clone() };
        let Some(selection) = read(tenant, &asked, &body)?.0 else { return Ok(0) };
        // an index looks at what lies in the trash, so each new version is written to all of them wherever it stands:
        // neighbours then share its pages
        let deletes = self.actions.iter().any(|one| one.action.kind() == ActionType::Delete);
        let order = if deletes { lists::Order::ById } else { frozen::SPREAD };
        let contacts = lists::freeze_selection(tenant, job, &selection, order, ctx.now)?;
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
        let rights = Rights::now(tenant, self.run.job())?;
        let mut all = Vec::with_capacity(self.actions.len());
        for Placed { action, .. } in &self.actions {
            let kind = action.kind();
            let mut dids = Dids::new();
            let forbidden = if !rights.allow(kind) {
                batch.living.clone()
            } else if kind.deed() == Deed::Change {
                // asked already of every contact
                Vec::new()
            } else {
                owners::forbidden(tenant, ctx.actor, &batch.living, kind.deed())?
            };
            dids.extend(forbidden.into_iter().map(|id| (id, not_permitted())));
            let open: Vec<_> =
                batch.living.iter().copied().filter(|id| !dids.contains_key(id)).collect();
            if !open.is_empty() {
                dids.extend(actions::apply(tenant, ctx, self.job(), action, &open)?);
            }
            all.push((kind.as_str(), batch.with_untouchable(dids)));
        }
        actions::move_on(tenant, self.job(), &all)?;
        Ok(all)
    }

    fn finish(&self, tenant: &mut Tenant<'_>, ctx: &Context) -> Result<(), Error> {
        actions::finish(tenant, ctx, self.job())
    }

    fn abandon(&self, tenant: &mut Tenant<'_>, ctx: &Context) -> Result<(), Error> {
        actions::finish(tenant, ctx, self.job())
    }
}
