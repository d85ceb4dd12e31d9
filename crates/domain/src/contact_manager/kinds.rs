//! The types of actions, in the order they run in whatever order they came in, and what holds for each.

use std::fmt;
use std::str::FromStr;

use crate::contacts::owners::Deed;
use crate::scopes::Scope;

/// Whether an action starts scenarios and rules that wait for what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartsScenarios {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The workspace says: `scenarios_on_owner_assigned`.
    BySetting,
}

macro_rules! action_types {
    ($($name:ident = $wire:literal, $letter:literal, $starts:ident, $reversible:literal, $meaning:literal;)+) => {
        /// A type of action. Part of the API: types are added, never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ActionType { $(#[doc = $meaning] $name,)+ }

        impl ActionType {
            /// All types, in the order they run in.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in the API and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// What it does, in words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }

            /// The rule that it follows.
            #[must_use]
            pub const fn requirement(self) -> &'static str {
                match self { $(Self::$name => $letter),+ }
            }

            /// Whether it starts scenarios.
            #[must_use]
            pub const fn starts_scenarios(self) -> StartsScenarios {
                match self { $(Self::$name => StartsScenarios::$starts),+ }
            }

            /// Whether it can be undone (MGR-4); of deletions only those into the trash.
            #[must_use]
            pub const fn is_reversible(self) -> bool {
                match self { $(Self::$name => $reversible),+ }
            }
        }

        impl FromStr for ActionType {
            type Err = ();
            fn from_str(word: &str) -> Result<Self, ()> {
                match word { $($wire => Ok(Self::$name),)+ _ => Err(()) }
            }
        }
    };
}

action_types! {
    SetEmailOptOut = "set_email_opt_out", "MGR-A", No, false, "Takes back the consent to marketing by e-mail.";
    MarkEmailInvalid = "mark_email_invalid", "MGR-B", No, false, "Marks the e-mail address as one that takes no mail.";
    LiftEmailInvalid = "lift_email_invalid", "MGR-B", No, false, "Lifts that mark: the status is what it was before.";
    SetMobileOptIn = "set_mobile_opt_in", "MGR-C", No, false, "Grants marketing by short message, on a legal basis.";
    SetMobileOptOut = "set_mobile_opt_out", "MGR-C", Yes, false, "Takes back the consent to marketing by short message.";
    AddTags = "add_tags", "MGR-D", No, true, "Puts on tags.";
    AddTagsFromDetails = "add_tags_from_details", "MGR-D", No, true, "Puts on tags made of a prefix and the values of details.";
    RemoveTags = "remove_tags", "MGR-D", No, true, "Takes off tags.";
    SetDetail = "set_detail", "MGR-E", No, true, "Writes one detail.";
    RemoveDetail = "remove_detail", "MGR-E", No, true, "Removes one detail.";
    SetScore = "set_score", "MGR-F", No, true, "Writes the points.";
    AssignOwner = "assign_owner", "MGR-G", BySetting, true, "Makes somebody an owner.";
    RemoveOwner = "remove_owner", "MGR-G", No, true, "Takes an owner away, save the last one.";
    SetState = "set_state", "MGR-H", No, true, "Writes the state of the business relation.";
    RemoveFromFunnel = "remove_from_funnel", "MGR-I", No, true, "Takes out of one or of all stages of a funnel.";
    AddToStage = "add_to_stage", "MGR-I", Yes, true, "Puts into a stage of a funnel.";
    GenerateCoupon = "generate_coupon", "MGR-J", No, false, "Gives each contact a coupon with a code of its own.";
    RunRule = "run_rule", "MGR-K", Yes, false, "Starts an automation rule behind its event, within its limits.";
    RunScenario = "run_scenario", "MGR-L", Yes, false, "Starts a scenario behind its event, whatever its limits.";
    GenerateLinks = "generate_links", "MGR-M", No, false, "Makes a list of links that tell who came by them.";
    AddNote = "add_note", "MGR-N", Yes, false, "Writes a note.";
    DetectGender = "detect_gender", "MGR-O", No, true, "Puts on a tag that says the gender the name has.";
    Delete = "delete", "MGR-P", No, true, "Moves to the trash, or removes for good.";
}

impl ActionType {
    /// What it does to a contact, as far as its owners decide that (MGR-5).
    #[must_use]
    pub const fn deed(self) -> Deed {
        match self {
            Self::Delete => Deed::Delete,
            Self::AssignOwner | Self::RemoveOwner => Deed::ChangeOwners,
            _ => Deed::Change,
        }
    }

    /// The scope that is needed beside `manager:run`, for what nobody may do by it alone, to do it and to undo it: without
    /// it every contact is skipped. Starting rules and scenarios for many needs what starting one needs, because their
    /// steps do what takes other scopes.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Delete => Some(Scope::ContactsDelete),
            Self::SetEmailOptOut | Self::SetMobileOptIn | Self::SetMobileOptOut => {
                Some(Scope::ConsentsWrite)
            }
            Self::RunRule | Self::RunScenario => Some(Scope::ScenariosWrite),
            _ => None,
        }
    }
}

impl fmt::Display for ActionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MGR-2, MGR-4: the table of the rules, once more.
    #[test]
    fn the_matrix_is_that_of_the_rules() {
        let of = |wanted: &dyn Fn(ActionType) -> bool| -> Vec<&str> {
            ActionType::ALL
                .iter()
                .copied()
                .filter(|kind| wanted(*kind))
                .map(ActionType::as_str)
                .collect()
        };
        assert_eq!(ActionType::ALL.len(), 23);
        let mut letters: Vec<&str> =
            ActionType::ALL.iter().map(|kind| kind.requirement()).collect();
        assert!(letters.is_sorted());
        letters.dedup();
        let expected: Vec<String> = ('A'..='P').map(|letter| format!("MGR-{letter}")).collect();
        assert_eq!(letters, expected);
        assert_eq!(
            of(&|kind| kind.starts_scenarios() == StartsScenarios::Yes),
            ["set_mobile_opt_out", "add_to_stage", "run_rule", "run_scenario", "add_note"]
        );
        assert_eq!(
            of(&|kind| kind.starts_scenarios() == StartsScenarios::BySetting),
            ["assign_owner"]
        );
        assert_eq!(
            of(&|kind| !kind.is_reversible()),
            [
                "set_email_opt_out",
                "mark_email_invalid",
                "lift_email_invalid",
                "set_mobile_opt_in",
                "set_mobile_opt_out",
                "generate_coupon",
                "run_rule",
                "run_scenario",
                "generate_links",
                "add_note",
            ]
        );
        assert_eq!(
            of(&|kind| kind.scope().is_some()),
            [
                "set_email_opt_out",
                "set_mobile_opt_in",
                "set_mobile_opt_out",
                "run_rule",
                "run_scenario",
                "delete",
            ]
        );
        for kind in ActionType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert_eq!("set_email_opt_in".parse::<ActionType>(), Err(()));
    }
}
