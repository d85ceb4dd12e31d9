//! `errors.csv`, streamed.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use uuid::Uuid;

use kartoteka_app::imports::{self, errors_csv::ErrorsCsv, plan};
use kartoteka_domain::codes::Code;

use crate::extract::body::patience;
use crate::extract::{Caller, Path, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;

/// The report while it is sent. Each block takes its turn at the database when the client has room for it:
/// a client that reads slowly, or not at all, keeps neither a turn nor a thread.
struct Download {
    state: State,
    caller: Caller,
    report: Arc<Mutex<ErrorsCsv>>,
    sent: u64,
    /// When the last block was handed over, and how long the client let us wait in all.
    handed: Instant,
    waited: Duration,
}

impl Download {
    /// The next bytes; `None` at the end.
    async fn block(&mut self) -> Result<Option<Bytes>, Problem> {
        let began = Instant::now();
        let most = self.state.settings().body_timeout;
        loop {
            let report = Arc::clone(&self.report);
            let read = self.state.run(&self.caller, move |db, _ctx| {
                let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                // a block that was begun and failed is lost; only one that got no turn may be asked for again
                Ok(report.next_block(db).map_err(Problem::from))
            });
            match read.await {
                Ok(Ok(Some(bytes))) if bytes.is_empty() => {}
                Ok(block) => return Ok(block?.map(Bytes::from)),
                // others are first: half a report is worth waiting for
                Err(problem) if problem.code() == Code::DatabaseBusy && began.elapsed() < most => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    async fn next(mut self) -> Option<(io::Result<Bytes>, Option<Self>)> {
        self.waited += self.handed.elapsed();
        if self.waited > patience(self.state.settings().body_timeout, self.sent) {
            tracing::info!("a client reads a report too slowly");
            return Some((Err(io::ErrorKind::TimedOut.into()), None));
        }
        match self.block().await {
            Ok(None) => None,
            Ok(Some(bytes)) => {
                self.sent += bytes.len() as u64;
                self.handed = Instant::now();
                Some((Ok(bytes), Some(self)))
            }
            Err(problem) => {
                tracing::warn!(code = %problem.code(), "a report of rows broke off");
                Some((Err(io::ErrorKind::Other.into()), None))
            }
        }
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
    let workspace = caller.workspace;
    let report =
        state.run(&caller, move |db, _ctx| Ok(ErrorsCsv::open(db, workspace, &import)?)).await?;
    let download = Download {
        state,
        caller: (*caller).clone(),
        report: Arc::new(Mutex::new(report)),
        sent: 0,
        handed: Instant::now(),
        waited: Duration::ZERO,
    };
    let mark = Ok(Bytes::from_static("\u{feff}".as_bytes()));
    let blocks = unfold(Some(download), |download| async move { download?.next().await });
    let blocks = futures_util::stream::once(std::future::ready(mark)).chain(blocks);
    Ok(HttpResponse::Ok()
        .insert_header(("Content-Type", "text/csv; charset=utf-8"))
        .insert_header(("Content-Disposition", "attachment; filename=\"errors.csv\""))
        .streaming(blocks))
}
