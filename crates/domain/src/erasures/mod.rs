//! Erasing a person (TRS-5, GDPR art. 17): why, and how what is said of somebody is found in any text.

mod sought;

pub use sought::{Scanner, Sought};

macro_rules! reasons {
    ($($name:ident = $wire:literal, $means:literal;)+) => {
        /// Why a person is erased: the grounds of GDPR, article 17 (1). A word and no text, because what people
        /// write of a request names the one who made it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason { $(#[doc = $means] $name,)+ }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in the API, the database and the journal.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// The way back from [`Reason::as_str`].
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($wire => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

reasons! {
    Requested = "requested", "The person asked, and said no more.";
    NoLongerNeeded = "no_longer_needed", "(a) It is no longer needed for what it was collected for.";
    ConsentWithdrawn = "consent_withdrawn", "(b) Consent was withdrawn, and nothing else allows it.";
    Objection = "objection", "(c) The person objects.";
    Unlawful = "unlawful", "(d) It was processed unlawfully.";
    LegalObligation = "legal_obligation", "(e) The law demands it.";
    Child = "child", "(f) It was collected from a child.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back_as_they_were_written() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_word(reason.as_str()), Some(*reason));
        }
        assert_eq!(Reason::from_word("because"), None);
    }
}
