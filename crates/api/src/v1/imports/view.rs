//! An import as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::ImportRecord;
use kartoteka_app::imports::commit::Summary;
use kartoteka_app::imports::plan::Plan;
use kartoteka_app::imports::receive::StoredSource;
use kartoteka_app::imports::revert::RevertCounts;
use kartoteka_app::imports::steps::Column;
use kartoteka_app::jobs::{self, Job};
use kartoteka_app::{Error, Tenant};
use kartoteka_domain::imports::mapping::Mapping;
use kartoteka_domain::imports::matching::{Class, ClassPolicy, Matching};
use kartoteka_domain::imports::state::ImportState;

use crate::problem::Problem;
use crate::v1::jobs::{JobView, problem_document};

/// An import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub struct ImportView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "Import 2026-11-21 10:00")]
    pub name: String,
    /// `file` or `paste`.
    #[schema(example = "file")]
    pub method: String,
    /// Where it stands.
    #[schema(value_type = ImportStateWord, example = "awaiting_header")]
    pub state: String,
    /// What to call next: `data`, `header`, `mapping`, `matching`, `commit`; `wait` while a job works; `revert`
    /// once it has ended; `none` when there is nothing to undo (any more).
    #[schema(example = "header")]
    pub next: String,
    /// What the bytes are.
    pub source: Option<SourceView>,
    /// `header` or `data`.
    #[schema(example = "header")]
    pub first_row: Option<String>,
    /// The columns, with samples and suggestions.
    pub columns: Option<Vec<ColumnView>>,
    /// What becomes of each column, as it was set.
    #[schema(value_type = Option<Object>)]
    pub mapping: Option<Value>,
    /// The key and what becomes of each class, as it was set.
    #[schema(value_type = Option<Object>)]
    pub matching: Option<Value>,
    /// The plan.
    pub plan: Option<PlanView>,
    /// The job that works, or last worked, on it.
    pub job: Option<JobView>,
    /// What became of the rows.
    pub summary: Option<SummaryView>,
    /// What undo did.
    pub reverted: Option<RevertView>,
    /// Why it failed: a problem document.
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
    /// The contacts it touched: what to send to `POST /contacts/query`.
    #[schema(value_type = Option<Object>, example = json!({"selection": {"where": {"field": "import", "op": "eq", "value": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10"}}}))]
    pub contacts: Option<Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was committed.
    pub committed_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Where an import stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportState)]
pub enum ImportStateWord {
    /// No bytes yet.
    AwaitingData,
    /// Is the first row a header?
    AwaitingHeader,
    /// What becomes of each column?
    AwaitingMapping,
    /// What becomes of each class?
    AwaitingMatching,
    /// The plan is being made.
    Planning,
    /// The plan is there.
    AwaitingCommit,
    /// Contacts are being written.
    Running,
    /// All rows are written.
    Done,
    /// Gave up.
    Failed,
    /// Was stopped.
    Cancelled,
    /// Is being undone.
    Reverting,
    /// Is undone.
    Reverted,
}

/// What the bytes of an import are (detected, and as overridden).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportSource)]
pub struct SourceView {
    /// Name of the file.
    #[schema(example = "kontakty.csv")]
    pub filename: Option<String>,
    /// Length in bytes.
    #[schema(example = 1024)]
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// `utf-8`, `utf-16le`, `utf-16be`, `windows-1250`, `iso-8859-2`, `cp852`, `windows-1252`.
    #[schema(example = "windows-1250")]
    pub encoding: String,
    /// Whether a byte order mark stands in front.
    pub bom: bool,
    /// `,`, `;`, `tab` or `|`.
    #[schema(example = ";")]
    pub delimiter: String,
    /// `double` or `single`.
    #[schema(example = "double")]
    pub quote: String,
    /// `crlf`, `lf`, `cr` or `mixed`.
    #[schema(example = "crlf")]
    pub line_ending: String,
    /// Lines above the table that are no part of it.
    pub skip_lines: u64,
    /// Width of the table.
    #[schema(example = 4)]
    pub columns: usize,
    /// The first rows.
    pub preview: Vec<Vec<String>>,
    /// Whether the first row looks like a header.
    pub header_guess: bool,
}

impl From<StoredSource> for SourceView {
    fn from(source: StoredSource) -> Self {
        let StoredSource {
            filename,
            bytes,
            sha256,
            encoding,
            bom,
            dialect,
            columns,
            preview,
            header_guess,
        } = source;
        let quote = serde_json::to_value(dialect.quote).ok();
        Self {
            filename,
            bytes,
            sha256,
            encoding,
            bom,
            delimiter: dialect.delimiter.name().to_owned(),
            quote: quote.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default(),
            line_ending: dialect.line_ending.name().to_owned(),
            skip_lines: dialect.skip_lines,
            columns,
            preview,
            header_guess,
        }
    }
}

