//! `POST /activities/query`: activities about the contacts a selection means (SEG-6).

use actix_web::post;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::activities::{self, Filter};
use kartoteka_domain::activities::Kind;

use super::list::answer;
use super::{ActivityType, ActivityView};
use crate::extract::{Scoped, scope};
use crate::page::{DEFAULT_LIMIT, Page};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::segments::{SelectionSchema, WithSelection};

/// Which activities, how many at once.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "selection": {"where": {"field": "tag", "op": "has", "value": "vip"}}, "type": "call", "limit": 50
}))]
pub struct QueryActivities {
    /// About whom: contacts that are not in the trash. All activities when it is missing.
    #[schema(value_type = Option<SelectionSchema>)]
    pub selection: Option<Value>,
    /// Words that all occur in subject or result, as any part; case and diacritics do not matter.
    #[schema(max_length = 200)]
    pub q: Option<String>,
    /// What kind of thing it is.
    pub(crate) r#type: Option<ActivityType>,
    /// Only from this instant on (RFC 3339).
    pub after: Option<DateTime<Utc>>,
    /// Only before this instant (RFC 3339).
    pub before: Option<DateTime<Utc>>,
    /// Only by this person or integration.
    pub author_id: Option<Uuid>,
    /// Only with this result.
    #[schema(max_length = 200)]
    pub result: Option<String>,
    /// Only those that are done, or only those that are not.
    pub done: Option<bool>,
    /// Only about this company.
    pub company_id: Option<Uuid>,
    /// Only about this opportunity.
    pub opportunity_id: Option<Uuid>,
    /// Only about this project.
    pub project_id: Option<Uuid>,
    /// Most entries of the page; 50 when absent.
    #[schema(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    /// Where to go on: `next_cursor` of the page before, with the same conditions.
    #[schema(max_length = 4096)]
    pub cursor: Option<String>,
}

/// List the activities of a selection
///
/// By type, time, author, result and the contacts they are about; the newest first. It changes nothing, so it
/// takes no `Idempotency-Key`.
#[utoipa::path(
    tag = "activities",
    operation_id = "query_activities",
    request_body = QueryActivities,
    responses((status = 200, description = "A page of activities", body = Page<ActivityView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[post("/activities/query")]
pub(crate) async fn query_activities(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    body: WithSelection<QueryActivities>,
) -> Result<Page<ActivityView>, Problem> {
    let terms = |query: &QueryActivities, filter: &mut Filter| {
        activities::search_for(filter, query.q.as_deref(), "#/q").map_err(Problem::from)
    };
    state
        .read(&caller, move |tenant, ctx| {
            let faults = |query: &QueryActivities| {
                let read = terms(query, &mut Filter::default());
                read.err().map(|problem| problem.faults().to_vec()).unwrap_or_default()
            };
            let (query, selection) = body.resolve(tenant, faults)?;
            let mut filter = Filter {
                terms: Vec::new(),
                kind: query.r#type.map(Kind::from),
                after: query.after,
                before: query.before,
                author_id: query.author_id,
                result: query.result.clone(),
                done: query.done,
                contact_id: None,
                company_id: query.company_id,
                opportunity_id: query.opportunity_id,
                project_id: query.project_id,
                selection: None,
            };
            terms(&query, &mut filter)?;
            // no selection asks nothing of contacts: activities without any are meant too
            filter.selection = (!selection.is_everything()).then_some((selection, ctx.now));
            let limit = usize::from(query.limit.unwrap_or(DEFAULT_LIMIT));
            answer(tenant, &filter, false, (query.cursor.as_deref(), "#/cursor"), limit)
        })
        .await
}
