//! The operations: one folder for each noun, one file for each verb.
//!
//! Every noun has a `configure`; its line stands here.

use utoipa_actix_web::service_config::ServiceConfig;

/// All operations under `/api/v1`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    let _ = config;
}
