//! Scenarios in use. They are made and changed in [`crate::definitions`].

pub mod bulk;
