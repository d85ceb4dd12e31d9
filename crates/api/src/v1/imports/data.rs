//! Sending the data of an import.

use actix_web::{HttpRequest, put};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::imports::receive::{self, Said};
use kartoteka_domain::codes::Code;

use super::ImportView;
use super::upload::{Form, Upload, discard, essence, filename, is_form};
use crate::extract::{Chunks, Path, Query, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// What the sender knows of the file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DataQuery {
    /// Encoding, against what is detected: `utf-8`, `utf-16le`, `utf-16be`, `windows-1250`, `iso-8859-2`, `cp852`.
    #[param(max_length = 40, example = "windows-1250")]
    pub encoding: Option<String>,
    /// Delimiter, against what is detected: `,` `;` `tab` `|`.
    #[param(max_length = 20, example = ";")]
    pub delimiter: Option<String>,
    /// Name of the file, when the body is the bare bytes.
    #[param(max_length = 200, example = "kontakty.csv")]
    pub filename: Option<String>,
}

/// Send the data
///
/// The bytes as they are (`text/csv`, `text/plain`, `application/octet-stream`), or `multipart/form-data` with the
/// field `file`. Encoding, delimiter, quotes, line ends and lines above the header are found out and shown under
/// `source`. Sending other data takes the import back to this step.
#[utoipa::path(
    tag = "imports",
    operation_id = "put_import_data",
    params(("id" = Uuid, Path, description = "The import"), DataQuery),
    request_body(content(
        (String = "text/csv", example = "Jméno;Příjmení;E-mail\r\nJana;Nováková;jana@example.cz\r\n"),
        (String = "text/plain"),
        (Vec<u8> = "application/octet-stream"),
        (super::run::FileForm = "multipart/form-data"),
    )),
    responses((status = 200, description = "The import, with its source", body = ImportView)),
    security(("bearer" = ["imports:write"])),
)]
#[put("/imports/{id}/data")]
pub(crate) async fn put_import_data(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    query: Query<DataQuery>,
    request: HttpRequest,
    chunks: Chunks,
) -> Result<Done<ImportView>, Problem> {
    let id = *id;
    let DataQuery { encoding, delimiter, filename } = query.into_inner();
    let said = Said { encoding, delimiter };
    said.overrides()?;
    state.write(&caller, move |tenant, _ctx| Ok(receive::check(tenant, id.into())?)).await?;
    let mut upload = Upload::new(&state, &caller, id);
    upload.receiver.set_filename(filename);
    if let Err(problem) = receive_body(&mut upload, &request, chunks).await {
        upload.discard().await;
        return Err(problem);
    }
    let receiver = upload.receiver;
    let received = receiver.upload;
    let finished = state
        .write(&caller, move |tenant, ctx| {
            let import = receive::finish(tenant, ctx, id.into(), receiver, &said)?;
            Ok(Done(ImportView::load(tenant, import)?))
        })
        .await;
    if finished.is_err() {
        discard(&state, &caller, id, received).await;
    }
    finished
}

/// Media types of a body that is the file itself.
const PLAIN: [&str; 6] = [
    "text/csv",
    "text/plain",
    "text/tab-separated-values",
    "application/octet-stream",
    "application/csv",
    "application/vnd.ms-excel",
];

async fn receive_body(
    upload: &mut Upload,
    request: &HttpRequest,
    mut chunks: Chunks,
) -> Result<(), Problem> {
    if is_form(request.headers()) {
        return receive_form(upload, Form::new(request.headers(), chunks)).await;
    }
    let kind = essence(request.headers());
    if !kind.as_deref().is_none_or(|kind| PLAIN.contains(&kind)) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send the file as text/csv, text/plain, application/octet-stream or multipart/form-data.",
        ));
    }
    while let Some(bytes) = chunks.next().await? {
        upload.take(&bytes).await?;
    }
    upload.end().await
}

async fn receive_form(upload: &mut Upload, mut form: Form) -> Result<(), Problem> {
    let mut found = false;
    while let Some(mut field) = form.next().await? {
        let wanted = field.name() == Some("file");
        if wanted && found {
            return Err(Problem::fault(
                "#/file",
                Code::TooMany,
                "The form has one field named file.",
            ));
        }
        if !wanted {
            let name = field.name().unwrap_or_default().to_owned();
            return Err(Problem::fault(
                format!("#/{name}"),
                Code::UnknownField,
                "The form has one field: file.",
            ));
        }
        found = true;
        upload.receiver.set_filename(filename(&field));
        while let Some(bytes) = field.next().await {
            let bytes = bytes.map_err(|error| form.problem(&error))?;
            upload.take(&bytes).await?;
        }
    }
    if !found {
        return Err(Problem::fault(
            "#/file",
            Code::MissingField,
            "The form needs a field named file.",
        ));
    }
    upload.end().await
}
