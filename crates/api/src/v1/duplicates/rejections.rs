//! Pairs that are two: never offered, never merged.

use actix_web::{delete, get, put};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::duplicates::{self, Rejection, RejectionFilter};
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ContactId;

use crate::extract::{IfMatch, Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::reply::{Done, NoContent};
use crate::state::State;

/// Which pairs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RejectionQuery {
    /// Only those of this contact.
    contact_id: Option<Uuid>,
}

/// Two contacts that are two, whatever they share.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DuplicateRejection)]
pub(crate) struct RejectionView {
    /// Their ids, the one that was made first before the other.
    pub(crate) contact_ids: Vec<Uuid>,
    /// When somebody said so.
    pub(crate) rejected_at: DateTime<Utc>,
}

impl From<Rejection> for RejectionView {
    fn from(rejection: Rejection) -> Self {
        let Rejection { contact_id, other_id, rejected_at } = rejection;
        Self { contact_ids: vec![contact_id, other_id], rejected_at }
    }
}

/// List rejected duplicates
///
/// Pairs of which somebody said that they are two, in the order of their contacts; those in the trash too.
#[utoipa::path(
    tag = "duplicates",
    operation_id = "list_duplicate_rejections",
    params(RejectionQuery, PageQuery),
    responses((status = 200, description = "A page of pairs", body = Page<RejectionView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/duplicates/rejections")]
pub(crate) async fn list_rejections(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<RejectionQuery>,
    page: Query<PageQuery>,
) -> Result<Page<RejectionView>, Problem> {
    let contact = filter.contact_id;
    let list = format!("duplicate_rejections/{contact:?}");
    let after: Option<(Uuid, Uuid)> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let limited = i64::try_from(limit).unwrap_or(0) + 1;
            let mut rows = duplicates::rejections(
                tenant,
                &RejectionFilter { contact, after, limit: limited },
            )?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            let last = rows.last().filter(|_| more);
            let next_cursor = last
                .map(|row| encode_cursor(&list, &(row.contact_id, row.other_id)))
                .transpose()?;
            Ok(Page { data: rows.into_iter().map(Into::into).collect(), next_cursor })
        })
        .await
}

/// Get a rejected duplicate
///
/// In either order of the two.
#[utoipa::path(
    tag = "duplicates",
    operation_id = "get_duplicate_rejection",
    params(
        ("id" = Uuid, Path, description = "A contact"),
        ("other_id" = Uuid, Path, description = "The other contact"),
    ),
    responses((status = 200, description = "The pair", body = RejectionView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/duplicates/rejections/{id}/{other_id}")]
pub(crate) async fn get_rejection(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Done<RejectionView>, Problem> {
    let (one, other) = path.into_inner();
    state
        .read(&caller, move |tenant, _ctx| {
            Ok(Done(duplicates::rejection(tenant, ContactId(one), ContactId(other))?.into()))
        })
        .await
}

/// Reject a duplicate
///
/// The two are two: no list offers them any more, whatever a search finds, and they must not be merged. Found or not,
/// in either order, in the trash too; twice is once. A contact and itself: `conflict`.
#[utoipa::path(
    tag = "duplicates",
    operation_id = "put_duplicate_rejection",
    params(
        ("id" = Uuid, Path, description = "A contact"),
        ("other_id" = Uuid, Path, description = "The other contact"),
        IfMatch,
    ),
    responses((status = 200, description = "The pair", body = RejectionView)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/duplicates/rejections/{id}/{other_id}")]
pub(crate) async fn put_rejection(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<Done<RejectionView>, Problem> {
    let (one, other) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: Option<&Rejection>| match now {
                Some(known) => if_match.check(&RejectionView::from(known.clone())),
                None if if_match.is_given() => Err(Problem::new(
                    Code::PreconditionFailed,
                    "The two are not rejected, so there is nothing If-Match could mean.",
                )),
                None => Ok(()),
            };
            let (one, other) = (ContactId(one), ContactId(other));
            Ok(Done(duplicates::reject(tenant, ctx, one, other, guard)?.into()))
        })
        .await
}

/// Accept a rejected duplicate
///
/// Takes it back that the two are two: they are offered again where a search found them.
#[utoipa::path(
    tag = "duplicates",
    operation_id = "delete_duplicate_rejection",
    params(
        ("id" = Uuid, Path, description = "A contact"),
        ("other_id" = Uuid, Path, description = "The other contact"),
        IfMatch,
    ),
    responses((status = 204, description = "They may be one again")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/duplicates/rejections/{id}/{other_id}")]
pub(crate) async fn delete_rejection(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (one, other) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Rejection| if_match.check(&RejectionView::from(now.clone()));
            duplicates::accept(tenant, ctx, ContactId(one), ContactId(other), guard)?;
            Ok(NoContent)
        })
        .await
}
