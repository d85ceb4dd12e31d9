//! What a contact, a consent, a match and a selection are, and what is allowed.

pub mod contacts;
