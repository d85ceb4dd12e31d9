//! `errors.csv`, streamed.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use futures_util::StreamExt;
use uuid::Uuid;

use kartoteka_app::imports::{self, errors_csv::ErrorsCsv, plan};
use kartoteka_app::{Db, Error};

use crate::download::{self, Blocks};
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;

impl Blocks for ErrorsCsv {
    fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error> {
        Self::next_block(self, db)
    }
}

/// Rows with something to report, as CSV
///
/// The original columns and one more, `import_problem`, with outcome and reason; UTF-8 with a byte order mark and
/// the delimiter of the file. Mended, it can be imported again. Cells a spreadsheet would take for a formula begin
/// with an apostrophe, which an import takes off again where it is needed.
#[utoipa::path(
    tag = "imports",
    operation_id = "get_import_errors",
    params(("id" = Uuid, Path, description = "The import")),
    responses((status = 200, description = "The rows", body = String, content_type = "text/csv",
        example = "E-mail;import_problem\r\njana.example.cz;invalid: email: an address has an @ (invalid_email)\r\n"),
        (status = 409, description = "There is no plan yet (`step_out_of_order`), or the file was removed (`import_data_gone`)", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")),
    security(("bearer" = ["imports:read"])),
)]
#[get("/imports/{id}/errors.csv")]
pub(crate) async fn get_import_errors(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let id = *id;
    let import = state
        .read(&caller, move |tenant, _ctx| {
            let import = imports::get(tenant, id.into())?;
            plan::plan_of(&import)?;
            Ok(import)
        })
        .await?;
    let workspace = caller.workspace;
    let report =
        state.run(&caller, move |db, _ctx| Ok(ErrorsCsv::open(db, workspace, &import)?)).await?;
    let blocks = download::stream(state, (*caller).clone(), report);
    let mark = Ok(Bytes::from_static("\u{feff}".as_bytes()));
    let blocks = futures_util::stream::once(std::future::ready(mark)).chain(blocks);
    Ok(HttpResponse::Ok()
        .insert_header(("Content-Type", "text/csv; charset=utf-8"))
        .insert_header(("Content-Disposition", "attachment; filename=\"errors.csv\""))
        .streaming(blocks))
}
