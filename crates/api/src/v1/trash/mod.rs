//! The trash: deleted contacts, until they come back or are removed for good.

pub mod list;
pub mod purge;
pub mod restore;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on the trash.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(restore::restore_contacts)
        .service(purge::purge_contacts)
        .service(list::list_trash)
        .service(restore::restore_contact)
        .service(purge::purge_contact);
}
