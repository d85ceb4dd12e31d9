//! `GET /duplicates`.

use actix_web::get;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::duplicates::{self, PairFilter, PairOfContacts};

use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which pairs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DuplicateFilter {
    /// Only those of this contact.
    contact_id: Option<Uuid>,
    /// Only those at least so probable.
    #[param(minimum = 0.0, maximum = 1.0, example = 0.9)]
    min_score: Option<f64>,
}

/// Two contacts that seem to be one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Duplicate)]
pub(crate) struct DuplicateView {
    /// Their ids, the one that was made first before the other.
    pub(crate) contact_ids: Vec<Uuid>,
    /// The two, in the same order.
    pub(crate) contacts: Vec<DuplicateContact>,
    /// Probability that they are one.
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.9971)]
    pub(crate) score: f64,
    /// `exact` when e-mail, phone or external id are the same, `fuzzy` otherwise.
    pub(crate) kind: DuplicateKind,
    /// What each field says; fields with nothing to compare say nothing.
    pub(crate) reasons: Vec<DuplicateReason>,
    /// When a search saw them last.
    pub(crate) found_at: DateTime<Utc>,
}

/// How two contacts were found.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DuplicateKind {
    /// E-mail, phone or external id are the same.
    Exact,
    /// They are alike.
    Fuzzy,
}

/// What there is to recognise a contact by; the whole of it is `GET /contacts/{id}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DuplicateContact {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name as it is shown.
    #[schema(example = "Jana Nováková")]
    pub(crate) name: Option<String>,
    /// Company.
    #[schema(example = "Kůň s.r.o.")]
    pub(crate) company_name: Option<String>,
    /// E-mail.
    #[schema(example = "jana@example.com")]
    pub(crate) email: Option<String>,
    /// Phone in E.164.
    #[schema(example = "+420601123456")]
    pub(crate) phone: Option<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
}

/// What one field says of a pair.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DuplicateReason {
    /// Which field; `street` and `city` are those of the address, the latter with the postal code. `shared`: the two
    /// may be people who live or work together, and share as much for that.
    #[schema(example = "last_name")]
    pub(crate) field: String,
    /// How far it agrees: `same`, `close`, `familiar_form`, `different` and the like.
    #[schema(example = "same")]
    pub(crate) level: String,
    /// What that is worth, in bits: each one doubles the odds. Negative where it speaks against.
    #[schema(example = 9.31)]
    pub(crate) weight: f64,
}

impl TryFrom<PairOfContacts> for DuplicateView {
    type Error = Problem;

    fn try_from(found: PairOfContacts) -> Result<Self, Problem> {
        let PairOfContacts { pair, contacts } = found;
        let contacts = contacts
            .into_iter()
            .map(|stored| DuplicateContact {
                id: stored.id.0,
                name: stored.contact.name(),
                company_name: stored.contact.company_name,
                email: stored.contact.email,
                phone: stored.contact.phone,
                created_at: stored.created_at,
            })
            .collect();
        Ok(Self {
            contact_ids: vec![pair.contact_id, pair.other_id],
            contacts,
            score: pair.score,
            kind: if pair.exact { DuplicateKind::Exact } else { DuplicateKind::Fuzzy },
            reasons: serde_json::from_value(pair.reasons).map_err(Problem::internal)?,
            found_at: pair.found_at,
        })
    }
}

/// List duplicates
///
/// Pairs the last searches found, the most probable first. Those that somebody rejected are not here, nor those with a
/// contact in the trash. `POST /duplicates/find` searches; before the first search, a workspace of at most 500 contacts is
/// compared on the spot.
#[utoipa::path(
    tag = "duplicates",
    operation_id = "list_duplicates",
    params(DuplicateFilter, PageQuery),
    responses((status = 200, description = "A page of pairs", body = Page<DuplicateView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/duplicates")]
pub(crate) async fn list_duplicates(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<DuplicateFilter>,
    page: Query<PageQuery>,
) -> Result<Page<DuplicateView>, Problem> {
    let DuplicateFilter { contact_id, min_score } = filter.into_inner();
    let list = format!("duplicates/{contact_id:?} {min_score:?}");
    let after: Option<(f64, Uuid, Uuid)> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let limited = i64::try_from(limit).unwrap_or(0) + 1;
            let filter = PairFilter { contact: contact_id, min_score, after, limit: limited };
            let mut found = duplicates::list(tenant, ctx, &filter)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|found| &found.pair);
            let next_cursor = last
                .map(|pair| encode_cursor(&list, &(pair.score, pair.contact_id, pair.other_id)))
                .transpose()?;
            let data = found.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
            Ok(Page { data, next_cursor })
        })
        .await
}
