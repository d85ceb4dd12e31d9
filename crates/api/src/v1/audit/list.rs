//! `GET /audit`.

use actix_web::get;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::access::audit::{self, AuditFilter, AuditRow};

use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which lines are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only of this kind of record.
    #[param(max_length = 100, example = "contact")]
    pub record_type: Option<String>,
    /// Only of this record.
    pub record_id: Option<Uuid>,
    /// Only what was done through this job.
    pub job_id: Option<Uuid>,
    /// Only by this person or integration.
    pub actor_id: Option<Uuid>,
    /// Only of this action, such as `contact.update`.
    #[param(max_length = 100, example = "user.update")]
    pub action: Option<String>,
    /// Only before this instant (RFC 3339).
    pub before: Option<DateTime<Utc>>,
    /// Only from this instant on (RFC 3339).
    pub after: Option<DateTime<Utc>>,
}

/// One line of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: AuditActor,
    /// What, as `noun.verb`.
    #[schema(example = "user.update")]
    pub action: String,
    /// To which record.
    pub record: AuditRecord,
    /// What changed: names of fields, and values where they are no personal data.
    #[schema(value_type = Option<Object>, example = json!({"role": ["viewer", "editor"]}))]
    pub changes: Option<serde_json::Value>,
    /// Through which job.
    pub job_id: Option<Uuid>,
    /// By which request.
    #[schema(example = "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10")]
    pub request_id: Option<String>,
    /// From where.
    #[schema(example = "192.0.2.1")]
    pub ip: Option<String>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `user`, `client` or `system`.
    #[schema(example = "user")]
    pub r#type: String,
    /// The person or integration.
    pub id: Option<Uuid>,
}

/// What it was done to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditRecord {
    /// Kind of the record.
    #[schema(example = "user")]
    pub r#type: String,
    /// Its id; `null` when it was many.
    pub id: Option<Uuid>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        let AuditRow {
            id,
            at,
            actor_type,
            actor_id,
            action,
            record_type,
            record_id,
            changes,
            job_id,
            request_id,
            ip,
        } = row;
        let actor = AuditActor { r#type: actor_type, id: actor_id };
        let record = AuditRecord { r#type: record_type, id: record_id };
        Self { id, at, actor, action, record, changes, job_id, request_id, ip }
    }
}

/// Read the audit trail
///
/// Who did what to which record, when, from where, through which job; newest first.
#[utoipa::path(
    tag = "audit",
    operation_id = "list_audit",
    params(AuditQuery, PageQuery),
    responses((status = 200, description = "A page of the trail", body = Page<AuditEntry>)),
    security(("bearer" = ["admin"])),
)]
#[get("/audit")]
pub(crate) async fn list_audit(
    state: State,
    caller: Scoped<scope::Admin>,
    query: Query<AuditQuery>,
    page: Query<PageQuery>,
) -> Result<Page<AuditEntry>, Problem> {
    let AuditQuery { record_type, record_id, job_id, actor_id, action, before, after } =
        query.into_inner();
    let below = page.after("audit")?;
    let limit = page.limit;
    let filter =
        AuditFilter { record_type, record_id, job_id, actor_id, action, after, before, below };
    state
        .read(&caller, move |tenant, _ctx| {
            let (rows, more) = audit::list(tenant, &filter, limit)?;
            let last = rows.last().filter(|_| more).map(|row| row.id);
            let next_cursor = last.map(|id| encode_cursor("audit", &id)).transpose()?;
            Ok(Page { data: rows.into_iter().map(AuditEntry::from).collect(), next_cursor })
        })
        .await
}
