//! Who does something: needed by the consent ledger (CNS-3) and the audit trail (AUD-1).

use uuid::Uuid;

use crate::ids::{ClientId, UserId};

/// Whoever is behind a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(UserId),
    /// An integration.
    Client(ClientId),
    /// Kartoteka itself: start-up, retention, maintenance.
    System,
}

impl Actor {
    /// Word kept in the database and shown in answers.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Client(_) => "client",
            Self::System => "system",
        }
    }

    /// Id of the person or integration.
    #[must_use]
    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id.0),
            Self::Client(id) => Some(id.0),
            Self::System => None,
        }
    }

    /// The way back from [`Actor::kind`] and [`Actor::id`].
    #[must_use]
    pub fn from_parts(kind: &str, id: Option<Uuid>) -> Option<Self> {
        match (kind, id) {
            ("user", Some(id)) => Some(Self::User(UserId(id))),
            ("client", Some(id)) => Some(Self::Client(ClientId(id))),
            ("system", _) => Some(Self::System),
            _ => None,
        }
    }
}
