//! Tests of the operations: a folder for each noun, a file for each verb.

mod audit;
mod auth;
mod clients;
mod consents;
mod contacts;
mod health;
pub(crate) mod imports;

mod tags;
mod trash;
mod users;
mod webhooks;
mod workspace;
