//! A workspace to try things on: invented contacts with tags and consents out of two imports with reports; groups,
//! types, fields and segments; companies, an opportunity, a project; cards with notes and activities; and a funnel with
//! people in it, coupons, a rule and a scenario.
//!
//! The contacts come in through the import like everybody's, and everything else through the use cases that a
//! request takes, so that what Swagger UI shows is what real work would look like. A second run finds what is there
//! and changes nothing, nor what somebody changed since; what was taken away, but for imported contacts, comes back.

mod lists;
mod people;
mod story;
mod telling;

use std::time::{Duration, Instant};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_domain::imports::mapping::{ColumnMapping, Policy};
use kartoteka_domain::imports::matching::{
    Action, ClassPolicy, InFile, MatchKey, Matching, OnLimit,
};
use kartoteka_domain::imports::state::ImportState;

use crate::context::Context;
use crate::error::Error;
use crate::imports::one_call::{self, Options};
use crate::imports::receive::{self, Receiver, Said};
use crate::imports::steps::{self, MappingRequest, MatchingRequest};
use crate::worker::{Environment, run_due};

use lists::List;
use telling::Telling;

/// How long one list may take, when another process works on it.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);

/// Imports that are looked through for one that was made before.
const IMPORTS_BACK: i64 = 200;

/// Imports the invented lists, waits until they are in, and tells what there is around them; the ids of the imports.
///
/// `owner` names this process to the queue: it works the jobs off itself unless a running worker is
/// quicker.
///
/// # Errors
/// What an import refuses, which it should not; `job_failed` when one did not succeed in time.
pub fn fill(
    environment: &Environment,
    workspace: WorkspaceId,
    owner: &str,
) -> Result<Vec<ImportId>, Error> {
    let telling = Telling::begin(environment, workspace, owner)?;
    let details = telling.fields()?;
    let imports = lists::all()
        .into_iter()
        .map(|list| import(environment, workspace, owner, list))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(customers) = imports.first() {
        telling.tell(*customers, &details)?;
    }
    Ok(imports)
}

/// The import that brought this list in before.
fn brought(
    environment: &Environment,
    workspace: WorkspaceId,
    list: &List,
) -> Result<Option<ImportId>, Error> {
    let known = environment
        .db
        .read(workspace, |tenant| crate::imports::list(tenant, None, IMPORTS_BACK))?;
    let is_it = |import: &&crate::imports::ImportRecord| {
        import.name == list.name && import.state == ImportState::Done.as_str()
    };
    // the oldest: it made the contacts
    Ok(known.iter().rfind(is_it).map(|import| ImportId(import.id)))
}

fn import(
    environment: &Environment,
    workspace: WorkspaceId,
    owner: &str,
    list: List,
) -> Result<ImportId, Error> {
    if let Some(id) = brought(environment, workspace, &list)? {
        return Ok(id);
    }
    let ctx = Context {
        workspace,
        actor: Actor::System,
        now: environment.clock.now(),
        request_id: None,
        ip: None,
    };
    let options = Options {
        said: Said::default(),
        first_row: Some("header".to_owned()),
        mapping: MappingRequest { columns: Some(columns(&list)?), ..MappingRequest::default() },
        matching: MatchingRequest {
            matching: matching(list.tag),
            at: "#".to_owned(),
            faults: Vec::new(),
        },
    };
    let id = environment.db.write(workspace, |tenant| -> Result<ImportId, Error> {
        let record = steps::create(tenant, &ctx, Some(list.name.to_owned()), "file")?;
        let id = ImportId(record.id);
        let limit = u64::try_from(list.csv.len()).unwrap_or(u64::MAX);
        let mut receiver = Receiver::new(ctx.new_id(), Some(list.filename.to_owned()), limit);
        let upload = receiver.upload;
        if let Some(piece) = receiver.take(list.csv.as_bytes())? {
            receive::keep(tenant, id, upload, piece)?;
        }
        if let Some(piece) = receiver.last() {
            receive::keep(tenant, id, upload, piece)?;
        }
        one_call::run(tenant, &ctx, id, receiver, options, None)?;
        Ok(id)
    })?;
    wait_for(environment, workspace, owner, id)?;
    Ok(id)
}

fn columns(list: &List) -> Result<Vec<ColumnMapping>, Error> {
    list.targets
        .iter()
        .enumerate()
        .map(|(index, target)| match target.parse() {
            Ok(target) => Ok(ColumnMapping {
                index,
                target: Some(target),
                policy: Policy::Overwrite,
                clear_empty: false,
            }),
            Err(_) => Err(Error::refused(Code::Internal, format!("{target} is no target"))),
        })
        .collect()
}

fn matching(tag: &str) -> Matching {
    let policy = |action| ClassPolicy { action, tags: vec![tag.to_owned()], consents: Vec::new() };
    Matching::by(
        MatchKey::Email,
        InFile::Merge,
        [Some(policy(Action::Import)), Some(policy(Action::Update)), None, None],
        OnLimit::Refuse,
    )
}

fn wait_for(
    environment: &Environment,
    workspace: WorkspaceId,
    owner: &str,
    id: ImportId,
) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        run_due(environment, owner)?;
        let import = environment.db.read(workspace, |tenant| crate::imports::get(tenant, id))?;
        if import.state == ImportState::Done.as_str() {
            return Ok(());
        }
        let failed = [ImportState::Failed, ImportState::Cancelled]
            .iter()
            .any(|state| import.state == state.as_str());
        if failed || Instant::now() > deadline {
            let detail = format!("the import of invented contacts ended as {}", import.state);
            return Err(Error::refused(Code::JobFailed, detail));
        }
        std::thread::sleep(POLL);
    }
}
