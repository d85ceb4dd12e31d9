//! What sending mail needs from the operator.

pub use kartoteka_gateways::smtp::{NotARelay, Relay, Sender, Unfit};

/// Through whom messages go, and who they come from.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The mail server that takes them.
    pub relay: Relay,
    /// Who they come from.
    pub from: Sender,
}
