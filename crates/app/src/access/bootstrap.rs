//! The first workspace and its administrator, made on the first start.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::{UserId, WorkspaceId};
use kartoteka_domain::scopes::Role;
use kartoteka_persistence::access::users as rows;
use kartoteka_persistence::workspaces::{self, Workspace};
use kartoteka_persistence::{Db, Tenant};

use crate::access::passwords;
use crate::access::secrets::Entropy;
use crate::access::users::{self, NewUser};
use crate::context::{Context, new_id};
use crate::error::Error;

/// Contacts a workspace may hold until somebody says otherwise.
const CONTACT_LIMIT: i64 = 10_000_000;

/// What the installation should have.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Name of the workspace.
    pub workspace: String,
    /// Address of its administrator.
    pub email: String,
    /// Their password; one is made up when there is none.
    pub password: Option<String>,
}

/// What it has now.
#[derive(Clone, PartialEq, Eq)]
pub struct Installed {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The administrator that was made now; `None` when the workspace was there before.
    pub administrator: Option<UserId>,
    /// The password that was made up for them. Show it once.
    pub password: Option<String>,
}

/// Makes the workspace and its administrator when there is no workspace of that name. Any number of
/// processes may do this at once.
///
/// # Errors
/// `invalid_email`, `weak_password`, or what the database said.
pub fn ensure(
    db: &Db,
    wanted: &Installation,
    entropy: &Entropy,
    now: DateTime<Utc>,
) -> Result<Installed, Error> {
    let Installation { workspace: name, email, password } = wanted;
    db.system(|conn| {
        rows::lock_bootstrap(conn)?;
        let there = workspaces::all(conn)?.into_iter().find(|workspace| workspace.name == *name);
        if let Some(workspace) = there {
            let workspace = WorkspaceId(workspace.id);
            return Ok(Installed { workspace, administrator: None, password: None });
        }
        let made_up = password.is_none().then(|| entropy.password());
        let password = password.as_deref().or(made_up.as_deref()).unwrap_or_default();
        users::check_new(email, password)?;
        let id = new_id(now);
        workspaces::create(conn, &first_workspace(id, name, now), [new_id(now), new_id(now)])?;
        let mut tenant = Tenant::on(conn, WorkspaceId(id));
        let ctx = Context {
            workspace: WorkspaceId(id),
            actor: Actor::System,
            now,
            request_id: None,
            ip: None,
        };
        let hash = passwords::hash(password, entropy)
            .map_err(|error| Error::refused(Code::Internal, error.to_string()))?;
        let new = NewUser { email: email.clone(), name: None, role: Role::Administrator };
        let user = users::create(&mut tenant, &ctx, new, &hash)?;
        Ok(Installed {
            workspace: WorkspaceId(id),
            administrator: Some(UserId(user.id)),
            password: made_up,
        })
    })
}

fn first_workspace(id: Uuid, name: &str, now: DateTime<Utc>) -> Workspace {
    Workspace {
        id,
        name: name.to_owned(),
        contact_limit: CONTACT_LIMIT,
        phone_region: "CZ".into(),
        language: "cs".into(),
        time_zone: "Europe/Prague".into(),
        scenarios_on_owner_assigned: false,
        created_at: now,
        updated_at: now,
    }
}
