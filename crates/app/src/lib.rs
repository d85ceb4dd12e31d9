//! Use cases and jobs: what happens in which order.
//!
//! A use case is one function and one transaction. It knows rules (domain) and storage (persistence) and
//! nothing of HTTP: a status code here would be in the wrong room.

pub mod access;
pub mod activities;
pub mod classes;
pub mod clock;
pub mod companies;
pub mod consents;
pub mod contact_manager;
pub mod contacts;
pub mod context;
pub mod coupons;
pub mod definitions;
pub mod demo;
pub mod documents;
pub mod duplicates;
pub mod erasures;
pub mod error;
pub mod fields;
pub mod frozen;
pub mod funnels;
pub mod imports;
pub mod integrity;
pub mod jobs;
pub mod mail;
pub mod opportunities;
pub mod outbox;
pub mod projects;
pub mod records;
pub mod retention;
pub mod segments;
pub mod tags;
pub mod templates;
pub mod tracking;
pub mod trash;
pub mod webhooks;
pub mod worker;

pub use context::Context;
pub use error::Error;
// the floor above opens transactions through these, and never a statement
pub use kartoteka_persistence::{Db, Settings as DbSettings, StoreError, Tenant};
