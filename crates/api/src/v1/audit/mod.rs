//! The audit trail (AUD-1).

mod list;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on the trail.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_audit);
}
