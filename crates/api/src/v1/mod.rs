//! The operations: one folder for each noun, one file for each verb.
//!
//! Every noun has a `configure`; its line stands here.

pub mod activities;
pub mod audit;
pub mod auth;
pub mod clients;
pub mod companies;
pub mod contact_manager;
pub mod contact_types;
pub mod contacts;
pub mod coupons;
pub mod definitions;
pub mod documents;
pub mod duplicates;
pub mod erasures;
pub mod fields;
pub mod funnels;
pub mod groups;
pub mod import_templates;
pub mod imports;
pub mod integrity;
pub mod jobs;
pub mod merges;
pub mod opportunities;
pub mod projects;
pub mod purposes;
pub mod records;
pub mod rules;
pub mod scenarios;
pub mod segments;
pub mod tags;
pub mod tracking;
pub mod trash;
pub mod users;
pub mod webhooks;
pub mod workspace;

use utoipa_actix_web::service_config::ServiceConfig;

/// All operations under `/api/v1`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .configure(auth::configure)
        .configure(users::configure)
        .configure(clients::configure)
        .configure(workspace::configure)
        .configure(audit::configure)
        .configure(integrity::configure)
        .configure(merges::configure)
        .configure(contacts::configure)
        .configure(contact_manager::configure)
        .configure(import_templates::configure)
        .configure(imports::configure)
        .configure(jobs::configure)
        .configure(tags::configure)
        .configure(groups::configure)
        .configure(contact_types::configure)
        .configure(funnels::configure)
        .configure(coupons::configure)
        .configure(fields::configure)
        .configure(purposes::configure)
        .configure(trash::configure)
        .configure(companies::configure)
        .configure(opportunities::configure)
        .configure(projects::configure)
        .configure(activities::configure)
        .configure(segments::configure)
        .configure(rules::configure)
        .configure(scenarios::configure)
        .configure(documents::configure)
        .configure(tracking::configure)
        .configure(duplicates::configure)
        .configure(erasures::configure)
        .configure(webhooks::configure);
}
