//! The HTTP API: requests, tokens, OpenAPI, problems.
//!
//! # Adding an operation
//!
//! One verb, one file: `v1/<noun>/<verb>.rs`, read from top to bottom: request, answer, documentation,
//! handler. The noun's `mod.rs` has a `configure` with one `.service(handler)` each (never `.route(…)`: those
//! are not collected into the document), and `v1/mod.rs` one line for the noun.
//!
//! ```
//! use actix_web::{get, patch, post};
//! use kartoteka_api::extract::{
//!     IdempotencyKey, IfMatch, Path, Query, Scoped, ValidJson, nullable, scope,
//! };
//! use kartoteka_api::page::{Page, PageQuery, encode_cursor};
//! use kartoteka_api::problem::Problem;
//! use kartoteka_api::reply::{Created, Done, Reply};
//! use kartoteka_api::state::State;
//! use serde::{Deserialize, Serialize};
//! use utoipa::ToSchema;
//! use uuid::Uuid;
//!
//! /// What a new widget needs. (Shown in the document: every public field has a comment.)
//! #[derive(Debug, Deserialize, ToSchema)]
//! pub(crate) struct NewWidget {
//!     /// Its name.
//!     #[schema(min_length = 1, max_length = 100, example = "Left-handed")]
//!     pub name: String,
//! }
//!
//! /// A widget.
//! #[derive(Debug, Serialize, ToSchema)]
//! pub(crate) struct Widget {
//!     /// Its id.
//!     pub id: Uuid,
//!     /// Its name.
//!     #[schema(example = "Left-handed")]
//!     pub name: String,
//! }
//!
//! /// Make a widget                 (first line: the summary)
//! ///
//! /// What there is to know about it (the rest: the description).
//! #[utoipa::path(
//!     tag = "widgets",
//!     operation_id = "create_widget",                 // verb_noun, unique
//!     params(IdempotencyKey),
//!     request_body = NewWidget,
//!     responses((status = 201, description = "The widget", body = Widget)),
//!     security(("bearer" = ["contacts:write"])),      // the same scope as in `Scoped`
//! )]
//! #[post("/widgets")]
//! pub(crate) async fn create_widget(
//!     state: State,
//!     caller: Scoped<scope::ContactsWrite>,           // no proof, no workspace
//!     key: IdempotencyKey,
//!     body: ValidJson<NewWidget>,                     // all faults at once, or a request that fits its schema
//! ) -> Result<Reply, Problem> {
//!     let ValidJson { value, fingerprint } = body;
//!     state
//!         .post(&caller, &key, fingerprint, move |_tenant, ctx| {
//!             // let widget = app::widgets::create(tenant, ctx, &value)?;   `?` turns app::Error into Problem
//!             let widget = Widget { id: ctx.new_id(), name: value.name };
//!             Ok(Created { location: format!("/api/v1/widgets/{}", widget.id), body: widget })
//!         })
//!         .await
//! }
//!
//! /// List widgets
//! #[utoipa::path(tag = "widgets", operation_id = "list_widgets", params(PageQuery),
//!     responses((status = 200, description = "A page of widgets", body = Page<Widget>)),
//!     security(("bearer" = ["contacts:read"])))]
//! #[get("/widgets")]
//! pub(crate) async fn list_widgets(
//!     state: State,
//!     caller: Scoped<scope::ContactsRead>,
//!     page: Query<PageQuery>,                         // a `Query<WidgetFilter>` may stand beside it
//! ) -> Result<Page<Widget>, Problem> {
//!     let after: Option<Uuid> = page.after("widgets")?;
//!     let limit = page.limit;
//!     state
//!         .read(&caller, move |_tenant, _ctx| {
//!             let _ = (after, limit);                  // app::widgets::list(tenant, after, limit)?
//!             let data: Vec<Widget> = Vec::new();
//!             let next_cursor = data.last().map(|w| encode_cursor("widgets", &w.id)).transpose()?;
//!             Ok(Page { data, next_cursor })
//!         })
//!         .await
//! }
//!
//! /// Changes of a widget: a merge patch (RFC 7396).
//! #[derive(Debug, Deserialize, ToSchema)]
//! pub(crate) struct WidgetPatch {
//!     /// Its note; `null` clears it.
//!     #[serde(default, deserialize_with = "nullable")]
//!     #[schema(value_type = Option<String>)]
//!     pub note: Option<Option<String>>,
//! }
//!
//! /// Change a widget
//! #[utoipa::path(tag = "widgets", operation_id = "patch_widget",
//!     params(("id" = Uuid, Path, description = "The widget"), IfMatch), request_body = WidgetPatch,
//!     responses((status = 200, description = "The widget", body = Widget)),
//!     security(("bearer" = ["contacts:write"])))]
//! #[patch("/widgets/{id}")]
//! pub(crate) async fn patch_widget(
//!     state: State,
//!     caller: Scoped<scope::ContactsWrite>,
//!     id: Path<Uuid>,                                 // not a UUID: 404
//!     if_match: IfMatch,
//!     body: ValidJson<WidgetPatch>,
//! ) -> Result<Done<Widget>, Problem> {
//!     state
//!         .write(&caller, move |_tenant, _ctx| {
//!             let widget = Widget { id: *id, name: String::new() };  // app::widgets::get_for_update(…)?
//!             if_match.check(&widget)?;                // 412, against exactly what GET answers
//!             let _ = body.value.note;
//!             Ok(Done(widget))
//!         })
//!         .await
//! }
//! ```
//!
//! Added to every operation without being written: the shared problems (400…507, from what it takes), the
//! OAuth 2 flows, closed request schemas, examples put together from the fields' own. `PUT` and `DELETE` are
//! as `PATCH`; a `DELETE` answers [`reply::NoContent`]. Long work answers [`reply::Accepted`]. Work in several
//! transactions goes through [`state::AppState::run`]. Uploads are read with [`extract::Chunks`]. A stream of
//! events sets `Content-Encoding: identity`, else compression holds the events back.

#![expect(unused_qualifications, reason = "utoipa's macros qualify the types of parameters")]

mod connections;
mod download;
pub mod extract;
mod gate;
pub mod links;
pub mod middleware;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod reply;
mod server;
pub mod service;
pub mod settings;
pub mod state;
mod subjects;
pub mod tokens;
pub mod v1;

pub use server::{routes, serve, serve_metrics};
pub use settings::{ForeignIssuer, ForeignKeys, MetricsAccess, Settings};
pub use state::{AppState, RenderMetrics};
pub use tokens::KeyRing;
