//! Saying what the first row is (IMP-4).

use actix_web::put;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::steps;

use super::ImportView;
use crate::extract::{Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// What the first row is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HeaderBody {
    /// Names of columns, or already a contact.
    pub first_row: FirstRowWord,
}

/// What the first row of a list is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportFirstRow)]
pub enum FirstRowWord {
    /// Names of columns.
    Header,
    /// Already a contact.
    Data,
}

impl FirstRowWord {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Data => "data",
        }
    }
}

/// Say what the first row is
///
/// The API proposes (`source.header_guess`) but does not decide. The answer shows each column with samples and
/// a suggested target.
#[utoipa::path(
    tag = "imports",
    operation_id = "put_import_header",
    params(("id" = Uuid, Path, description = "The import")),
    request_body = HeaderBody,
    responses((status = 200, description = "The import, with its columns", body = ImportView)),
    security(("bearer" = ["imports:write"])),
)]
#[put("/imports/{id}/header")]
pub(crate) async fn put_import_header(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    body: ValidJson<HeaderBody>,
) -> Result<Done<ImportView>, Problem> {
    let id = *id;
    state
        .write(&caller, move |tenant, ctx| {
            let import = steps::header(tenant, ctx, id.into(), body.value.first_row.as_str())?;
            Ok(Done(ImportView::load(tenant, import)?))
        })
        .await
}
