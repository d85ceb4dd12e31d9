//! Words of the consent ledger and what follows from its entries (CNS-2, CNS-3).

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The way back from [`Self::as_str`].
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// A way to reach somebody; every purpose belongs to one.
    Channel {
        /// E-mail.
        Email = "email",
        /// Short messages.
        Sms = "sms",
        /// Letters.
        Post = "post",
    }
}

words! {
    /// What an entry says.
    Action {
        /// Consent is given.
        Grant = "grant",
        /// Consent is taken back, or refused.
        Withdraw = "withdraw",
    }
}

words! {
    /// What the processing stands on (GDPR, article 6 (1) a–f).
    LegalBasis {
        /// (a) the person agreed.
        Consent = "consent",
        /// (b) a contract needs it.
        Contract = "contract",
        /// (f) a legitimate interest.
        LegitimateInterest = "legitimate_interest",
        /// (c) the law demands it.
        LegalObligation = "legal_obligation",
        /// (d) somebody's life depends on it.
        VitalInterests = "vital_interests",
        /// (e) a task in the public interest.
        PublicTask = "public_task",
    }
}

words! {
    /// Where an entry came from.
    Source {
        /// A person at the contact's card.
        Card = "card",
        /// A form the contact filled in.
        Form = "form",
        /// An import; a declaration by its user (CNS-4).
        Import = "import",
        /// An integration.
        Api = "api",
        /// A contact manager job.
        ContactManager = "contact_manager",
        /// A scenario's action.
        Scenario = "scenario",
        /// The link in a message.
        Unsubscribe = "unsubscribe",
        /// Contacts that were merged, or parted again: the most restrictive word of all of them (CON-16).
        Merge = "merge",
    }
}

words! {
    /// What is shown of a channel; always projected from the ledger, never stored.
    ChannelStatus {
        /// Some purpose of the channel is granted.
        OptIn = "opt_in",
        /// Purposes were decided on and none is granted.
        OptOut = "opt_out",
        /// Nobody ever asked.
        None = "none",
        /// The address bounced hard; only e-mail knows this.
        Invalid = "invalid",
    }
}

impl ChannelStatus {
    /// The status of a channel whose purposes have these last words (`true`: granted).
    #[must_use]
    pub fn project(last_words: impl IntoIterator<Item = bool>) -> Self {
        let any_granted =
            last_words.into_iter().fold(None, |any, word| Some(any.unwrap_or(false) | word));
        Self::from_granted(any_granted)
    }

    /// The same from "is any of the decided purposes granted", as the database sums it up.
    #[must_use]
    pub fn from_granted(any_granted: Option<bool>) -> Self {
        match any_granted {
            Some(true) => Self::OptIn,
            Some(false) => Self::OptOut,
            None => Self::None,
        }
    }

    /// The status with the hard bounce laid over it.
    #[must_use]
    pub fn over(self, address_invalid: bool) -> Self {
        if address_invalid { Self::Invalid } else { self }
    }
}

words! {
    /// What is shown of a contact: muted, else unsubscribed, else subscribed.
    Display {
        /// Takes marketing where consent is given.
        Subscribed = "subscribed",
        /// Takes no marketing.
        Unsubscribed = "unsubscribed",
        /// Takes no message at all.
        Muted = "muted",
    }
}

impl Display {
    /// The shown state of the two independent flags.
    #[must_use]
    pub fn of(subscribed: bool, muted: bool) -> Self {
        match (muted, subscribed) {
            (true, _) => Self::Muted,
            (false, false) => Self::Unsubscribed,
            (false, true) => Self::Subscribed,
        }
    }
}

/// Characters of a purpose's name.
pub const MAX_PURPOSE_NAME_CHARS: usize = 64;

/// Whether it can name a purpose: it stands in mappings and filters (`consent:email_basic`), so it is a
/// plain word of lower-case letters, digits and underscores that begins with a letter.
#[must_use]
pub fn is_purpose_name(name: &str) -> bool {
    name.len() <= MAX_PURPOSE_NAME_CHARS
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CNS-1
    #[test]
    fn a_channel_is_opted_in_by_any_grant_and_out_by_withdrawals_alone() {
        for (words, status) in [
            (&[][..], ChannelStatus::None),
            (&[true][..], ChannelStatus::OptIn),
            (&[false][..], ChannelStatus::OptOut),
            (&[false, true][..], ChannelStatus::OptIn),
            (&[false, false][..], ChannelStatus::OptOut),
        ] {
            assert_eq!(ChannelStatus::project(words.iter().copied()), status, "{words:?}");
        }
        assert_eq!(ChannelStatus::OptIn.over(true), ChannelStatus::Invalid);
        assert_eq!(ChannelStatus::OptIn.over(false), ChannelStatus::OptIn);
    }

    #[test]
    fn mute_lies_over_subscription() {
        assert_eq!(Display::of(true, false), Display::Subscribed);
        assert_eq!(Display::of(false, false), Display::Unsubscribed);
        assert_eq!(Display::of(true, true), Display::Muted);
        assert_eq!(Display::of(false, true), Display::Muted);
    }

    #[test]
    fn words_find_back() {
        for source in Source::ALL {
            assert_eq!(Source::from_word(source.as_str()), Some(*source));
        }
        for basis in LegalBasis::ALL {
            assert_eq!(LegalBasis::from_word(basis.as_str()), Some(*basis));
        }
        assert_eq!(Channel::from_word("fax"), None);
    }

    /// CNS-2
    #[test]
    fn purposes_have_plain_names() {
        for name in ["email_basic", "a", "sms2"] {
            assert!(is_purpose_name(name), "{name}");
        }
        for name in ["", "Email", "2a", "_a", "a b", "č", "a:b", &"a".repeat(65)] {
            assert!(!is_purpose_name(name), "{name}");
        }
    }
}
