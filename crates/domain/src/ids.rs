//! Ids are types, so that a contact's id cannot be passed where an import's is meant.
//!
//! All of them are UUIDv7 (RFC 9562), made by the application: they sort in order of creation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

id_types! {
    /// A tenant: everything else belongs to exactly one.
    WorkspaceId,
    /// A person who may log in.
    UserId,
    /// An integration.
    ClientId,
    /// A person or company the workspace keeps.
    ContactId,
    /// A tag of the workspace.
    TagId,
    /// Something consent can be given for.
    PurposeId,
    /// A question for a consent that the contact confirms.
    ConsentRequestId,
    /// A saved selection.
    SegmentId,
    /// One list on its way into the base.
    ImportId,
    /// A saved mapping.
    ImportTemplateId,
    /// Long work.
    JobId,
    /// A group of contacts.
    GroupId,
    /// A type of contacts.
    ContactTypeId,
    /// Stages that contacts go through.
    FunnelId,
    /// A stage of a funnel.
    StageId,
    /// A coupon of a contact.
    CouponId,
    /// A user-defined field.
    FieldId,
    /// What somebody wrote about a contact.
    NoteId,
    /// A company that contacts are linked to.
    CompanyId,
    /// Business that may come about.
    OpportunityId,
    /// Work that contacts have a part in.
    ProjectId,
    /// A call, meeting, task, letter or e-mail.
    ActivityId,
    /// A receiver of events.
    WebhookId,
    /// A rule or a scenario.
    DefinitionId,
    /// A contact on its way through a rule or a scenario.
    RunId,
    /// Something that happened.
    EventId,
    /// Contacts that were merged into one.
    MergeId,
    /// The erasure of a person.
    ErasureId,
    /// A file that Kartoteka made.
    DocumentId,
}
