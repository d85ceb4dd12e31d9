//! How Kartoteka speaks to other systems.
//!
//! Each module knows the bytes of one kind of system and nothing of what they are for.

pub mod jwks;
pub mod smtp;
pub mod webhooks;
