//! Choosing the key and what becomes of each class (IMP-6..11).

use actix_web::put;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::steps::{self, MatchingRequest};
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::imports::matching::{
    Action, ClassPolicy, DeclaredConsent, InFile, MatchKey, Matching, OnLimit,
};

use crate::extract::{Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Accepted;
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// How rows are matched and what becomes of them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportMatching, example = json!({"mode": "match", "key": "email", "in_file": "merge", "outcomes": {
    "none": {"action": "import", "tags": ["jaro"], "consents": [{"purpose": "email_basic", "legal_basis": "consent"}]},
    "one": {"action": "update"}, "many": {"action": "update_last_added"}, "in_trash": {"action": "skip"}}, "on_limit": "refuse"}))]
pub struct MatchingBody {
    /// Matching off (every row becomes a contact) or on.
    pub mode: ModeWord,
    /// With `match`: `email`, `phone`, `external_id` or `detail:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120, example = "email")]
    pub key: Option<String>,
    /// With `match`: several rows with one key inside the file; `merge` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_file: Option<InFileWord>,
    /// What becomes of each class. With `none` there is one class, `all`.
    #[serde(default)]
    pub outcomes: OutcomesBody,
    /// When there would be more contacts than the workspace may hold; `refuse` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_limit: Option<OnLimitWord>,
}

/// Whether rows are matched.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportMatchingMode)]
pub enum ModeWord {
    /// Every row becomes a contact.
    None,
    /// Rows are compared with the base by a key.
    Match,
}

/// Several rows with one key.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportInFile)]
pub enum InFileWord {
    /// One contact of all; a later value that is not empty wins.
    Merge,
    /// The first row counts.
    First,
    /// The last row counts.
    Last,
    /// Each row for itself.
    All,
}

/// Over the contact limit.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportOnLimit)]
pub enum OnLimitWord {
    /// The commit is refused.
    Refuse,
    /// The first rows that fit are taken.
    Fill,
}

/// What becomes of each class. A class that is not named: `none` import, `one` update, `many`
/// update_last_added, `in_trash` skip, `all` import.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportMatchingOutcomes)]
pub struct OutcomesBody {
    /// Matching off: all rows. Actions: `import`, `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<OutcomeBody>,
    /// Nobody found. Actions: `import`, `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<OutcomeBody>,
    /// One living contact. Actions: `import`, `update`, `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one: Option<OutcomeBody>,
    /// Several living contacts. Actions: `import`, `update_last_added`, `update_first_added`, `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<OutcomeBody>,
    /// Only contacts in the trash. Actions: `import`, `restore_and_update`, `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_trash: Option<OutcomeBody>,
}

/// What becomes of one class.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportMatchingOutcome)]
pub struct OutcomeBody {
    /// With the contact.
    pub action: ActionWord,
    /// Tags for it; made when missing.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["jaro"]))]
    pub tags: Vec<String>,
    /// Consents for it, as the importing user declares.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub consents: Vec<ConsentBody>,
}

/// What is done with the contact.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportAction)]
pub enum ActionWord {
    /// A new contact.
    Import,
    /// The one found is updated.
    Update,
    /// The youngest of those found is updated.
    UpdateLastAdded,
    /// The oldest of those found is updated.
    UpdateFirstAdded,
    /// Out of the trash, then updated.
    RestoreAndUpdate,
    /// Nothing.
    Skip,
}

/// A declared consent.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ImportConsent)]
pub struct ConsentBody {
    /// Name of the purpose.
    #[schema(max_length = 100, example = "email_basic")]
    pub purpose: String,
    /// Legal basis (GDPR art. 6); `consent` when not given.
    #[serde(default)]
    pub legal_basis: LegalBasisWord,
}

/// Legal basis, GDPR art. 6 (1).
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportLegalBasis)]
pub enum LegalBasisWord {
    /// Letter a.
    #[default]
    Consent,
    /// Letter b.
    Contract,
    /// Letter c.
    LegalObligation,
    /// Letter d.
    VitalInterests,
    /// Letter e.
    PublicTask,
    /// Letter f.
    LegitimateInterest,
}

