//! `errors.csv`, streamed.

use std::io::{self, Write};

use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, rt};
use futures_util::stream::unfold;
use tokio::sync::mpsc::{Sender, channel};
use uuid::Uuid;

use kartoteka_app::imports::{self, errors_csv, plan};

use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;

/// Bytes gathered before they are sent.
const BLOCK_BYTES: usize = 64 << 10;

/// Sends what is written to it; stops the writer when the client has gone.
struct Pipe {
    to: Sender<Bytes>,
    block: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = Bytes::from(std::mem::take(&mut self.block));
        self.to.blocking_send(block).map_err(|_gone| io::ErrorKind::BrokenPipe.into())
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
        (status = 409, description = "There is no plan yet", body = crate::problem::ProblemBody,
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
    let (to, from) = channel::<Bytes>(4);
    let workspace = caller.workspace;
    let writer = state.clone();
    let asking = (*caller).clone();
    rt::spawn(async move {
        let written = writer
            .run(&asking, move |db, _ctx| {
                let mut pipe = Pipe { to, block: Vec::with_capacity(BLOCK_BYTES * 2) };
                errors_csv::write(db, workspace, &import, &mut pipe)?;
                pipe.flush().map_err(Problem::internal)
            })
            .await;
        if written.is_err() {
            tracing::warn!("a report of rows broke off");
        }
    });
    let blocks = unfold(from, |mut from| async move {
        from.recv().await.map(|block| (Ok::<_, io::Error>(block), from))
    });
    Ok(HttpResponse::Ok()
        .insert_header(("Content-Type", "text/csv; charset=utf-8"))
        .insert_header(("Content-Disposition", "attachment; filename=\"errors.csv\""))
        .streaming(blocks))
}
