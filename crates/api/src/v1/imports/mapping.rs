//! Mapping the columns (IMP-5, IMP-12).

use actix_web::put;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::steps::{self, MappingRequest};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::date::DateFormat;
use kartoteka_domain::contacts::name::NameOrder;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::imports::mapping::{ColumnMapping, Policy};

use super::ImportView;
use crate::extract::{Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// What becomes of the columns.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportMapping, example = json!({"columns": [{"index": 0, "target": "email"}, {"index": 3, "target": "detail:rozmiar_buta"}, {"index": 4, "target": null}], "phone_region": "CZ"}))]
pub struct MappingBody {
    /// The columns, or `"auto"` for the suggestions. A column that is not named is left out.
    pub columns: MappingColumnsBody,
    /// Region of national phone numbers (ISO 3166-1). When not given: the country of the row where one is mapped,
    /// else what the numbers of the file plainly say, else the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 2, max_length = 2, example = "CZ")]
    pub phone_region: Option<String>,
    /// How dates are written: `auto`, `YYYY-MM-DD`, `DD.MM.YYYY`, `MM/DD/YYYY` …; found out from the values when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20, example = "DD.MM.YYYY")]
    pub date_format: Option<String>,
    /// Order of the parts of `full_name`; found out from the headers and values when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_order: Option<NameOrderWord>,
    /// A value that cannot be read makes its row invalid. Otherwise the value is left out and reported.
    #[serde(default)]
    pub strict: bool,
}

/// The columns of a mapping.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ImportMappingColumns)]
pub enum MappingColumnsBody {
    /// Take the suggestions.
    Auto(AutoWord),
    /// Each column.
    Columns(Vec<MappingColumnBody>),
}

/// `auto`
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportMappingAuto)]
pub enum AutoWord {
    /// Take the suggestions.
    Auto,
}

/// What becomes of one column.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportMappingColumn)]
pub struct MappingColumnBody {
    /// Position, from 0.
    #[schema(minimum = 0, maximum = 999, example = 0)]
    pub index: u32,
    /// A field of a contact (`email`, `address.city` …), `full_name`, `tags`, `unsubscribed`, `consent:PURPOSE`, `detail:NAME`; `null` leaves the column out.
    #[schema(max_length = 200, example = "email")]
    pub target: Option<String>,
    /// What it does to a value that is there.
    #[serde(default)]
    pub policy: PolicyWord,
    /// An empty cell clears the value that is there.
    #[serde(default)]
    pub clear_empty: bool,
}

/// What an imported value does to a value that is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportPolicy)]
pub enum PolicyWord {
    /// Takes its place.
    #[default]
    Overwrite,
    /// Only fills a gap.
    FillEmpty,
    /// Nothing: for new contacts only.
    Keep,
}

/// Order of the parts of a full name.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NameOrder)]
pub enum NameOrderWord {
    /// Jana Nováková.
    FirstLast,
    /// Nováková Jana.
    LastFirst,
}

impl MappingBody {
    /// The request as the use case takes it, with all values that are none of those known as faults. `at`
    /// is where the mapping stands in the request.
    #[must_use]
    pub fn into_request(self, at: &str) -> MappingRequest {
        let mut faults = Vec::new();
        let phone_region = self.phone_region.as_deref().and_then(|word| {
            let region = Region::parse(word);
            if region.is_err() {
                let detail = "a region is a two-letter country code such as CZ";
                faults.push(Fault::new(format!("{at}/phone_region"), Code::InvalidCountry, detail));
            }
            region.ok()
        });
        let date_format = self.date_format.as_deref().and_then(|word| {
            let format = word.parse::<DateFormat>();
            if format.is_err() {
                let known: Vec<&str> =
                    DateFormat::ALL.iter().map(|format| format.as_str()).collect();
                faults.push(steps::word_fault(
                    &format!("{at}/date_format"),
                    Code::InvalidValue,
                    &known,
                ));
            }
            format.ok()
        });
        let columns = match self.columns {
            MappingColumnsBody::Auto(AutoWord::Auto) => None,
            MappingColumnsBody::Columns(columns) => Some(read_columns(columns, at, &mut faults)),
        };
        let name_order = self.name_order.map(|order| match order {
            NameOrderWord::FirstLast => NameOrder::FirstLast,
            NameOrderWord::LastFirst => NameOrder::LastFirst,
        });
        MappingRequest {
            columns,
            phone_region,
            date_format,
            name_order,
            strict: self.strict,
            at: at.to_owned(),
            faults,
        }
    }
}

fn read_columns(
    columns: Vec<MappingColumnBody>,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Vec<ColumnMapping> {
    let mut read = Vec::with_capacity(columns.len());
    for (position, column) in columns.into_iter().enumerate() {
        let target = column.target.as_deref().map(str::parse);
        if matches!(target, Some(Err(_))) {
            let pointer = format!("{at}/columns/{position}/target");
            let detail = "known are the fields of a contact, full_name, tags, unsubscribed, consent:PURPOSE and detail:NAME";
            faults.push(Fault::new(pointer, Code::UnknownTarget, detail));
        }
        read.push(ColumnMapping {
            index: usize::try_from(column.index).unwrap_or(usize::MAX),
            target: target.and_then(Result::ok),
            policy: match column.policy {
                PolicyWord::Overwrite => Policy::Overwrite,
                PolicyWord::FillEmpty => Policy::FillEmpty,
                PolicyWord::Keep => Policy::Keep,
            },
            clear_empty: column.clear_empty,
        });
    }
    read
}

/// Map the columns
///
/// Setting it again takes the import back to the matching.
#[utoipa::path(
    tag = "imports",
    operation_id = "put_import_mapping",
    params(("id" = Uuid, Path, description = "The import")),
    request_body = MappingBody,
    responses((status = 200, description = "The import", body = ImportView)),
    security(("bearer" = ["imports:write"])),
)]
#[put("/imports/{id}/mapping")]
pub(crate) async fn put_import_mapping(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    body: ValidJson<MappingBody>,
) -> Result<Done<ImportView>, Problem> {
    let id = *id;
    let request = body.value.into_request("#");
    state
        .write(&caller, move |tenant, ctx| {
            let import = steps::mapping(tenant, ctx, id.into(), request)?;
            Ok(Done(ImportView::load(tenant, import)?))
        })
        .await
}
