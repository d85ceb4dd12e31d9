//! `GET` and `PUT /workspace/retention`, `POST /workspace/retention/run` (TRS-5).

use actix_web::{get, post, put};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use kartoteka_app::retention::{self, Counts, Retention as Kept};
use kartoteka_domain::retention::{Kind, Rules};

use crate::extract::{IdempotencyKey, IfMatch, Scoped, ValidJson, nullable, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Done, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// How many days something is kept; `null` is for ever, and what is absent has its default.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"import_rows": 1, "import_files": 14, "imports_open": 30, "job_contacts": 90, "documents": 30, "jobs": null,
    "runs": 365, "trash": 30, "consent_evidence": null}))]
pub(crate) struct RetentionPut {
    /// Staged rows of imports that have ended: nothing reads them any more. 1 when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    import_rows: Option<Option<i64>>,
    /// Uploaded files of imports that have ended, with their samples; `errors.csv` needs them. 30 when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    import_files: Option<Option<i64>>,
    /// Imports on which no step was taken: they are cancelled and their files go. 90 when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    imports_open: Option<Option<i64>>,
    /// Lists of the contacts of jobs that have ended, with what became of each. 90 when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    job_contacts: Option<Option<i64>>,
    /// Documents, such as lists of links. 30 when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    documents: Option<Option<i64>>,
    /// Jobs that have ended and that no import names. For ever when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    jobs: Option<Option<i64>>,
    /// Runs of rules and scenarios that have ended; but of those with limits all stay, because these count them. For ever
    /// when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    runs: Option<Option<i64>>,
    /// Contacts in the trash: they are purged. For ever when absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    trash: Option<Option<i64>>,
    /// What proves entries of the consent ledger: IP address, user agent, evidence; the entries stay. For ever when
    /// absent.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    consent_evidence: Option<Option<i64>>,
}

impl From<RetentionPut> for Rules {
    fn from(put: RetentionPut) -> Self {
        // destructured, so that a new kind cannot be forgotten here
        let RetentionPut {
            import_rows,
            import_files,
            imports_open,
            job_contacts,
            documents,
            jobs,
            runs,
            trash,
            consent_evidence,
        } = put;
        let mut rules = Self::default();
        for (kind, days) in [
            (Kind::ImportRows, import_rows),
            (Kind::ImportFiles, import_files),
            (Kind::ImportsOpen, imports_open),
            (Kind::JobContacts, job_contacts),
            (Kind::Documents, documents),
            (Kind::Jobs, jobs),
            (Kind::Runs, runs),
            (Kind::Trash, trash),
            (Kind::ConsentEvidence, consent_evidence),
        ] {
            if let Some(days) = days {
                rules.set(kind, days);
            }
        }
        rules
    }
}

/// How many days things are kept; `null` is for ever.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retention {
    /// Staged rows of imports that have ended.
    #[schema(required = true, example = 1)]
    import_rows: Option<i64>,
    /// Uploaded files of imports that have ended.
    #[schema(required = true, example = 30)]
    import_files: Option<i64>,
    /// Imports on which no step was taken.
    #[schema(required = true, example = 90)]
    imports_open: Option<i64>,
    /// Lists of the contacts of jobs that have ended.
    #[schema(required = true, example = 90)]
    job_contacts: Option<i64>,
    /// Documents, such as lists of links.
    #[schema(required = true, example = 30)]
    documents: Option<i64>,
    /// Jobs that have ended.
    #[schema(required = true, example = json!(null))]
    jobs: Option<i64>,
    /// Runs of rules and scenarios that have ended, where no limit counts them.
    #[schema(required = true, example = json!(null))]
    runs: Option<i64>,
    /// Contacts in the trash.
    #[schema(required = true, example = json!(null))]
    trash: Option<i64>,
    /// What proves entries of the consent ledger.
    #[schema(required = true, example = json!(null))]
    consent_evidence: Option<i64>,
}