/// A column of the file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportColumn)]
pub struct ColumnView {
    /// Position, from 0.
    #[schema(example = 0)]
    pub index: usize,
    /// Its name; none when the first row is data.
    #[schema(example = "E-mail")]
    pub header: Option<String>,
    /// Some of its values.
    #[schema(example = json!(["jana@example.cz"]))]
    pub samples: Vec<String>,
    /// What it seems to be.
    pub suggestion: Option<SuggestionView>,
}

/// What a column seems to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportSuggestion)]
pub struct SuggestionView {
    /// A target for the mapping.
    #[schema(example = "email")]
    pub target: String,
    /// How sure it is, 0 to 1.
    #[schema(example = 0.98)]
    pub confidence: f64,
    /// `header`, `values` or `export`.
    #[schema(example = "header")]
    pub reason: String,
    /// The program whose export the file was recognised as.
    #[schema(example = "hubspot")]
    pub export: Option<String>,
}

impl From<Column> for ColumnView {
    fn from(column: Column) -> Self {
        let Column { index, header, samples, suggestion } = column;
        let suggestion = suggestion.map(|found| SuggestionView {
            target: found.target,
            confidence: found.confidence,
            reason: found.reason,
            export: found.export,
        });
        Self { index, header, samples, suggestion }
    }
}

/// What a commit will do, row by row counted.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ImportPlan)]
pub struct PlanView {
    /// Name of exactly this plan; the commit names it.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015")]
    pub hash: String,
    /// Rows that are not empty.
    #[schema(example = 3)]
    pub rows: i64,
    /// Rows that are.
    #[schema(example = 0)]
    pub empty: i64,
    /// Valid rows by what they find in the base, after rows with one key were folded together.
    pub classes: ClassesView,
    /// Rows by what will become of them.
    pub outcomes: OutcomesView,
    /// New contacts that would be duplicates of one another or of living contacts.
    pub duplicates_if_imported: i64,
    /// Rows with something to report.
    pub with_problems: i64,
    /// What the contact limit will do.
    pub limit: LimitView,
}

/// Rows by class.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ImportClasses)]
pub struct ClassesView {
    /// Nobody.
    pub none: i64,
    /// One living contact.
    pub one: i64,
    /// Several living contacts.
    pub many: i64,
    /// Only contacts in the trash.
    pub in_trash: i64,
}

/// Rows by outcome.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ImportOutcomes)]
pub struct OutcomesView {
    /// A new contact.
    pub create: i64,
    /// An update, or nothing to change.
    pub update: i64,
    /// Out of the trash.
    pub restore: i64,
    /// Left out by choice, or for want of room.
    pub skip: i64,
    /// Cannot become a contact.
    pub invalid: i64,
    /// Folded into another row of the file.
    pub merged_in_file: i64,
    /// Of all these: rows whose address may not be written to.
    pub suppressed: i64,
}

/// What the contact limit will do.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ImportLimit)]
pub struct LimitView {
    /// Most contacts, trash included.
    pub limit: i64,
    /// Contacts now, trash included.
    pub used: i64,
    /// Contacts after the commit.
    pub after: i64,
    /// New contacts there is no room for.
    pub over: i64,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        let class = |name: &str| plan.classes.get(name).and_then(Value::as_i64).unwrap_or(0);
        let outcome = |name: &str| plan.outcomes.get(name).and_then(Value::as_i64).unwrap_or(0);
        Self {
            rows: plan.rows,
            empty: plan.empty,
            classes: ClassesView {
                none: class("none"),
                one: class("one"),
                many: class("many"),
                in_trash: class("in_trash"),
            },
            outcomes: OutcomesView {
                create: outcome("create"),
                update: outcome("update"),
                restore: outcome("restore"),
                skip: outcome("skip"),
                invalid: outcome("invalid"),
                merged_in_file: outcome("merged_in_file"),
                suppressed: outcome("suppressed"),
            },
            duplicates_if_imported: plan.duplicates_if_imported,
            with_problems: plan.with_problems,
            limit: LimitView {
                limit: plan.limit.limit,
                used: plan.limit.used,
                after: plan.limit.after,
                over: plan.limit.over,
            },
            hash: plan.hash,
        }
    }
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ImportSummary)]
pub struct SummaryView {
    /// New contacts.
    pub created: i64,
    /// Contacts that changed.
    pub updated: i64,
    /// Contacts out of the trash.
    pub restored: i64,
    /// Left out.
    pub skipped: i64,
    /// Could not become contacts.
    pub invalid: i64,
    /// Had nothing to change.
    pub unchanged: i64,
    /// Folded into another row.
    pub merged_in_file: i64,
}

