//! What a contact, a consent, a match and a selection are, and what is allowed.
//!
//! This floor is pure: it knows neither database, network, clock nor files, so everything in it can be
//! tested with values alone and cannot fail for reasons outside its arguments.

pub mod activities;
pub mod actor;
pub mod classes;
pub mod codes;
pub mod companies;
pub mod consents;
pub mod contact_manager;
pub mod contacts;
pub mod coupons;
pub mod cursor;
pub mod documents;
pub mod duplicates;
pub mod erasures;
pub mod faults;
pub mod fields;
pub mod funnels;
pub mod ids;
pub mod imports;
pub mod integrity;
pub mod jobs;
pub mod opportunities;
pub mod outbox;
pub mod projects;
pub mod retention;
pub mod rules;
pub mod scenarios;
pub mod scopes;
pub mod segments;
pub mod tags;
pub mod webhooks;
