//! `GET /contacts/{id}/timeline` and `GET /contacts/{id}/planned`.

use actix_web::get;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::activities::{self, ActivityRow};
use kartoteka_app::contacts::timeline::{self, Entry, Filter};
use kartoteka_domain::activities::Activity;
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::timeline::Kind;
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::scopes::Scope;

use super::consents::ActorView;
use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::activities::list::is_kept;

/// Which entries.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimelineFilter {
    /// Only before this instant (RFC 3339).
    before: Option<DateTime<Utc>>,
    /// Only from this instant on (RFC 3339).
    after: Option<DateTime<Utc>>,
    /// What had happened at this instant (RFC 3339), it included; what was removed since is not told.
    as_of: Option<DateTime<Utc>>,
    /// Only of this type.
    #[param(inline)]
    r#type: Option<TimelineType>,
}

/// Types of entries.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TimelineType {
    /// It was made.
    Created,
    /// Fields, tags or flags changed.
    Changed,
    /// It was put in the trash.
    Trashed,
    /// It came back.
    Restored,
    /// Somebody became or ceased to be an owner.
    Owner,
    /// It was linked to, or taken off, a company, an opportunity or a project.
    Linked,
    /// It was merged with others, or parted from them again.
    Merged,
    /// A consent was granted or withdrawn.
    Consent,
    /// A tag it carries was put on it.
    Tag,
    /// A note was written.
    Note,
    /// An activity took place.
    Activity,
    /// An import met it.
    Import,
}

impl From<TimelineType> for Kind {
    fn from(word: TimelineType) -> Self {
        match word {
            TimelineType::Created => Self::Created,
            TimelineType::Changed => Self::Changed,
            TimelineType::Trashed => Self::Trashed,
            TimelineType::Restored => Self::Restored,
            TimelineType::Owner => Self::Owner,
            TimelineType::Linked => Self::Linked,
            TimelineType::Merged => Self::Merged,
            TimelineType::Consent => Self::Consent,
            TimelineType::Tag => Self::Tag,
            TimelineType::Note => Self::Note,
            TimelineType::Activity => Self::Activity,
            TimelineType::Import => Self::Import,
        }
    }
}

/// One thing that happened to a contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// `created`, `changed`, `trashed`, `restored`, `owner`, `linked`, `merged`, `consent`, `tag`, `note`,
    /// `activity` or `import`.
    #[schema(example = "consent")]
    pub(crate) r#type: String,
    /// What it is about: the entry of the ledger, the note, the activity, the import, the tag, the line of the
    /// audit trail, or the contact itself.
    pub(crate) id: Uuid,
    /// Who did it, where that is known.
    #[schema(required = true)]
    pub(crate) actor: Option<ActorView>,
    /// Through which job.
    #[schema(required = true)]
    pub(crate) job_id: Option<Uuid>,
    /// What there is to say, by type: `created` has `origin` and `import`; `changed`, `owner`, `linked` the names of
    /// `fields`; `merged` the `loser_ids` and `merge_id`; `consent` has `purpose`, `action`, `legal_basis` and `source`; `tag` has `name` and `score`; `note`
    /// has `text` and `private`; `activity` has `type`, `subject`, `result` and `done`; `import` has `name` and
    /// `rows`.
    #[schema(value_type = Object, additional_properties = true,
        example = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent",
            "source": {"type": "card", "id": null}}))]
    pub(crate) data: Value,
}

