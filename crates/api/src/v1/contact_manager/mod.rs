//! The contact manager: actions on the contacts of a selection (MGR).

pub mod actions;
pub mod body;
pub mod cancel;
pub mod contacts;
pub mod create;
pub mod get;
pub mod list;
pub mod recount;
pub mod undo;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations of this noun.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(actions::list_contact_manager_actions)
        .service(recount::recount_contacts)
        .service(create::create_contact_manager_job)
        .service(list::list_contact_manager_jobs)
        .service(get::get_contact_manager_job)
        .service(contacts::list_contact_manager_job_contacts)
        .service(cancel::cancel_contact_manager_job)
        .service(undo::undo_contact_manager_job);
}
