//! The steps a person takes: making the import, the header answer, the mapping, the matching.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::date::{DateFormat, guess_date_format};
use kartoteka_domain::contacts::gender::f_is_a_man;
use kartoteka_domain::contacts::name::NameOrder;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::mapping::{ColumnMapping, Field, Mapping, Policy, Target};
use kartoteka_domain::imports::matching::Matching;
use kartoteka_domain::imports::state::{ImportState, Step};
use kartoteka_domain::imports::suggest::{Reason, name_order_hint, phone_region_hint, suggest};
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{Tenant, imports, workspaces};

use super::receive::StoredSource;
use super::work::Kind;
use super::{ImportRecord, at_step, back_to, enqueue, read_json, upload};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

/// Rows looked at for samples and suggestions.
const SAMPLE_ROWS: usize = 100;
/// Samples kept and shown per column.
const SHOWN_SAMPLES: usize = 5;
/// Longest sample shown, in characters.
const SAMPLE_CHARS: usize = 200;

/// A name for an import of which nothing is known but when it was made.
pub(super) fn proposed_name(made: DateTime<Utc>) -> String {
    format!("Import {}", made.format("%Y-%m-%d %H:%M"))
}

/// Makes an import. Without a name one is proposed (IMP-1).
///
/// # Errors
/// What the database said.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: Option<String>,
    method: &str,
) -> Result<ImportRecord, Error> {
    let name = name.unwrap_or_else(|| proposed_name(ctx.now));
    let import = ImportRecord {
        id: ctx.new_id(),
        name,
        method: method.to_owned(),
        state: ImportState::AwaitingData.as_str().to_owned(),
        actor_type: ctx.actor.kind().to_owned(),
        actor_id: ctx.actor.id(),
        upload_id: None,
        source: None,
        first_row: None,
        columns: None,
        mapping: None,
        matching: None,
        plan: None,
        plan_hash: None,
        plan_revision: None,
        rows: None,
        committed_at: None,
        id_salt: None,
        applied_row: 0,
        summary: None,
        reverted: None,
        problem: None,
        job_id: None,
        auto_commit: false,
        created_at: ctx.now,
        updated_at: ctx.now,
        finished_at: None,
    };
    imports::insert(tenant, &import)?;
    audit::record(tenant, ctx, "import.create", "import", Some(import.id), None)?;
    Ok(import)
}

/// A column of the file as the person sees it (IMP-5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Position, from 0.
    pub index: usize,
    /// Its name; none when the first row is data.
    pub header: Option<String>,
    /// Some values.
    pub samples: Vec<String>,
    /// What it seems to be.
    pub suggestion: Option<ColumnSuggestion>,
}

/// What a column seems to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSuggestion {
    /// A target.
    pub target: String,
    /// 0 to 1.
    pub confidence: f64,
    /// `header`, `values` or `export`.
    pub reason: String,
    /// The program whose export the file is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub export: Option<String>,
}

/// Takes the answer whether the first row is a header (IMP-4) and shows the columns (IMP-5).
///
/// # Errors
/// `step_out_of_order`; what the database said.
pub fn header(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    first_row: &str,
) -> Result<ImportRecord, Error> {
    let mut import = at_step(tenant, id, Step::Header)?;
    let source: StoredSource = read_json(import.source.as_ref(), "the source")?;
    let head = upload::head(tenant, &import)?;
    let (headers, cells) = source.sample(&head, first_row == "header", SAMPLE_ROWS);
    back_to(&mut import, ImportState::AwaitingMapping, ctx);
    import.first_row = Some(first_row.to_owned());
    import.columns = Some(json!(columns(headers.as_deref(), &cells, source.columns)));
    imports::save(tenant, &import)?;
    Ok(import)
}

fn columns(headers: Option<&[String]>, cells: &[Vec<String>], width: usize) -> Vec<Column> {
    let samples: Vec<Vec<String>> = (0..width)
        .map(|column| {
            let values = cells.iter().filter_map(|row| row.get(column));
            values.filter(|value| !value.trim().is_empty()).cloned().collect()
        })
        .collect();
    let suggestions = suggest(headers, &samples);
    samples
        .iter()
        .enumerate()
        .map(|(index, samples)| Column {
            index,
            header: headers.map(|names| names.get(index).cloned().unwrap_or_default()),
            samples: samples
                .iter()
                .take(SHOWN_SAMPLES)
                .map(|value| value.chars().take(SAMPLE_CHARS).collect())
                .collect(),
            suggestion: suggestions.get(index).and_then(Option::as_ref).map(|found| {
                ColumnSuggestion {
                    target: found.target.clone(),
                    confidence: found.confidence,
                    reason: match found.reason {
                        Reason::Header => "header",
                        Reason::Values => "values",
                        Reason::Export => "export",
                    }
                    .to_owned(),
                    export: found.export.map(str::to_owned),
                }
            }),
        })
        .collect()
}

/// What becomes of the columns, as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct MappingRequest {
    /// The columns; `None` takes the suggestions.
    pub columns: Option<Vec<ColumnMapping>>,
    /// Region of national phone numbers. When not given: the country of the row, else what the numbers
    /// plainly say, else the workspace's.
    pub phone_region: Option<Region>,
    /// How dates are written; found out from the samples when not given.
    pub date_format: Option<DateFormat>,
    /// Order of the parts of a full name; found out from the headers when not given.
    pub name_order: Option<NameOrder>,
    /// A value that cannot be read makes its row invalid.
    pub strict: bool,
    /// Where the mapping stands in the request: `#`, `#/options/mapping`.
    pub at: String,
    /// What is wrong with its words; told together with what the file and the workspace say.
    pub faults: Vec<Fault>,
}

