//! What the operations on companies, opportunities and projects have in common.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::Tenant;
use kartoteka_app::contacts::list;
use kartoteka_app::records::{self, Equal, Linked, Noun};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::patch::Patch;

use crate::extract::IfMatch;
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;

/// Search and order of a list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Words that all occur in it, as any part; case and diacritics do not matter.
    #[param(max_length = 200, example = "dilna")]
    pub(crate) q: Option<String>,
    /// Only what is linked to this contact.
    pub(crate) contact_id: Option<Uuid>,
    /// Columns by weight, `-` for descending; the newest first when absent. What has no value comes last.
    #[param(max_length = 500, example = "name")]
    pub(crate) sort: Option<String>,
}

/// What a contact is there.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LinkInput {
    /// In your own words; none when absent.
    #[schema(max_length = 200, example = "Buyer")]
    pub(crate) role: Option<String>,
}

/// A contact that is linked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkedContact {
    /// The contact.
    pub(crate) id: Uuid,
    /// What it is called.
    #[schema(required = true, example = "Jana Nováková")]
    pub(crate) name: Option<String>,
    /// Its e-mail address.
    #[schema(required = true, example = "Jana@Example.cz")]
    pub(crate) email: Option<String>,
    /// Its phone number in E.164.
    #[schema(required = true, example = "+420601123456")]
    pub(crate) phone: Option<String>,
    /// What it is there.
    #[schema(required = true, example = "Buyer")]
    pub(crate) role: Option<String>,
    /// Since when it is linked.
    pub(crate) added_at: DateTime<Utc>,
    /// Since when it is in the trash; `null` while it lives.
    #[schema(required = true)]
    pub(crate) trashed_at: Option<DateTime<Utc>>,
}

impl From<Linked> for LinkedContact {
    fn from(linked: Linked) -> Self {
        let Linked { id, name, email, phone, role, added_at, trashed_at } = linked;
        Self { id, name, email, phone, role, added_at, trashed_at }
    }
}

/// What a field of a merge patch says.
pub(crate) fn patched<T>(value: Option<Option<T>>) -> Patch<T> {
    match value {
        None => Patch::Absent,
        Some(None) => Patch::Clear,
        Some(Some(value)) => Patch::Set(value),
    }
}

/// What a field of something new says.
pub(crate) fn given<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Absent, Patch::Set)
}

/// Refuses a change that was meant for another version of a link, or for one where there is none.
pub(crate) fn unchanged_or_new(if_match: &IfMatch, now: Option<&Linked>) -> Result<(), Problem> {
    match now {
        Some(now) => if_match.check(&LinkedContact::from(now.clone())),
        None if if_match.is_given() => Err(Problem::new(
            Code::PreconditionFailed,
            "The contact is not linked, so there is nothing If-Match could mean.",
        )),
        None => Ok(()),
    }
}

/// The page that a query asks for.
pub(crate) fn answer<N: Noun, V: From<N::Row>>(
    tenant: &mut Tenant<'_>,
    name: &str,
    query: &ListQuery,
    equal: Vec<Equal>,
    page: &PageQuery,
) -> Result<Page<V>, Problem> {
    let (mut filter, sort) =
        records::reading::<N>(query.q.as_deref(), equal, query.sort.as_deref())?;
    filter.contact = query.contact_id;
    let of = list::identity(&sort, &(name, &filter));
    let after = match page.after::<(Vec<Value>, Uuid)>(&of)? {
        None => None,
        Some((keys, id)) => Some(list::position(&sort, &keys, id).ok_or_else(|| {
            Problem::fault("?cursor", Code::InvalidCursor, Code::InvalidCursor.title())
        })?),
    };
    let limit = usize::from(page.limit);
    let found = records::page::<N>(tenant, &filter, &sort, after.as_ref(), limit)?;
    let next_cursor = found.next.map(|at| encode_cursor(&of, &at)).transpose()?;
    Ok(Page { data: found.rows.into_iter().map(V::from).collect(), next_cursor })
}

/// A page of the contacts that are linked.
pub(crate) fn contacts<N: Noun>(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    page: &PageQuery,
) -> Result<Page<LinkedContact>, Problem> {
    let list = format!("contacts of {} {id}", N::WORD);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    let mut found = records::contacts::<N>(tenant, id, before, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).map(|linked| linked.id);
    let next_cursor = last.map(|id| encode_cursor(&list, &id)).transpose()?;
    Ok(Page { data: found.into_iter().map(LinkedContact::from).collect(), next_cursor })
}