impl OutcomeBody {
    fn into_policy(self) -> ClassPolicy {
        let basis = |basis: LegalBasisWord| match basis {
            LegalBasisWord::Consent => "consent",
            LegalBasisWord::Contract => "contract",
            LegalBasisWord::LegalObligation => "legal_obligation",
            LegalBasisWord::VitalInterests => "vital_interests",
            LegalBasisWord::PublicTask => "public_task",
            LegalBasisWord::LegitimateInterest => "legitimate_interest",
        };
        ClassPolicy {
            action: match self.action {
                ActionWord::Import => Action::Import,
                ActionWord::Update => Action::Update,
                ActionWord::UpdateLastAdded => Action::UpdateLastAdded,
                ActionWord::UpdateFirstAdded => Action::UpdateFirstAdded,
                ActionWord::RestoreAndUpdate => Action::RestoreAndUpdate,
                ActionWord::Skip => Action::Skip,
            },
            tags: self.tags,
            consents: self
                .consents
                .into_iter()
                .map(|consent| DeclaredConsent {
                    purpose: consent.purpose,
                    legal_basis: basis(consent.legal_basis).to_owned(),
                })
                .collect(),
        }
    }
}

impl MatchingBody {
    /// The matching as the use case takes it; members that the mode does not know, and words that say
    /// nothing, are its faults. `at` is where it stands in the request.
    #[must_use]
    pub fn into_request(self, at: &str) -> MatchingRequest {
        let on_limit = match self.on_limit {
            Some(OnLimitWord::Fill) => OnLimit::Fill,
            Some(OnLimitWord::Refuse) | None => OnLimit::Refuse,
        };
        let in_file = match self.in_file {
            Some(InFileWord::Merge) | None => InFile::Merge,
            Some(InFileWord::First) => InFile::First,
            Some(InFileWord::Last) => InFile::Last,
            Some(InFileWord::All) => InFile::All,
        };
        let OutcomesBody { all, none, one, many, in_trash } = self.outcomes;
        let (matching, faults) = match self.mode {
            ModeWord::None => {
                let odd = [
                    ("key", self.key.is_some()),
                    ("in_file", self.in_file.is_some()),
                    ("outcomes/none", none.is_some()),
                    ("outcomes/one", one.is_some()),
                    ("outcomes/many", many.is_some()),
                    ("outcomes/in_trash", in_trash.is_some()),
                ];
                let import =
                    ClassPolicy { action: Action::Import, tags: Vec::new(), consents: Vec::new() };
                let all = all.map_or(import, OutcomeBody::into_policy);
                let faults =
                    not_here(&odd, at, "without matching there is no key and one class: all");
                (Matching::off(all, on_limit), faults)
            }
            ModeWord::Match => {
                let odd = [("outcomes/all", all.is_some())];
                let detail = "with matching the classes are none, one, many, in_trash";
                let mut faults = not_here(&odd, at, detail);
                let key = self.key.as_deref().map(str::parse::<MatchKey>);
                match key {
                    Some(Ok(_)) => {}
                    Some(Err(())) => faults.push(steps::word_fault(
                        &format!("{at}/key"),
                        Code::InvalidValue,
                        &["email", "phone", "external_id", "detail:NAME"],
                    )),
                    None => faults.push(Fault::new(
                        format!("{at}/key"),
                        Code::MissingField,
                        "matching needs the key that rows and contacts are compared by",
                    )),
                }
                // with a fault at its place the key is never used
                let key = key.and_then(Result::ok).unwrap_or(MatchKey::Email);
                let policies =
                    [none, one, many, in_trash].map(|body| body.map(OutcomeBody::into_policy));
                (Matching::by(key, in_file, policies, on_limit), faults)
            }
        };
        MatchingRequest { matching, at: at.to_owned(), faults }
    }
}

fn not_here(odd: &[(&str, bool)], at: &str, detail: &str) -> Vec<Fault> {
    odd.iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| Fault::new(format!("{at}/{name}"), Code::InvalidValue, detail))
        .collect()
}

/// Choose the matching
///
/// Starts the plan: the file is read, every row sorted and counted, and nothing written to contacts.
#[utoipa::path(
    tag = "imports",
    operation_id = "put_import_matching",
    params(("id" = Uuid, Path, description = "The import")),
    request_body = MatchingBody,
    responses((status = 202, description = "The planning job", body = JobView)),
    security(("bearer" = ["imports:write"])),
)]
#[put("/imports/{id}/matching")]
pub(crate) async fn put_import_matching(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    body: ValidJson<MatchingBody>,
) -> Result<Accepted<JobView>, Problem> {
    let id = *id;
    let request = body.value.into_request("#");
    state
        .write(&caller, move |tenant, ctx| {
            let (_, job) = steps::matching(tenant, ctx, id.into(), request)?;
            Ok(Accepted { location: location(job.id), body: job.into() })
        })
        .await
}
