//! `GET /documents/{id}/content`: the bytes, streamed.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::documents;
use kartoteka_app::documents::content::{self, Content, Delimiter};
use kartoteka_app::{Db, Error};
use kartoteka_domain::documents::Kind;
use kartoteka_domain::ids::DocumentId;

use crate::download::{self, Blocks, attachment};
use crate::extract::{Path, Query, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{if_none_match, none_match};
use crate::state::State;

impl Blocks for Content {
    fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error> {
        Self::next_block(self, db)
    }
}

/// What stands between two cells of a row.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DelimiterWord {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
}

/// How the content is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContentQuery {
    /// Of a table, what stands between two cells: `comma` when absent, or `semicolon`, which spreadsheets expect where the
    /// comma is the decimal point, as in Czechia and Poland.
    #[param(inline)]
    delimiter: Option<DelimiterWord>,
}

/// Download a document
///
/// Of links: CSV (RFC 4180) in UTF-8 with a byte order mark, with the columns `contact_id`, `email`, `first_name`,
/// `last_name`, `link`. It is written while it is sent, from the contacts as they are now: those purged or in the trash
/// have no line, one that was merged stands there as its winner, once. Cells a spreadsheet would take for a formula begin
/// with an apostrophe, and so does what would be one if the spreadsheet split the lines at another sign. The parameter `ktrk` of each link leads back to its contact with `GET /tracking/{parameter}`. The
/// audit trail keeps that it was taken.
#[utoipa::path(
    tag = "documents",
    operation_id = "get_document_content",
    params(("id" = Uuid, Path, description = "The document"), ContentQuery),
    responses(
        (status = 200, description = "The content", body = String, content_type = "text/csv",
            headers(("Content-Disposition" = String, description = "`attachment` with the name of the document"),
                ("ETag" = String, description = "A weak one: another one as soon as a contact in it has changed")),
            example = "contact_id,email,first_name,last_name,link\r\n0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10,jana@example.cz,Jana,Nováková,https://shop.example/sale?ktrk=q1wAnwJkyF8wEr1DUcLpW1y1f1kR1q5bI4mZ3zXh2oU\r\n"),
        (status = 304, description = "Nothing in it has changed (`If-None-Match`)"),
    ),
    security(("bearer" = ["documents:read"])),
)]
#[get("/documents/{id}/content")]
pub(crate) async fn get_document_content(
    request: HttpRequest,
    state: State,
    caller: Scoped<scope::DocumentsRead>,
    id: Path<Uuid>,
    query: Query<ContentQuery>,
) -> Result<HttpResponse, Problem> {
    let delimiter = match query.delimiter {
        None | Some(DelimiterWord::Comma) => Delimiter::Comma,
        Some(DelimiterWord::Semicolon) => Delimiter::Semicolon,
    };
    let known: Vec<String> = if_none_match(&request).map(str::to_owned).collect();
    let (document, tag, changed) = state
        .write(&caller, move |tenant, ctx| {
            let document = documents::get(tenant, ctx, DocumentId(*id))?;
            let tag = format!("\"{}\"", content::tag(tenant, &document, delimiter)?);
            let changed = !none_match(known.iter().map(String::as_str), &tag);
            if changed {
                content::begin(tenant, ctx, &document)?;
            }
            Ok((document, tag, changed))
        })
        .await?;
    let tag = format!("W/{tag}");
    if !changed {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let media_type = Kind::from_word(&document.kind).unwrap_or(Kind::Links).media_type();
    let secret = &state.settings().secret;
    let content = Content::open(caller.workspace, &document, secret, delimiter)?;
    let blocks = download::stream(state, (*caller).clone(), content);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media_type))
        .insert_header((header::CONTENT_DISPOSITION, attachment(&document.name)))
        .insert_header((header::ETAG, tag))
        .insert_header((header::ACCEPT_RANGES, "none"))
        .streaming(blocks))
}