/// Key and classes, as they were asked for.
#[derive(Clone, Debug)]
pub struct MatchingRequest {
    /// What could be read of it.
    pub matching: Matching,
    /// Where it stands in the request: `#`, `#/options/matching`.
    pub at: String,
    /// What is wrong with its words; told together with what the mapping and the workspace say.
    pub faults: Vec<Fault>,
}

/// The faults of the words and of their meaning, one for each place of the request.
fn all_faults(words: Vec<Fault>, meaning: Vec<Fault>, at: &str) -> Result<(), Error> {
    let mut faults = words;
    for mut fault in meaning {
        fault.pointer = fault.pointer.replacen('#', at, 1);
        // a word that could not be read says nothing about the rest of its place
        if !faults.iter().any(|known| known.pointer == fault.pointer) {
            faults.push(fault);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

/// Sets what becomes of each column.
///
/// # Errors
/// `step_out_of_order`; all faults of the mapping.
pub fn mapping(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    request: MappingRequest,
) -> Result<ImportRecord, Error> {
    let mut import = at_step(tenant, id, Step::Mapping)?;
    let known: Vec<Column> = read_json(import.columns.as_ref(), "the list of columns")?;
    let source: StoredSource = read_json(import.source.as_ref(), "the source")?;
    let head = upload::head(tenant, &import)?;
    let header = import.first_row.as_deref() == Some("header");
    let (_, cells) = source.sample(&head, header, SAMPLE_ROWS);
    let purposes = purpose_names(tenant)?;
    let columns = match request.columns {
        Some(columns) => columns,
        None => suggested(&known, &purposes),
    };
    let headers: Vec<String> = known.iter().filter_map(|column| column.header.clone()).collect();
    let samples = |target: Target| samples_of(&columns, &cells, &target);
    let name_order = || {
        let full_names: Vec<String> =
            samples(Target::FullName).into_iter().map(str::to_owned).collect();
        name_order_hint(&headers, &full_names).unwrap_or(NameOrder::FirstLast)
    };
    let date_format = || {
        let dates = samples(Target::Field(Field::BirthDate));
        guess_date_format(dates.into_iter()).unwrap_or_default()
    };
    let date_format = request.date_format.unwrap_or_else(date_format);
    let name_order = request.name_order.unwrap_or_else(name_order);
    let own = Region::parse(&workspaces::get(tenant)?.phone_region).ok();
    let by_row = columns.iter().any(|c| c.target == Some(Target::Field(Field::Country)));
    let hint = || {
        let phones = samples(Target::Field(Field::Phone));
        // a row that names its country says more than its neighbours do
        if by_row { None } else { phone_region_hint(phones.into_iter(), own) }
    };
    let phone_region = request.phone_region.or_else(hint);
    let f_is_a_man = f_is_a_man(samples(Target::Field(Field::Gender)).into_iter());
    let mapping = Mapping {
        columns,
        phone_region,
        date_format,
        name_order,
        f_is_a_man,
        strict: request.strict,
    };
    all_faults(request.faults, mapping.faults(known.len(), &purposes), &request.at)?;
    back_to(&mut import, ImportState::AwaitingMatching, ctx);
    import.mapping = Some(json!(mapping));
    imports::save(tenant, &import)?;
    Ok(import)
}

/// The suggestions as a mapping. One that names a purpose the workspace does not have is left out.
fn suggested(columns: &[Column], purposes: &[String]) -> Vec<ColumnMapping> {
    columns
        .iter()
        .map(|column| {
            let target = column.suggestion.as_ref().and_then(|found| found.target.parse().ok());
            let target = target.filter(|target| match target {
                Target::Consent(purpose) => purposes.contains(purpose),
                _ => true,
            });
            ColumnMapping {
                index: column.index,
                target,
                policy: Policy::default(),
                clear_empty: false,
            }
        })
        .collect()
}

/// Values of the column that goes to `target`, out of the first rows.
fn samples_of<'a>(
    columns: &[ColumnMapping],
    rows: &'a [Vec<String>],
    target: &Target,
) -> Vec<&'a str> {
    let Some(column) = columns.iter().find(|column| column.target.as_ref() == Some(target)) else {
        return Vec::new();
    };
    rows.iter().filter_map(|row| row.get(column.index)).map(String::as_str).collect()
}

pub(crate) fn purpose_names(tenant: &mut Tenant<'_>) -> Result<Vec<String>, Error> {
    Ok(imports::purposes::all(tenant)?.into_iter().map(|purpose| purpose.name).collect())
}

/// Chooses the key and what becomes of each class, and starts the plan (IMP-13).
///
/// # Errors
/// `step_out_of_order`; all faults of the matching.
pub fn matching(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    request: MatchingRequest,
) -> Result<(ImportRecord, Job), Error> {
    let mut import = at_step(tenant, id, Step::Matching)?;
    let mapping = super::mapping_of(&import)?;
    let MatchingRequest { matching, at, faults } = request;
    all_faults(faults, matching.faults(&mapping, &purpose_names(tenant)?), &at)?;
    let auto_commit = std::mem::take(&mut import.auto_commit);
    back_to(&mut import, ImportState::Planning, ctx);
    import.matching = Some(json!(matching));
    let kind = if auto_commit { Kind::Run } else { Kind::Plan };
    let job = enqueue(tenant, ctx, &mut import, kind)?;
    Ok((import, job))
}

/// A fault of a value the use cases read from a word.
#[must_use]
pub fn word_fault(pointer: &str, code: Code, known: &[&str]) -> Fault {
    Fault::new(pointer, code, format!("known are: {}", known.join(", ")))
}
