//! Owners of contacts and what each of them may do (CON-12).

/// Owners of one contact.
pub const MAX_OWNERS: usize = 100;

/// How far somebody owns a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// May do everything.
    Main,
    /// Changes the contact, but neither deletes it nor says who owns it.
    CoOwner,
    /// Sees it.
    ReadOnly,
}

/// What somebody wants to do to a contact, as far as ownership decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Change it or what hangs on it: fields, tags, consents, flags, notes, activities, links; restore it.
    Change,
    /// Put it in the trash, or remove it for good.
    Delete,
    /// Say who owns it.
    ChangeOwners,
}

impl Level {
    /// All of them, the one that may most first.
    pub const ALL: &'static [Self] = &[Self::Main, Self::CoOwner, Self::ReadOnly];

    /// The word in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::CoOwner => "co_owner",
            Self::ReadOnly => "read_only",
        }
    }

    /// The way back from [`Level::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.as_str() == word)
    }

    /// Whether an owner of this level may do it. Who owns nothing of the contact is not asked here: the
    /// scopes of the token decide.
    #[must_use]
    pub const fn allows(self, deed: Deed) -> bool {
        match self {
            Self::Main => true,
            Self::CoOwner => matches!(deed, Deed::Change),
            Self::ReadOnly => false,
        }
    }
}

impl Deed {
    /// Words of the levels that forbid it, for statements.
    #[must_use]
    pub fn forbidden_to(self) -> Vec<&'static str> {
        let forbids = |level: &&Level| !level.allows(self);
        Level::ALL.iter().filter(forbids).map(|level| level.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-12
    #[test]
    fn each_level_may_what_it_says() {
        let may = |level: Level| {
            [Deed::Change, Deed::Delete, Deed::ChangeOwners].map(|deed| level.allows(deed))
        };
        assert_eq!(may(Level::Main), [true, true, true]);
        assert_eq!(may(Level::CoOwner), [true, false, false]);
        assert_eq!(may(Level::ReadOnly), [false, false, false]);
        assert_eq!(Deed::Change.forbidden_to(), ["read_only"]);
        assert_eq!(Deed::Delete.forbidden_to(), ["co_owner", "read_only"]);
        for level in Level::ALL {
            assert_eq!(Level::from_word(level.as_str()), Some(*level));
        }
        assert_eq!(Level::from_word("owner"), None);
    }
}
