//! What a request for a job holds. Only documentation: the domain reads the body itself, so that all its faults are told
//! at once. The matrix shows the very same schemas.

use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_domain::contact_manager::ActionType;

use crate::v1::contacts::view::{State as StateWord, TagPut};
use crate::v1::segments::SelectionSchema;

/// Whom, when, and what is done.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "selection": {"where": {"field": "tag", "op": "has", "value": "newsletter"}},
    "actions": [
        {"type": "add_tags", "tags": [{"name": "vip", "score": 5}]},
        {"type": "set_state", "state": "customer"}
    ]
}))]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct CreateContactManagerJob {
    /// Whom: those it means when the job begins. One without conditions is refused.
    #[schema(value_type = SelectionSchema)]
    selection: Value,
    /// When; now without one. At most 366 days ahead (RFC 3339).
    #[schema(example = "2027-01-15T08:00:00+01:00")]
    run_at: Option<chrono::DateTime<chrono::Utc>>,
    /// What is done with each; each action at most once. They run in the order of the matrix.
    #[schema(min_items = 1, max_items = 23)]
    actions: Vec<ContactManagerAction>,
}

macro_rules! actions {
    ($(
        $(#[$doc:meta])*
        $name:ident = $kind:ident, $pattern:literal, $word:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
    )+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, ToSchema)]
            #[expect(dead_code, reason = "documents a body that the domain reads")]
            pub(crate) struct $name {
                /// Which action.
                #[schema(pattern = $pattern, example = $word)]
                r#type: String,
                $($(#[$field_doc])* $field: $type,)*
            }
        )+

        /// One action: what it needs besides its type.
        #[derive(Debug, ToSchema)]
        #[serde(untagged)]
        #[expect(dead_code, reason = "documents a body that the domain reads")]
        pub(crate) enum ContactManagerAction { $($kind($name),)+ }

        /// The name of an action's schema in the document.
        pub(crate) fn schema_name(kind: ActionType) -> &'static str {
            match kind { $(ActionType::$kind => stringify!($name),)+ }
        }

        #[cfg(test)]
        const WORDS: &[(ActionType, &str, &str)] = &[$((ActionType::$kind, $pattern, $word),)+];
    };
}

