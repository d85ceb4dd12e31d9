//! Contacts.

pub mod count;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on contacts.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(count::count_contacts);
}