impl From<Summary> for SummaryView {
    fn from(summary: Summary) -> Self {
        let Summary { created, updated, restored, skipped, invalid, unchanged, merged_in_file } =
            summary;
        Self { created, updated, restored, skipped, invalid, unchanged, merged_in_file }
    }
}

/// What undo did, in contacts.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ImportReverted)]
pub struct RevertView {
    /// As before the import.
    pub reverted: i64,
    /// Edited or removed since, and left as they are there.
    pub kept: i64,
    /// Could not be taken back.
    pub failed: i64,
}

fn read<T: serde::de::DeserializeOwned>(value: Option<&Value>) -> Result<Option<T>, Problem> {
    value.map(|value| serde_json::from_value(value.clone()).map_err(Problem::internal)).transpose()
}

impl ImportView {
    /// The view of a record with its job.
    ///
    /// # Errors
    /// A stored member cannot be read.
    pub fn new(import: ImportRecord, job: Option<Job>) -> Result<Self, Problem> {
        let state: Option<ImportState> = import.state.parse().ok();
        let ended =
            state.is_some_and(|state| state >= ImportState::Done) && import.committed_at.is_some();
        let over = state.is_some_and(|state| state >= ImportState::Done);
        let next = match state {
            // nothing was written, so there is nothing to undo
            Some(_) if over && import.committed_at.is_none() => "none",
            Some(state) => state.next(),
            None => "",
        };
        let contacts = json!({ "selection": { "where": { "field": "import", "op": "eq", "value": import.id } } });
        Ok(Self {
            id: import.id,
            next: next.to_owned(),
            source: read::<StoredSource>(import.source.as_ref())?.map(Into::into),
            columns: read::<Vec<Column>>(import.columns.as_ref())?
                .map(|columns| columns.into_iter().map(Into::into).collect()),
            mapping: read::<Mapping>(import.mapping.as_ref())?
                .map(|mapping| mapping_view(&mapping)),
            matching: read::<Matching>(import.matching.as_ref())?
                .map(|matching| matching_view(&matching)),
            plan: read::<Plan>(import.plan.as_ref())?.map(Into::into),
            job: job.map(Into::into),
            summary: read::<Summary>(import.summary.as_ref())?.map(Into::into),
            reverted: read::<RevertCounts>(import.reverted.as_ref())?.map(|counts| RevertView {
                reverted: counts.reverted,
                kept: counts.kept,
                failed: counts.failed,
            }),
            problem: import.problem.map(problem_document),
            contacts: ended.then_some(contacts),
            name: import.name,
            method: import.method,
            state: import.state,
            first_row: import.first_row,
            created_at: import.created_at,
            updated_at: import.updated_at,
            committed_at: import.committed_at,
            finished_at: import.finished_at,
        })
    }

    /// The view of a record; its job is looked up.
    ///
    /// # Errors
    /// What the database said.
    pub(super) fn load(tenant: &mut Tenant<'_>, import: ImportRecord) -> Result<Self, Problem> {
        let job = match import.job_id {
            None => None,
            Some(id) => match jobs::get(tenant, id.into()) {
                Ok(job) => Some(job),
                Err(Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            },
        };
        Self::new(import, job)
    }
}

/// The mapping in the form of the request that set it: it can be sent again.
fn mapping_view(mapping: &Mapping) -> Value {
    json!({
        "columns": mapping.columns,
        "phone_region": mapping.phone_region,
        "date_format": mapping.date_format,
        "name_order": mapping.name_order,
        "strict": mapping.strict,
    })
}

/// The matching in the form of the request that set it.
fn matching_view(matching: &Matching) -> Value {
    let policy = |policy: &ClassPolicy| json!(policy);
    match &matching.key {
        None => {
            json!({ "mode": "none", "on_limit": matching.on_limit, "outcomes": { "all": policy(&matching.none) } })
        }
        Some(key) => {
            let outcomes: serde_json::Map<String, Value> = Class::ALL
                .iter()
                .map(|class| (class.as_str().to_owned(), policy(matching.policy(*class))))
                .collect();
            json!({ "mode": "match", "key": key, "in_file": matching.in_file, "on_limit": matching.on_limit, "outcomes": outcomes })
        }
    }
}
