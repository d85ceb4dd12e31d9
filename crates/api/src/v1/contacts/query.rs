//! `POST /contacts/query`: the contacts a selection means, page by page (SEG-1).

use actix_web::post;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::list;
use kartoteka_app::segments;
use kartoteka_domain::codes::Code;

use super::view::ContactView;
use crate::extract::{Scoped, scope};
use crate::page::{DEFAULT_LIMIT, Page, decode_cursor, encode_cursor};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::segments::{SelectionSchema, WithSelection};

/// Which contacts, in which order, how many at once.
#[derive(Debug, Deserialize, ToSchema)]
pub struct QueryContacts {
    /// Which; all that are not in the trash when it is missing.
    #[schema(value_type = Option<SelectionSchema>)]
    pub selection: Option<Value>,
    /// Columns by weight, `-` for descending; the newest first when absent. As in `GET /contacts`.
    #[schema(max_length = 500, example = "-created_at")]
    pub sort: Option<String>,
    /// Most entries of the page; 50 when absent.
    #[schema(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u16>,
    /// Where to go on: `next_cursor` of the page before, with the same selection and order.
    #[schema(max_length = 4096, example = json!(null))]
    pub cursor: Option<String>,
}

/// List the contacts of a selection
///
/// Pages go on by cursor and lose or repeat nothing while others write: send the same body with the
/// `next_cursor` of the page before. It changes nothing, so it takes no `Idempotency-Key`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "query_contacts",
    request_body = QueryContacts,
    responses((status = 200, description = "A page of contacts", body = Page<ContactView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[post("/contacts/query")]
pub(crate) async fn query_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    body: WithSelection<QueryContacts>,
) -> Result<Page<ContactView>, Problem> {
    let read =
        |query: &QueryContacts| list::sort(query.sort.as_deref(), "#/sort").map_err(Problem::from);
    state
        .read(&caller, move |tenant, ctx| {
            let faults = |query: &QueryContacts| {
                read(query).err().map(|problem| problem.faults().to_vec()).unwrap_or_default()
            };
            let (query, selection) = body.resolve(tenant, faults)?;
            let sort = read(&query)?;
            // a cursor goes on only with the selection and the order it was made for
            let of = list::identity(&sort, &selection);
            let after = match &query.cursor {
                None => None,
                Some(cursor) => {
                    let (keys, id): (Vec<Value>, Uuid) = decode_cursor(&of, cursor, "#/cursor")?;
                    Some(list::position(&sort, &keys, id).ok_or_else(|| {
                        Problem::fault("#/cursor", Code::InvalidCursor, Code::InvalidCursor.title())
                    })?)
                }
            };
            let limit = usize::from(query.limit.unwrap_or(DEFAULT_LIMIT));
            let found = segments::page(tenant, &selection, ctx.now, &sort, after.as_ref(), limit)?;
            let next_cursor = found.next.map(|at| encode_cursor(&of, &at)).transpose()?;
            let data = found.contacts.into_iter().map(ContactView::from).collect();
            Ok(Page { data, next_cursor })
        })
        .await
}
