//! Tracking: who came by a link.

pub mod get;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on tracking parameters.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get::get_tracking);
}