actions! {
    /// Takes back the consent to marketing by e-mail.
    SetEmailOptOutAction = SetEmailOptOut, "^set_email_opt_out$", "set_email_opt_out" {}
    /// Marks the e-mail address as one that takes no mail.
    MarkEmailInvalidAction = MarkEmailInvalid, "^mark_email_invalid$", "mark_email_invalid" {}
    /// Lifts that mark: the status is what it was before.
    LiftEmailInvalidAction = LiftEmailInvalid, "^lift_email_invalid$", "lift_email_invalid" {}
    /// Grants marketing by short message.
    SetMobileOptInAction = SetMobileOptIn, "^set_mobile_opt_in$", "set_mobile_opt_in" {
        #[schema(inline)]
        legal_basis: LegalBasisWord,
    }
    /// Takes back the consent to marketing by short message.
    SetMobileOptOutAction = SetMobileOptOut, "^set_mobile_opt_out$", "set_mobile_opt_out" {}
    /// Puts on tags; missing ones are made.
    AddTagsAction = AddTags, "^add_tags$", "add_tags" {
        /// Which, by name. Without a score the present one stays, 0 for a tag that is new at a contact.
        #[schema(min_items = 1, max_items = 200, inline, example = json!([{"name": "vip", "score": 5}]))]
        tags: Vec<TagPut>,
    }
    /// Puts on tags made of a prefix and the value of each detail.
    AddTagsFromDetailsAction = AddTagsFromDetails, "^add_tags_from_details$", "add_tags_from_details" {
        /// Names of the details.
        #[schema(min_items = 1, max_items = 20, example = json!(["rozmiar_buta"]))]
        details: Vec<String>,
        /// What stands before each value; one for all the details.
        #[schema(max_length = 99, example = "ROZMIARBUTA_")]
        prefix: Option<String>,
        /// Score of the tags.
        #[schema(minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
        score: Option<i64>,
    }
    /// Takes off tags.
    RemoveTagsAction = RemoveTags, "^remove_tags$", "remove_tags" {
        /// Which, by name.
        #[schema(min_items = 1, max_items = 200, example = json!(["prague"]))]
        tags: Vec<String>,
    }
    /// Writes one detail.
    SetDetailAction = SetDetail, "^set_detail$", "set_detail" {
        /// Its name.
        #[schema(min_length = 1, max_length = 100, example = "rozmiar_buta")]
        name: String,
        #[schema(value_type = DetailValue, inline)]
        value: Value,
    }
    /// Removes one detail.
    RemoveDetailAction = RemoveDetail, "^remove_detail$", "remove_detail" {
        /// Its name.
        #[schema(min_length = 1, max_length = 100, example = "rozmiar_buta")]
        name: String,
    }
    /// Writes the points: an absolute value.
    SetScoreAction = SetScore, "^set_score$", "set_score" {
        /// How many.
        #[schema(minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64, example = 10)]
        score: i64,
    }
    /// Makes somebody an owner.
    AssignOwnerAction = AssignOwner, "^assign_owner$", "assign_owner" {
        /// The person.
        user_id: Uuid,
        #[schema(inline)]
        level: OwnerLevelWord,
    }
    /// Takes an owner away. The last one stays.
    RemoveOwnerAction = RemoveOwner, "^remove_owner$", "remove_owner" {
        /// The person's address.
        #[schema(max_length = 254, example = "jana@example.com")]
        email: String,
    }
    /// Writes the state of the business relation.
    SetStateAction = SetState, "^set_state$", "set_state" {
        #[schema(inline)]
        state: StateWord,
    }
    /// Takes out of one or of all stages of a funnel.
    RemoveFromFunnelAction = RemoveFromFunnel, "^remove_from_funnel$", "remove_from_funnel" {
        #[schema(value_type = StageOrAll, inline)]
        stage_id: Value,
        /// The funnel: needed with `all`, where there are several.
        funnel_id: Option<Uuid>,
    }
    /// Puts into a stage of a funnel.
    AddToStageAction = AddToStage, "^add_to_stage$", "add_to_stage" {
        /// The stage.
        stage_id: Uuid,
        /// The funnel it is of; it need not be said.
        funnel_id: Option<Uuid>,
    }
    /// Gives each contact a coupon with a code of its own.
    GenerateCouponAction = GenerateCoupon, "^generate_coupon$", "generate_coupon" {
        /// What the coupon is called.
        #[schema(min_length = 1, max_length = 100, example = "Jaro 2027")]
        name: String,
        /// Characters of the code.
        #[schema(minimum = 4, maximum = 32, example = 8)]
        length: u32,
        /// The last day it is good for, in the time zone of the workspace; or the instant.
        #[schema(example = "2027-06-30")]
        valid_until: String,
    }
    /// Starts an automation rule behind its event. Its delays and its limits per contact hold.
    RunRuleAction = RunRule, "^run_rule$", "run_rule" {
        /// The rule.
        rule_id: Uuid,
        /// Whether its conditions are asked.
        check_conditions: bool,
    }
    /// Starts a scenario behind its event. Its waits hold, its limits per contact do not.
    RunScenarioAction = RunScenario, "^run_scenario$", "run_scenario" {
        /// The scenario: one with exactly one start event.
        scenario_id: Uuid,
    }
    /// Makes a list of links that tell who came by them: a CSV among the documents. For at most 10,000 contacts.
    GenerateLinksAction = GenerateLinks, "^generate_links$", "generate_links" {
        /// Where they lead: an address of the web, without a name or password in it and without the parameter `ktrk`, which
        /// is put into its query.
        #[schema(max_length = 2000, example = "https://www.example.com/spring")]
        url: String,
        /// Whether only the one who asked for it sees the list.
        #[schema(nullable = false)]
        private: Option<bool>,
    }
    /// Writes a note.
    AddNoteAction = AddNote, "^add_note$", "add_note" {
        /// What it says.
        #[schema(min_length = 1, max_length = 1024, example = "Invited to the shop")]
        text: String,
        /// Whether only its author sees it.
        #[schema(nullable = false)]
        private: Option<bool>,
    }
    /// Puts on a tag that says the gender the name has.
    DetectGenderAction = DetectGender, "^detect_gender$", "detect_gender" {
        #[schema(inline)]
        country: NameCountryWord,
        #[schema(inline)]
        name_order: NameOrderWord,
        #[schema(inline)]
        tags: GenderTags,
    }
    /// Moves to the trash, or removes for good. It must be the only action of its job.
    DeleteAction = Delete, "^delete$", "delete" {
        #[schema(inline)]
        mode: DeleteModeWord,
    }
}

/// What the processing stands on.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum LegalBasisWord {
    /// The person agreed.
    Consent,
    /// A contract needs it.
    Contract,
    /// A legitimate interest.
    LegitimateInterest,
    /// The law demands it.
    LegalObligation,
    /// Somebody's life.
    VitalInterests,
    /// A task in the public interest.
    PublicTask,
}

/// How far somebody is an owner.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum OwnerLevelWord {
    /// Everything.
    Main,
    /// Neither deletes nor changes owners.
    CoOwner,
    /// Sees.
    ReadOnly,
}

/// Whose first names.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum NameCountryWord {
    /// Polish ones.
    Pl,
    /// Hungarian ones.
    Hu,
    /// Czech and Slovak ones.
    Cz,
}

/// Which name stands first.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum NameOrderWord {
    /// The first name.
    FirstLast,
    /// The surname.
    LastFirst,
}

/// How contacts are deleted.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum DeleteModeWord {
    /// Into the trash.
    Trash,
    /// For good.
    Purge,
}

/// A value of a detail.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum DetailValue {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

/// A stage, or all of them.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum StageOrAll {
    /// One.
    Stage(Uuid),
    /// All of the funnel.
    All(AllStages),
}

/// All stages of a funnel.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "documents a word")]
pub(crate) enum AllStages {
    /// All of them.
    All,
}

/// Tags that say a gender: names, or objects with name and score.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct GenderTags {
    /// For women.
    #[schema(inline, example = "kobieta")]
    female: Option<TagPut>,
    /// For men.
    #[schema(inline, example = "mężczyzna")]
    male: Option<TagPut>,
    /// Where the name does not say it.
    #[schema(inline, example = "płeć nieznana")]
    undetermined: Option<TagPut>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MGR-2: the published actions are those that are read, in their order.
    #[test]
    fn every_action_has_its_schema() {
        let kinds: Vec<ActionType> = WORDS.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(kinds, ActionType::ALL);
        for (kind, pattern, word) in WORDS {
            assert_eq!((format!("^{kind}$"), kind.as_str()), ((*pattern).to_owned(), *word));
        }
    }
}
