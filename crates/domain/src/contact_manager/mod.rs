//! Bulk actions on the contacts of a selection (MGR): which there are, in which order they run, what they need, and what a
//! request says of them.

mod kinds;
mod read;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::consents::ledger::LegalBasis;
use crate::contacts::contact::State;
use crate::contacts::gender::guess::NameCountry;
use crate::contacts::name::NameOrder;
use crate::contacts::owners::Level;
use crate::documents::links::Page;
use crate::faults::Fault;
use crate::tags::{TagName, TagSet};

pub use kinds::{ActionType, StartsScenarios};
pub use read::read;

/// Characters of a note that a job adds (MGR-N).
pub const MAX_NOTE_CHARS: usize = 1_024;
/// Details whose values may become tags in one action.
pub const MAX_DETAILS_FOR_TAGS: usize = 20;
/// Fewest characters of a coupon's code.
pub const MIN_COUPON_CHARS: u32 = crate::coupons::MIN_CODE_CHARS;
/// Most characters of a coupon's code.
pub const MAX_COUPON_CHARS: u32 = crate::coupons::MAX_CODE_CHARS;
/// Characters of a coupon's name.
pub const MAX_COUPON_NAME_CHARS: usize = 100;
/// How far ahead a job may be put, in days.
pub const MAX_DAYS_AHEAD: i64 = 366;

/// What is done with each contact. Each at most once in a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Takes back what they said to marketing by e-mail (MGR-A).
    SetEmailOptOut,
    /// The address takes no mail (MGR-B).
    MarkEmailInvalid,
    /// It does again, and its status is what it was before (MGR-B).
    LiftEmailInvalid,
    /// They agreed to marketing by short message (MGR-C).
    SetMobileOptIn {
        /// What that stands on.
        legal_basis: LegalBasis,
    },
    /// They take that back (MGR-C).
    SetMobileOptOut,
    /// Puts tags on (MGR-D).
    AddTags {
        /// Which. Without a score the present one stays.
        tags: Vec<TagSet>,
    },
    /// Puts on tags made of a prefix and the value of each detail (MGR-D).
    AddTagsFromDetails {
        /// Names of the details.
        details: Vec<String>,
        /// What stands before each value.
        prefix: String,
        /// Score of tags that are new at a contact.
        score: Option<i64>,
    },
    /// Takes tags off (MGR-D).
    RemoveTags {
        /// Which.
        tags: Vec<TagName>,
    },
    /// Writes one detail (MGR-E).
    SetDetail {
        /// Its name.
        name: String,
        /// Text, a number, or true or false.
        value: Value,
    },
    /// Removes one detail (MGR-E).
    RemoveDetail {
        /// Its name.
        name: String,
    },
    /// Writes the points (MGR-F).
    SetScore {
        /// How many; what was there does not matter.
        score: i64,
    },
    /// Makes somebody an owner (MGR-G).
    AssignOwner {
        /// Who.
        user_id: Uuid,
        /// How far.
        level: Level,
    },
    /// Takes an owner away (MGR-G).
    RemoveOwner {
        /// Whose address.
        email: String,
    },
    /// Writes the state of the business relation (MGR-H).
    SetState {
        /// Which.
        state: State,
    },
    /// Puts into a stage of a funnel (MGR-I).
    AddToStage {
        /// Which.
        stage_id: Uuid,
        /// The funnel it is of, where the request says it.
        funnel_id: Option<Uuid>,
    },
    /// Takes out of one or of all stages of a funnel (MGR-I).
    RemoveFromFunnel {
        /// Which; all without one.
        stage_id: Option<Uuid>,
        /// Of which funnel.
        funnel_id: Option<Uuid>,
    },
    /// Gives a code that nobody else has (MGR-J).
    GenerateCoupon {
        /// What the coupon is called.
        name: String,
        /// Characters of the code.
        length: u32,
        /// The last instant it is good for.
        valid_until: ValidUntil,
    },
    /// Starts an automation rule behind its event (MGR-K).
    RunRule {
        /// Which.
        rule_id: Uuid,
        /// Whether its conditions are asked.
        check_conditions: bool,
    },
    /// Starts a scenario behind its event (MGR-L).
    RunScenario {
        /// Which.
        scenario_id: Uuid,
    },
    /// Makes a list of links that tell who came by them (MGR-M).
    GenerateLinks {
        /// Where they lead.
        page: Page,
        /// Seen only by whoever asked for it.
        private: bool,
    },
    /// Writes a note (MGR-N).
    AddNote {
        /// What it says.
        text: String,
        /// Seen only by whoever asked for it.
        private: bool,
    },
    /// Puts on a tag that says the gender the name has (MGR-O).
    DetectGender {
        /// Whose first names.
        country: NameCountry,
        /// Which name stands first in a field that holds both.
        name_order: NameOrder,
        /// What is put on.
        tags: Box<GenderTags>,
    },
    /// Moves to the trash or removes for good (MGR-P).
    Delete {
        /// Which of both.
        mode: DeleteMode,
    },
}

