//! The row report (IMP-16).

use actix_web::get;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::imports::report::{self, ReportFilter, ReportRow};

use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which rows are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RowsQuery {
    /// Planned or final outcome: `create`, `created`, `update`, `updated`, `unchanged`, `restore`, `restored`, `skip`, `skipped`, `invalid`, `merged_in_file`.
    #[param(inline, example = "invalid")]
    pub outcome: Option<OutcomeWord>,
    /// Class: `none`, `one`, `many`, `in_trash`.
    #[param(inline)]
    pub class: Option<ClassWord>,
    /// Only rows with something to report.
    #[serde(default)]
    pub problems: bool,
}

/// What is planned for a row, or became of it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportRowOutcome)]
pub enum OutcomeWord {
    /// Planned: a new contact.
    Create,
    /// A new contact.
    Created,
    /// Planned: an update.
    Update,
    /// A contact changed.
    Updated,
    /// There was nothing to change.
    Unchanged,
    /// Planned: out of the trash.
    Restore,
    /// Out of the trash.
    Restored,
    /// Planned: left out.
    Skip,
    /// Left out.
    Skipped,
    /// Cannot become a contact.
    Invalid,
    /// Folded into another row.
    MergedInFile,
}

/// What a row found in the base.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportRowClass)]
pub enum ClassWord {
    /// Nobody.
    None,
    /// One living contact.
    One,
    /// Several living contacts.
    Many,
    /// Only contacts in the trash.
    InTrash,
}

fn word<T: Serialize>(value: T) -> Option<String> {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned))
}

/// A row of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRow)]
pub struct RowView {
    /// Number of the data row, from 1.
    #[schema(example = 17)]
    pub row: i64,
    /// Line of the file it begins on, from 1.
    #[schema(example = 18)]
    pub line: i64,
    /// What it found in the base.
    #[schema(example = "none")]
    pub class: Option<String>,
    /// What is planned for it, or became of it.
    #[schema(example = "invalid")]
    pub outcome: String,
    /// The contact it made or matched.
    pub contact_id: Option<Uuid>,
    /// The row it was folded into.
    pub merged_into: Option<i64>,
    /// What is wrong with it.
    #[schema(value_type = Vec<RowProblemView>)]
    pub problems: Value,
}

/// What is wrong with a cell, or with the row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRowProblem)]
pub struct RowProblemView {
    /// Column, from 0; none when it is about the whole row.
    #[schema(example = 2)]
    pub column: Option<u32>,
    /// Target of the column.
    #[schema(example = "email")]
    pub field: Option<String>,
    /// Which.
    #[schema(example = "invalid_email")]
    pub code: String,
    /// In words.
    #[schema(example = "an address has an @")]
    pub detail: String,
    /// The cell, cut to 200 characters.
    #[schema(example = "jana.example.cz")]
    pub value: Option<String>,
}

impl From<ReportRow> for RowView {
    fn from(row: ReportRow) -> Self {
        let ReportRow { number, line, class, outcome, contact_id, merged_into, problems } = row;
        let problems = problems.unwrap_or_else(|| Value::Array(Vec::new()));
        Self { row: number, line, class, outcome, contact_id, merged_into, problems }
    }
}

/// The rows of an import
///
/// In the order of the file: what is planned for each, and after the commit what became of it.
#[utoipa::path(
    tag = "imports",
    operation_id = "list_import_rows",
    params(("id" = Uuid, Path, description = "The import"), RowsQuery, PageQuery),
    responses((status = 200, description = "A page of rows", body = Page<RowView>),
        (status = 409, description = "There is no plan yet", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")),
    security(("bearer" = ["imports:read"])),
)]
#[get("/imports/{id}/rows")]
pub(crate) async fn list_import_rows(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    id: Path<Uuid>,
    query: Query<RowsQuery>,
    page: Query<PageQuery>,
) -> Result<Page<RowView>, Problem> {
    let id = *id;
    let list = format!("import_rows/{id}");
    let after: Option<i64> = page.after(&list)?;
    let limit = usize::from(page.limit);
    let query = query.into_inner();
    state
        .read(&caller, move |tenant, _ctx| {
            let filter = ReportFilter {
                outcome: query.outcome.and_then(word),
                class: query.class.and_then(word),
                with_problems: query.problems,
                after: after.unwrap_or(0),
                limit: i64::try_from(limit).unwrap_or(0) + 1,
            };
            let mut rows = report::rows(tenant, id.into(), &filter)?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            let last = rows.last().filter(|_| more);
            let next_cursor = last.map(|row| encode_cursor(&list, &row.number)).transpose()?;
            Ok(Page { data: rows.into_iter().map(Into::into).collect(), next_cursor })
        })
        .await
}
