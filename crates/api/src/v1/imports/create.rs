//! Making an import.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::imports::steps;

use super::ImportView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new import.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewImport {
    /// Its name; a sensible one is made when it is not given.
    #[schema(min_length = 1, max_length = 200, example = "Spring fair")]
    pub name: Option<String>,
    /// How the data comes.
    #[serde(default)]
    pub method: Method,
}

/// How the data of an import comes. Both become the same bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportMethod)]
pub enum Method {
    /// A file.
    #[default]
    File,
    /// Text somebody pasted.
    Paste,
}

/// Make an import
///
/// The first step: then send the data, say what the first row is, map the columns, choose the matching, look
/// at the plan and commit it. Nothing is written to contacts before the commit.
#[utoipa::path(
    tag = "imports",
    operation_id = "create_import",
    params(IdempotencyKey),
    request_body = NewImport,
    responses((status = 201, description = "The import", body = ImportView)),
    security(("bearer" = ["imports:write"])),
)]
#[post("/imports")]
pub(crate) async fn create_import(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewImport>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let method = match value.method {
                Method::File => "file",
                Method::Paste => "paste",
            };
            let name =
                value.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
            let import = steps::create(tenant, ctx, name, method)?;
            let location = format!("/api/v1/imports/{}", import.id);
            Ok(Created { location, body: ImportView::new(import, None)? })
        })
        .await
}
