//! `GET /contacts`, and what all lists of contacts share.

use actix_web::get;
use actix_web::web::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::Tenant;
use kartoteka_app::contacts::list::{self, Filter, Request, Sort};
use kartoteka_app::segments;
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::SegmentId;
use kartoteka_domain::segments::Selection;

use super::count::ContactCount;
use super::view::ContactView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Conditions on contacts; all of them hold. Texts are compared with case and diacritics folded.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactFilter {
    /// Words that all occur in first name, last name, e-mail, phone or company, as any part of them; case and diacritics do not matter. Digits of a phone number may be grouped in any way.
    #[param(max_length = 200, example = "novak 601 123")]
    q: Option<String>,
    /// The shown state: muted, else unsubscribed, else subscribed.
    #[param(inline)]
    communication: Option<CommunicationFilter>,
    /// Name of a tag they have.
    #[param(max_length = 1000)]
    tag: Option<String>,
    /// A saved segment they are in.
    segment_id: Option<Uuid>,
    /// Name in another system.
    external_id: Option<String>,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// The name shown on screens.
    name: Option<String>,
    /// Titles before the name.
    title_before: Option<String>,
    /// Titles after the name.
    title_after: Option<String>,
    /// Company.
    company_name: Option<String>,
    /// Position.
    job_title: Option<String>,
    /// E-mail address, in any spelling.
    email: Option<String>,
    /// Phone number, in E.164 or national to the workspace.
    phone: Option<String>,
    /// Day of birth.
    birth_date: Option<NaiveDate>,
    /// Gender.
    #[param(inline)]
    gender: Option<GenderFilter>,
    /// Street and number.
    street: Option<String>,
    /// Town.
    city: Option<String>,
    /// Postal code.
    postal_code: Option<String>,
    /// Region, state or county.
    region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[param(example = "CZ")]
    country: Option<String>,
    /// ISO 639-1.
    #[param(example = "cs")]
    language: Option<String>,
    /// Name in the IANA time zone database.
    time_zone: Option<String>,
    /// State of the business relation.
    #[param(inline)]
    state: Option<StateFilter>,
    /// Points.
    score: Option<i64>,
    /// How they came in.
    #[param(inline)]
    origin: Option<OriginFilter>,
    /// Takes marketing.
    subscribed: Option<bool>,
    /// Takes no message at all.
    muted: Option<bool>,
    /// Made at this instant or later.
    created_after: Option<DateTime<Utc>>,
    /// Made before this instant.
    created_before: Option<DateTime<Utc>>,
    /// Changed at this instant or later.
    updated_after: Option<DateTime<Utc>>,
    /// Changed before this instant.
    updated_before: Option<DateTime<Utc>>,
    /// Put in the trash at this instant or later.
    trashed_after: Option<DateTime<Utc>>,
    /// Put in the trash before this instant.
    trashed_before: Option<DateTime<Utc>>,
}

macro_rules! word_filter {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
        #[serde(rename_all = "lowercase")]
        pub(crate) enum $name { $($variant),+ }

        impl $name {
            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

word_filter! {
    /// The shown state.
    CommunicationFilter { Subscribed = "subscribed", Unsubscribed = "unsubscribed", Muted = "muted" }
}
word_filter! {
    /// Gender.
    GenderFilter { Female = "female", Male = "male", Other = "other" }
}
word_filter! {
    /// State of the business relation.
    StateFilter { Prospect = "prospect", Customer = "customer", Partner = "partner" }
}
word_filter! {
    /// How a contact came in.
    OriginFilter { Manual = "manual", Import = "import", Api = "api", Booking = "booking", Inbox = "inbox", Ares = "ares" }
}

impl ContactFilter {
    /// What is asked for.
    pub(crate) fn request(self, trash: bool) -> Request {
        let equal = [
            ("external_id", self.external_id),
            ("first_name", self.first_name),
            ("last_name", self.last_name),
            ("name", self.name),
            ("title_before", self.title_before),
            ("title_after", self.title_after),
            ("company_name", self.company_name),
            ("job_title", self.job_title),
            ("email", self.email),
            ("phone", self.phone),
            ("birth_date", self.birth_date.map(|date| date.to_string())),
            ("gender", self.gender.map(|word| word.as_str().to_owned())),
            ("street", self.street),
            ("city", self.city),
            ("postal_code", self.postal_code),
            ("region", self.region),
            ("country", self.country),
            ("language", self.language),
            ("time_zone", self.time_zone),
            ("state", self.state.map(|word| word.as_str().to_owned())),
            ("score", self.score.map(|score| score.to_string())),
            ("origin", self.origin.map(|word| word.as_str().to_owned())),
            ("subscribed", self.subscribed.map(|flag| flag.to_string())),
            ("muted", self.muted.map(|flag| flag.to_string())),
        ];
        let times = [
            ("created_at", true, self.created_after),
            ("created_at", false, self.created_before),
            ("updated_at", true, self.updated_after),
            ("updated_at", false, self.updated_before),
            ("trashed_at", true, self.trashed_after),
            ("trashed_at", false, self.trashed_before),
        ];
        Request {
            search: self.q,
            trash,
            communication: self.communication.map(|word| word.as_str().to_owned()),
            tag: self.tag,
            equal: equal.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            times: times.into_iter().filter_map(|(c, from, at)| Some((c, from, at?))).collect(),
        }
    }
}

/// The order of a list of contacts.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactSort {
    /// Columns by weight, `-` for descending; the newest first when absent. Contacts without a value come last. Every field of a contact but details and tags.
    #[param(max_length = 500, example = "-created_at,last_name")]
    sort: Option<String>,
}

/// Which side of the trash.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrashFlag {
    /// The contacts in the trash instead of those that live.
    #[serde(default)]
    #[param(default = false)]
    trash: bool,
}

