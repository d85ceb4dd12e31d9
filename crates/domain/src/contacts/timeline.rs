//! Kinds of things that happen to a contact (CON-18).

/// A kind of entry of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It was made.
    Created,
    /// Fields, tags or flags changed.
    Changed,
    /// It was put in the trash.
    Trashed,
    /// It came back.
    Restored,
    /// Somebody became or ceased to be an owner.
    Owner,
    /// It was linked to, or taken off, a company, an opportunity or a project.
    Linked,
    /// It was merged with others, or parted from them again.
    Merged,
    /// A consent was granted or withdrawn.
    Consent,
    /// A tag it carries was put on it.
    Tag,
    /// A note was written.
    Note,
    /// An activity took place.
    Activity,
    /// An import met it.
    Import,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Created,
        Self::Changed,
        Self::Trashed,
        Self::Restored,
        Self::Owner,
        Self::Linked,
        Self::Merged,
        Self::Consent,
        Self::Tag,
        Self::Note,
        Self::Activity,
        Self::Import,
    ];

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Trashed => "trashed",
            Self::Restored => "restored",
            Self::Owner => "owner",
            Self::Linked => "linked",
            Self::Merged => "merged",
            Self::Consent => "consent",
            Self::Tag => "tag",
            Self::Note => "note",
            Self::Activity => "activity",
            Self::Import => "import",
        }
    }

    /// Actions of the audit trail that are entries of this kind; for [`Kind::Changed`] those that are not,
    /// because another kind tells them better. Empty for kinds the trail knows nothing of.
    #[must_use]
    pub const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Trashed => &["contact.trash"],
            Self::Restored => &["contact.restore"],
            Self::Owner => &["contact.owner"],
            Self::Linked => &["contact.link", "contact.unlink"],
            Self::Merged => {
                &["contact.merge", "contact.unmerge", "contact.merged", "contact.unmerged"]
            }
            Self::Changed => &[
                "contact.create",
                "contact.trash",
                "contact.restore",
                "contact.owner",
                "contact.link",
                "contact.unlink",
                "contact.merge",
                "contact.unmerge",
                "contact.merged",
                "contact.unmerged",
                "consent.grant",
                "consent.withdraw",
            ],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-18: no line of the trail is told twice.
    #[test]
    fn what_has_a_kind_of_its_own_is_no_change() {
        for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Changed) {
            for action in kind.actions() {
                assert!(Kind::Changed.actions().contains(action), "{action}");
            }
        }
    }
}