impl From<&Kept> for Retention {
    fn from(kept: &Kept) -> Self {
        let rules = kept.rules();
        Self {
            import_rows: rules.days(Kind::ImportRows),
            import_files: rules.days(Kind::ImportFiles),
            imports_open: rules.days(Kind::ImportsOpen),
            job_contacts: rules.days(Kind::JobContacts),
            documents: rules.days(Kind::Documents),
            jobs: rules.days(Kind::Jobs),
            runs: rules.days(Kind::Runs),
            trash: rules.days(Kind::Trash),
            consent_evidence: rules.days(Kind::ConsentEvidence),
        }
    }
}

/// Read the rules of retention
///
/// How many days what need not be kept for ever is kept. A worker follows them once a day. Beside them, and for
/// all: answers kept under an `Idempotency-Key` go after 24 hours, events and the log of their deliveries after 30 days.
#[utoipa::path(
    tag = "workspace",
    operation_id = "get_retention",
    responses((status = 200, description = "The rules", body = Retention)),
    security(("bearer" = ["admin"])),
)]
#[get("/workspace/retention")]
pub(crate) async fn get_retention(
    state: State,
    caller: Scoped<scope::Admin>,
) -> Result<Done<Retention>, Problem> {
    state.read(&caller, |tenant, _ctx| Ok(Done((&retention::get(tenant)?).into()))).await
}

/// Set the rules of retention
///
/// All of them: what is absent goes back to its default.
#[utoipa::path(
    tag = "workspace",
    operation_id = "put_retention",
    params(IfMatch),
    request_body = RetentionPut,
    responses((status = 200, description = "The rules", body = Retention)),
    security(("bearer" = ["admin"])),
)]
#[put("/workspace/retention")]
pub(crate) async fn put_retention(
    state: State,
    caller: Scoped<scope::Admin>,
    if_match: IfMatch,
    body: ValidJson<RetentionPut>,
) -> Result<Done<Retention>, Problem> {
    let rules = Rules::from(body.value);
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Kept| if_match.check(&Retention::from(now));
            Ok(Done((&retention::put(tenant, ctx, &rules, guard)?).into()))
        })
        .await
}

/// Whether to look or to do.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"dry_run": true}))]
pub(crate) struct RetentionRun {
    /// Only say how much would go.
    dry_run: bool,
}

/// How much would go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionCounts {
    /// `true`: nothing was removed.
    #[schema(example = true)]
    dry_run: bool,
    /// When that was so.
    at: DateTime<Utc>,
    /// How many of each kind are over their time.
    #[schema(value_type = Object, example = json!({"import_rows": 20_000, "import_files": 2, "imports_open": 1,
        "job_contacts": 0, "documents": 1, "jobs": 0, "runs": 0, "trash": 12, "consent_evidence": 0}))]
    counts: Counts,
}

/// Follow the rules of retention now
///
/// With `"dry_run": true` the answer says how much would go, and nothing does. Otherwise a job removes it; its `counts`
/// say how much. While one is under way: `409 conflict`.
#[utoipa::path(
    tag = "workspace",
    operation_id = "run_retention",
    params(IdempotencyKey),
    request_body = RetentionRun,
    responses(
        (status = 200, description = "How much would go", body = RetentionCounts),
        (status = 202, description = "The job", body = JobView),
    ),
    security(("bearer" = ["admin"])),
)]
#[post("/workspace/retention/run")]
pub(crate) async fn run_retention(
    state: State,
    caller: Scoped<scope::Admin>,
    key: IdempotencyKey,
    body: ValidJson<RetentionRun>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            if value.dry_run {
                let counts = retention::would_remove(tenant, ctx)?;
                return Ok(Reply::from(Done(RetentionCounts {
                    dry_run: true,
                    at: ctx.now,
                    counts,
                })));
            }
            let job = retention::start(tenant, ctx)?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) }.into())
        })
        .await
}