/// One page of contacts in `sort`, behind the cursor; `within` is the selection they are of, and when. `what`
/// is all that was asked for: a cursor goes on only with the same.
pub(crate) fn page(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    within: Option<(&Selection, DateTime<Utc>)>,
    sort: &Sort,
    what: &impl std::fmt::Debug,
    page: &PageQuery,
) -> Result<Page<ContactView>, Problem> {
    let list = list::identity(sort, what);
    let after = match page.after::<(Vec<Value>, Uuid)>(&list)? {
        None => None,
        Some((keys, id)) => Some(list::position(sort, &keys, id).ok_or_else(|| {
            Problem::fault("?cursor", Code::InvalidCursor, Code::InvalidCursor.title())
        })?),
    };
    let (after, limit) = (after.as_ref(), usize::from(page.limit));
    let found = match within {
        None => list::page(tenant, filter, None, sort, after, limit)?,
        Some((selection, now)) => {
            segments::page_within(tenant, filter, selection, now, sort, after, limit)?
        }
    };
    let next_cursor = found.next.map(|at| encode_cursor(&list, &at)).transpose()?;
    Ok(Page { data: found.contacts.into_iter().map(ContactView::from).collect(), next_cursor })
}

/// Reads conditions, the segment and the order, and tells the faults of all.
pub(crate) fn read(
    tenant: &mut Tenant<'_>,
    request: &Request,
    segment: Option<Uuid>,
    sort: Option<&str>,
) -> Result<(Filter, Option<Selection>, Sort), Problem> {
    let filter = list::filter(tenant, request).map_err(Problem::from);
    let selection = segment
        .map(|id| segments::of_segment(tenant, SegmentId(id), "?segment_id"))
        .transpose()
        .map_err(Problem::from);
    let sort = list::sort(sort, "?sort").map_err(Problem::from);
    match (filter, selection, sort) {
        (Ok(filter), Ok(selection), Ok(sort)) => Ok((filter, selection, sort)),
        (filter, selection, sort) => {
            let problems: Vec<Problem> =
                [filter.err(), selection.err(), sort.err()].into_iter().flatten().collect();
            let faults: Vec<Fault> = problems.iter().flat_map(Problem::faults).cloned().collect();
            // what is no fault of the input is told before those that are
            let other = problems.into_iter().find(|problem| problem.faults().is_empty());
            Err(other.unwrap_or_else(|| Problem::invalid(faults)))
        }
    }
}

/// The page that a filter, an order and a cursor of the query ask for.
pub(crate) fn answer(
    tenant: &mut Tenant<'_>,
    now: DateTime<Utc>,
    filter: ContactFilter,
    trash: bool,
    sort: &ContactSort,
    cursor: &PageQuery,
) -> Result<Page<ContactView>, Problem> {
    let segment = filter.segment_id;
    let request = filter.request(trash);
    let (filter, selection, sort) = read(tenant, &request, segment, sort.sort.as_deref())?;
    match &selection {
        None => page(tenant, &filter, None, &sort, &request, cursor),
        Some(selection) => {
            let what = (&request, selection);
            page(tenant, &filter, Some((selection, now)), &sort, &what, cursor)
        }
    }
}

/// List contacts
///
/// Pages go on by cursor and lose or repeat nothing while others write. Narrow the list by the words of `q`
/// and by any field; `POST /contacts/query` knows more.
#[utoipa::path(
    tag = "contacts",
    operation_id = "list_contacts",
    params(ContactFilter, TrashFlag, ContactSort, PageQuery),
    responses((status = 200, description = "A page of contacts", body = Page<ContactView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts")]
pub(crate) async fn list_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<ContactFilter>,
    trash: Query<TrashFlag>,
    sort: Query<ContactSort>,
    page: Query<PageQuery>,
) -> Result<Page<ContactView>, Problem> {
    state
        .read(&caller, move |tenant, ctx| {
            answer(tenant, ctx.now, filter.into_inner(), trash.trash, &sort, &page)
        })
        .await
}

/// Count the contacts of a list
///
/// The exact number of contacts that `GET /contacts` would list with the same conditions.
#[utoipa::path(
    tag = "contacts",
    operation_id = "count_listed_contacts",
    params(ContactFilter, TrashFlag),
    responses((status = 200, description = "The number", body = ContactCount)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/count")]
pub(crate) async fn count_listed_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<ContactFilter>,
    trash: Query<TrashFlag>,
) -> Result<Json<ContactCount>, Problem> {
    let contacts = state
        .read(&caller, move |tenant, ctx| {
            let filter = filter.into_inner();
            let segment = filter.segment_id;
            let request = filter.request(trash.trash);
            Ok(match read(tenant, &request, segment, None)? {
                (filter, None, _) => list::count(tenant, &filter, None)?,
                (filter, Some(selection), _) => {
                    segments::count_within(tenant, &filter, &selection, ctx.now)?
                }
            })
        })
        .await?;
    Ok(Json(ContactCount { contacts }))
}
