//! What a token may do. Scopes are few and plain; roles of users are sets of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($name:ident = $wire:literal, $means:literal;)+) => {
        /// One permission.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope { $(#[doc = $means] $name,)+ }

        impl Scope {
            /// All scopes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in a token.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// What it allows, in words.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $means),+ }
            }
        }

        impl FromStr for Scope {
            type Err = UnknownScope;
            fn from_str(word: &str) -> Result<Self, UnknownScope> {
                match word { $($wire => Ok(Self::$name),)+ _ => Err(UnknownScope(word.to_owned())) }
            }
        }
    };
}

scopes! {
    ContactsRead = "contacts:read", "see contacts and tags";
    ContactsWrite = "contacts:write", "make and change contacts and tags";
    ContactsDelete = "contacts:delete", "move contacts to the trash, restore and purge them";
    ConsentsRead = "consents:read", "see consents";
    ConsentsWrite = "consents:write", "grant and withdraw consents";
    ImportsRead = "imports:read", "see imports and their reports";
    ImportsWrite = "imports:write", "import lists and undo imports";
    ManagerRun = "manager:run", "run bulk actions";
    SegmentsRead = "segments:read", "see segments";
    SegmentsWrite = "segments:write", "make and change segments";
    CampaignsRead = "campaigns:read", "see campaigns";
    CampaignsWrite = "campaigns:write", "make and change campaigns";
    CampaignsSend = "campaigns:send", "send campaigns";
    EventsRead = "events:read", "see events";
    EventsWrite = "events:write", "report events";
    ScenariosRead = "scenarios:read", "see scenarios and rules";
    ScenariosWrite = "scenarios:write", "make and change scenarios and rules";
    InboxRead = "inbox:read", "see the inboxes";
    InboxWrite = "inbox:write", "work off the inboxes";
    DocumentsRead = "documents:read", "see documents";
    WebhooksWrite = "webhooks:write", "manage webhooks";
    Admin = "admin", "manage users, integrations and the workspace, and read the audit trail";
}

/// A word that is no scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownScope(pub String);

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a scope", self.0)
    }
}

impl std::error::Error for UnknownScope {}

/// What a person may do; a role is a set of scopes with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Administrator,
    /// Everything but the administration of the workspace.
    Manager,
    /// Works with contacts and prepares campaigns; neither deletes nor sends.
    Editor,
    /// Sees.
    Viewer,
}

impl Role {
    /// All roles.
    pub const ALL: &'static [Self] =
        &[Self::Administrator, Self::Manager, Self::Editor, Self::Viewer];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Manager => "manager",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    /// The scopes of the role.
    #[must_use]
    pub fn scopes(self) -> BTreeSet<Scope> {
        let all = Scope::ALL.iter().copied();
        match self {
            Self::Administrator => all.collect(),
            Self::Manager => all.filter(|scope| *scope != Scope::Admin).collect(),
            Self::Editor => all
                .filter(|scope| {
                    !matches!(
                        scope,
                        Scope::Admin
                            | Scope::ContactsDelete
                            | Scope::CampaignsSend
                            | Scope::ManagerRun
                            | Scope::WebhooksWrite
                    )
                })
                .collect(),
            Self::Viewer => all.filter(|scope| scope.as_str().ends_with(":read")).collect(),
        }
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|role| role.as_str() == word).ok_or(())
    }
}

/// Reads a space-separated list (RFC 6749, 3.3).
///
/// # Errors
/// Names the first word that is no scope.
pub fn parse_scopes(text: &str) -> Result<BTreeSet<Scope>, UnknownScope> {
    text.split_ascii_whitespace().map(str::parse).collect()
}

/// Writes them as RFC 6749 wants them.
#[must_use]
pub fn format_scopes(scopes: &BTreeSet<Scope>) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_back_as_they_were_written() {
        let all: BTreeSet<_> = Scope::ALL.iter().copied().collect();
        assert_eq!(parse_scopes(&format_scopes(&all)).unwrap(), all);
        assert_eq!(parse_scopes("contacts:read nonsense").unwrap_err().0, "nonsense");
    }

    /// PLT-1
    #[test]
    fn only_administrators_administer_and_viewers_only_read() {
        assert!(Role::Administrator.scopes().contains(&Scope::Admin));
        for role in [Role::Manager, Role::Editor, Role::Viewer] {
            assert!(!role.scopes().contains(&Scope::Admin));
        }
        assert!(Role::Viewer.scopes().iter().all(|scope| scope.as_str().ends_with(":read")));
    }
}
