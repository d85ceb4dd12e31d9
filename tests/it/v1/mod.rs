//! Tests of the operations: a folder for each noun, a file for each verb.

mod activities;
mod audit;
mod auth;
mod clients;
mod companies;
mod consents;
pub(crate) mod contact_manager;
pub(crate) mod contacts;
mod coupons;
pub(crate) mod documents;
mod duplicates;
mod erasures;
mod fields;
pub(crate) mod funnels;
mod groups;
mod health;
pub(crate) mod imports;
pub(crate) mod integrity;

mod merges;
mod opportunities;
mod projects;
mod retention;
mod rules;
pub(crate) mod scenarios;
pub(crate) mod segments;
mod tags;
mod trash;
mod users;
pub(crate) mod webhooks;
mod workspace;
