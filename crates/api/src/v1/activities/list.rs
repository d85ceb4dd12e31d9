//! `GET /activities`.

use actix_web::get;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::Tenant;
use kartoteka_app::activities::{self, Filter, Position};
use kartoteka_app::segments;
use kartoteka_domain::activities::Kind;
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::SegmentId;

use super::{ActivityType, ActivityView};
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, decode_cursor, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which activities.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityFilter {
    /// Words that all occur in subject or result, as any part; case and diacritics do not matter.
    #[param(max_length = 200, example = "nabidka")]
    q: Option<String>,
    /// What kind of thing it is.
    #[param(inline)]
    r#type: Option<ActivityType>,
    /// Only from this instant on (RFC 3339).
    after: Option<DateTime<Utc>>,
    /// Only before this instant (RFC 3339).
    before: Option<DateTime<Utc>>,
    /// Only by this person or integration.
    author_id: Option<Uuid>,
    /// Only with this result.
    #[param(max_length = 200, example = "Interested")]
    result: Option<String>,
    /// Only those that are done, or only those that are not.
    done: Option<bool>,
    /// Only about this contact.
    contact_id: Option<Uuid>,
    /// Only about this company.
    company_id: Option<Uuid>,
    /// Only about this opportunity.
    opportunity_id: Option<Uuid>,
    /// Only about this project.
    project_id: Option<Uuid>,
    /// Only about contacts in this saved segment that are not in the trash.
    segment_id: Option<Uuid>,
    /// By the instant they are listed at; `-at`, the newest first, when absent.
    #[param(inline)]
    sort: Option<ActivitySort>,
}

/// Order of activities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum ActivitySort {
    /// The oldest first.
    #[serde(rename = "at")]
    Oldest,
    /// The newest first.
    #[serde(rename = "-at")]
    Newest,
}

/// List activities
///
/// In order of the instant they are listed at: their start, else when they are due, else when they were done, else
/// when they were made. `POST /activities/query` takes any selection of contacts.
#[utoipa::path(
    tag = "activities",
    operation_id = "list_activities",
    params(ActivityFilter, PageQuery),
    responses((status = 200, description = "A page of activities", body = Page<ActivityView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/activities")]
pub(crate) async fn list_activities(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<ActivityFilter>,
    page: Query<PageQuery>,
) -> Result<Page<ActivityView>, Problem> {
    let asked = filter.into_inner();
    let oldest_first = asked.sort == Some(ActivitySort::Oldest);
    let mut filter = Filter {
        terms: Vec::new(),
        kind: asked.r#type.map(Kind::from),
        after: asked.after,
        before: asked.before,
        author_id: asked.author_id,
        result: asked.result,
        done: asked.done,
        contact_id: asked.contact_id,
        company_id: asked.company_id,
        opportunity_id: asked.opportunity_id,
        project_id: asked.project_id,
        selection: None,
    };
    activities::search_for(&mut filter, asked.q.as_deref(), "?q")?;
    let cursor = page.cursor.clone();
    let limit = usize::from(page.limit);
    let segment = asked.segment_id;
    state
        .read(&caller, move |tenant, ctx| {
            if let Some(id) = segment {
                let selection = segments::of_segment(tenant, SegmentId(id), "?segment_id")?;
                filter.selection = Some((selection, ctx.now));
            }
            answer(tenant, &filter, oldest_first, (cursor.as_deref(), "?cursor"), limit)
        })
        .await
}

/// The page that a filter and a cursor ask for; the cursor comes with the place it stood at.
pub(super) fn answer(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    oldest_first: bool,
    (cursor, at): (Option<&str>, &str),
    limit: usize,
) -> Result<Page<ActivityView>, Problem> {
    // a cursor goes on only with what it was made for; the instant a selection is meant at moves on
    let Filter { selection, .. } = filter;
    let plain = Filter { selection: None, ..filter.clone() };
    let selection = selection.as_ref().map(|(selection, _)| selection);
    let of = kartoteka_app::contacts::list::identity(
        &kartoteka_app::contacts::list::Sort::default(),
        &("activities", plain, selection, oldest_first),
    );
    let after: Option<(DateTime<Utc>, Uuid)> =
        cursor.map(|cursor| decode_cursor(&of, cursor, at)).transpose()?;
    if after.is_some_and(|(instant, _)| !is_kept(instant)) {
        return Err(Problem::fault(at, Code::InvalidCursor, Code::InvalidCursor.title()));
    }
    let position = Position { oldest_first, after };
    let mut found = activities::list(tenant, filter, position, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).map(|row| (row.at, row.id));
    let next_cursor = last.map(|last| encode_cursor(&of, &last)).transpose()?;
    Ok(Page { data: found.into_iter().map(ActivityView::from).collect(), next_cursor })
}

/// Whether PostgreSQL knows the instant: a made-up cursor may hold any.
pub(crate) fn is_kept(instant: DateTime<Utc>) -> bool {
    use chrono::Datelike;
    (-4000..200_000).contains(&instant.year())
}