impl From<Entry> for TimelineEntry {
    fn from(entry: Entry) -> Self {
        let Entry { kind, at, id, actor_type, actor_id, job_id, data } = entry;
        let actor = actor_type.map(|r#type| ActorView { r#type, id: actor_id });
        Self { at, r#type: kind, id, actor, job_id, data }
    }
}

/// What an instant is kept in.
const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Read the timeline of a contact
///
/// What happened to it, newest first, up to now or to `as_of`. Consents are here for tokens that may read them, private notes for their
/// author only. What is planned is in `GET /contacts/{id}/planned`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "list_timeline",
    params(("id" = Uuid, Path, description = "The contact"), TimelineFilter, PageQuery),
    responses((status = 200, description = "A page of the timeline", body = Page<TimelineEntry>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/timeline")]
pub(crate) async fn list_timeline(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    filter: Query<TimelineFilter>,
    page: Query<PageQuery>,
) -> Result<Page<TimelineEntry>, Problem> {
    let TimelineFilter { before, after, as_of, r#type } = filter.into_inner();
    // instants are kept in microseconds
    let until = as_of.and_then(|at| at.trunc_subsecs(6).checked_add_signed(MICROSECOND));
    let before = before.into_iter().chain(until).min();
    let consents = caller.may(Scope::ConsentsRead);
    let wanted: Option<Kind> = r#type.map(Kind::from);
    let list = format!("timeline {} {before:?} {after:?} {wanted:?}", *id);
    let behind = behind(&page, &list)?;
    let kinds = Kind::ALL.iter().copied();
    let kinds = kinds.filter(|kind| wanted.is_none_or(|wanted| wanted == *kind));
    let kinds = kinds.filter(|kind| consents || *kind != Kind::Consent).collect();
    let filter = Filter { kinds, after, before, behind };
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let mut found = timeline::list(tenant, ctx, ContactId(*id), &filter, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|entry| (entry.at, entry.id));
            let next_cursor = last.map(|last| encode_cursor(&list, &last)).transpose()?;
            Ok(Page { data: found.into_iter().map(TimelineEntry::from).collect(), next_cursor })
        })
        .await
}

/// Where the page before ended.
fn behind(page: &PageQuery, list: &str) -> Result<Option<(DateTime<Utc>, Uuid)>, Problem> {
    let behind: Option<(DateTime<Utc>, Uuid)> = page.after(list)?;
    if behind.is_some_and(|(instant, _)| !is_kept(instant)) {
        return Err(Problem::fault("?cursor", Code::InvalidCursor, Code::InvalidCursor.title()));
    }
    Ok(behind)
}

/// Something planned for a contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlannedEntry {
    /// When; for a task, until when.
    pub(crate) at: DateTime<Utc>,
    /// `call`, `meeting`, `task`, `letter` or `email`.
    #[schema(example = "task")]
    pub(crate) r#type: String,
    /// What people call it.
    #[schema(example = "Poslat nabídku")]
    pub(crate) name: String,
    /// Where it comes from.
    pub(crate) source: PlannedSource,
}

/// Where something planned comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlannedSource {
    /// `activity`.
    #[schema(example = "activity")]
    pub(crate) r#type: &'static str,
    /// Its id.
    pub(crate) id: Uuid,
}

impl From<ActivityRow> for PlannedEntry {
    fn from(row: ActivityRow) -> Self {
        let activity = Activity::from(&row);
        Self {
            at: row.at,
            r#type: activity.kind.as_str().to_owned(),
            name: activity.subject,
            source: PlannedSource { r#type: "activity", id: row.id },
        }
    }
}

/// Read what is planned for a contact
///
/// The next one first: activities that are not done and have a start or an end; tasks also when they are overdue.
#[utoipa::path(
    tag = "contacts",
    operation_id = "list_planned",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses((status = 200, description = "A page of what is planned", body = Page<PlannedEntry>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/planned")]
pub(crate) async fn list_planned(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<PlannedEntry>, Problem> {
    let list = format!("planned {}", *id);
    let after = behind(&page, &list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let mut found = activities::planned(tenant, ctx, ContactId(*id), after, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|row| (row.at, row.id));
            let next_cursor = last.map(|last| encode_cursor(&list, &last)).transpose()?;
            Ok(Page { data: found.into_iter().map(PlannedEntry::from).collect(), next_cursor })
        })
        .await
}
