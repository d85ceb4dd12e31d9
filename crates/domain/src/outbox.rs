//! What happens in a workspace and is told to others: the types of events (PLT-3).

use std::fmt;
use std::str::FromStr;

macro_rules! event_types {
    ($($name:ident = $wire:literal, $subject:ident, $meaning:literal;)+) => {
        /// What happened. Part of the API: types are added, never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(
                #[doc = $meaning]
                $name,
            )+
        }

        impl EventType {
            /// All types, in the order of the document.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// When it happens, in words.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }

            /// What it happened to.
            #[must_use]
            pub fn subject(self) -> Subject {
                match self { $(Self::$name => Subject::$subject),+ }
            }
        }

        impl FromStr for EventType {
            type Err = ();
            fn from_str(word: &str) -> Result<Self, ()> {
                match word { $($wire => Ok(Self::$name),)+ _ => Err(()) }
            }
        }
    };
}

event_types! {
    ContactCreated = "contact.created", Contact, "A contact was made: by hand, by API, or by an import.";
    ContactUpdated = "contact.updated", Contact, "Fields, tags or flags of a contact changed.";
    ContactTrashed = "contact.trashed", Contact, "A contact was moved to the trash.";
    ContactRestored = "contact.restored", Contact, "A contact came out of the trash.";
    ContactPurged = "contact.purged", Contact, "A contact was removed for good.";
    ContactMerged = "contact.merged", Contact, "A contact was merged into another, where its id leads now.";
    ContactUnmerged = "contact.unmerged", Contact, "A contact that was merged into another is one of its own again.";
    ConsentGranted = "consent.granted", Contact, "A contact gave consent for a purpose.";
    ConsentWithdrawn = "consent.withdrawn", Contact, "A contact took consent back.";
    ContactMobileOptedOut = "contact.mobile_opted_out", Contact, "The mobile status of a contact became opt-out; an import does not tell it.";
    ContactNoteAdded = "contact.note_added", Contact, "A note was written on a contact.";
    ContactOwnerAssigned = "contact.owner_assigned", Contact, "Somebody became an owner of a contact.";
    ContactStageEntered = "contact.stage_entered", Contact, "A contact was put into a stage of a funnel.";
    ImportDone = "import.done", Import, "An import was written to its end.";
    ImportFailed = "import.failed", Import, "An import gave up.";
    ImportCancelled = "import.cancelled", Import, "An import was stopped.";
    ImportReverted = "import.reverted", Import, "An import was undone.";
    JobSucceeded = "job.succeeded", Job, "A job did what it was made for.";
    JobFailed = "job.failed", Job, "A job gave up.";
    JobCancelled = "job.cancelled", Job, "A job was stopped.";
    WebhookTest = "webhook.test", Webhook, "Somebody tries a webhook out; sent to that one, whatever it asks for.";
}

impl EventType {
    /// Whether a webhook may ask for it.
    #[must_use]
    pub fn can_be_asked_for(self) -> bool {
        self != Self::WebhookTest
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A contact.
    Contact,
    /// An import.
    Import,
    /// A job.
    Job,
    /// A webhook.
    Webhook,
}

impl Subject {
    /// The word on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Import => "import",
            Self::Job => "job",
            Self::Webhook => "webhook",
        }
    }
}

/// Days an event is kept for replay, and the log of its deliveries with it.
pub const KEEP_DAYS: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-3
    #[test]
    fn types_come_back_as_they_were_written_and_name_their_noun() {
        for event in EventType::ALL {
            assert_eq!(event.as_str().parse(), Ok(*event));
            let (noun, verb) = event.as_str().split_once('.').unwrap();
            assert!(!verb.is_empty() && !verb.contains('.'), "{event}");
            let of_contact = matches!(noun, "contact" | "consent");
            assert_eq!(of_contact, event.subject() == Subject::Contact, "{event}");
        }
        assert_eq!("contact.eaten".parse::<EventType>(), Err(()));
    }
}
