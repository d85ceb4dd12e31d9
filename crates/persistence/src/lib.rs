//! How contacts are kept and found in PostgreSQL.
//!
//! Every statement of Kartoteka stands on this floor. Whoever wants to reach the data of a workspace
//! needs a [`Tenant`]; only [`Db`] makes one, and every query through it carries the workspace.

pub mod access;
pub mod activities;
pub mod classes;
pub mod companies;
pub mod consents;
pub mod contact_manager;
pub mod contacts;
pub mod coupons;
pub mod db;
pub mod definitions;
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
pub mod opportunities;
pub mod outbox;
pub mod projects;
pub mod records;
pub mod retention;
pub mod segments;
pub mod sql;
pub mod tags;
pub mod webhooks;
pub mod workspaces;

pub use db::{Db, MIGRATIONS, Settings, Tenant, probe};
pub use error::StoreError;