/// Until when a coupon is good, as the request says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidUntil {
    /// An instant.
    Instant(DateTime<Utc>),
    /// The end of a day in the time zone of the workspace.
    Day(chrono::NaiveDate),
}

/// Tags that say a gender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenderTags {
    /// For women.
    pub female: Option<TagSet>,
    /// For men.
    pub male: Option<TagSet>,
    /// Where the name does not say it.
    pub undetermined: Option<TagSet>,
}

impl GenderTags {
    /// All that are named.
    pub fn all(&self) -> impl Iterator<Item = &TagSet> {
        [&self.female, &self.male, &self.undetermined].into_iter().flatten()
    }
}

/// How contacts are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteMode {
    /// Into the trash, from where they can come back.
    Trash,
    /// For good.
    Purge,
}

impl DeleteMode {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Trash, Self::Purge];

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trash => "trash",
            Self::Purge => "purge",
        }
    }

    /// The way back from [`Self::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == word)
    }
}

impl Action {
    /// Which of the actions it is.
    #[must_use]
    pub fn kind(&self) -> ActionType {
        match self {
            Self::SetEmailOptOut => ActionType::SetEmailOptOut,
            Self::MarkEmailInvalid => ActionType::MarkEmailInvalid,
            Self::LiftEmailInvalid => ActionType::LiftEmailInvalid,
            Self::SetMobileOptIn { .. } => ActionType::SetMobileOptIn,
            Self::SetMobileOptOut => ActionType::SetMobileOptOut,
            Self::AddTags { .. } => ActionType::AddTags,
            Self::AddTagsFromDetails { .. } => ActionType::AddTagsFromDetails,
            Self::RemoveTags { .. } => ActionType::RemoveTags,
            Self::SetDetail { .. } => ActionType::SetDetail,
            Self::RemoveDetail { .. } => ActionType::RemoveDetail,
            Self::SetScore { .. } => ActionType::SetScore,
            Self::AssignOwner { .. } => ActionType::AssignOwner,
            Self::RemoveOwner { .. } => ActionType::RemoveOwner,
            Self::SetState { .. } => ActionType::SetState,
            Self::AddToStage { .. } => ActionType::AddToStage,
            Self::RemoveFromFunnel { .. } => ActionType::RemoveFromFunnel,
            Self::GenerateCoupon { .. } => ActionType::GenerateCoupon,
            Self::RunRule { .. } => ActionType::RunRule,
            Self::RunScenario { .. } => ActionType::RunScenario,
            Self::GenerateLinks { .. } => ActionType::GenerateLinks,
            Self::AddNote { .. } => ActionType::AddNote,
            Self::DetectGender { .. } => ActionType::DetectGender,
            Self::Delete { .. } => ActionType::Delete,
        }
    }

    /// Whether undoing the job gives back what it changed (MGR-4).
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        match self {
            Self::Delete { mode } => *mode == DeleteMode::Trash,
            other => other.kind().is_reversible(),
        }
    }
}

/// An action and where it stood in the request.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// JSON pointer: `#/actions/0`.
    pub at: String,
    /// What is done.
    pub action: Action,
}

/// What a request for a job says.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequest {
    /// Whom it is about, not read yet: that needs the workspace. Nobody where the request does not say.
    pub selection: Option<Value>,
    /// When; now without one.
    pub run_at: Option<DateTime<Utc>>,
    /// What is done, in the order it is done in.
    pub actions: Vec<Placed>,
    /// What is wrong with it, but for the selection and what it refers to.
    pub faults: Vec<Fault>,
}
