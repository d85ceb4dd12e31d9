//! Contacts on their way through rules and scenarios (SCN-3).

pub mod create;
pub mod delete;
pub mod get;
pub mod list;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on runs of a contact.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_contact_scenarios)
        .service(create::start_scenario)
        .service(get::get_contact_scenario)
        .service(delete::end_scenario);
}
