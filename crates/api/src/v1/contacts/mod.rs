//! Contacts, with what hangs on one: consents, flags, tags.

pub mod batch;
pub mod bulk_delete;
pub mod bulk_edit;
pub mod can_send;
pub mod consent_links;
pub mod consent_proof;
pub mod consent_requests;
pub mod consents;
pub mod count;
pub mod coupons;
pub mod create;
pub mod delete;
pub mod erase;
pub mod export;
pub mod flags;
pub mod get;
pub mod groups;
pub mod list;
pub mod notes;
pub mod owners;
pub mod patch;
pub mod query;
pub mod scenarios;
pub mod stages;
pub mod tags;
pub mod timeline;
pub mod upsert;
pub mod view;

use utoipa_actix_web::service_config::ServiceConfig;

use kartoteka_app::contacts::Stored;

use crate::extract::IfMatch;
use crate::problem::Problem;
use view::ContactView;

/// The operations on contacts. Paths with a word in the place of the id come before those with the id.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(count::count_contacts)
        .service(query::query_contacts)
        .service(list::count_listed_contacts)
        .service(batch::batch_contacts)
        .service(bulk_delete::bulk_delete_contacts)
        .service(bulk_edit::bulk_edit_contacts)
        .service(upsert::upsert_contact)
        .service(list::list_contacts)
        .service(create::create_contact)
        .service(get::get_contact)
        .service(patch::patch_contact)
        .service(delete::delete_contact)
        .service(export::export_contact)
        .service(erase::erase_contact)
        .service(consents::list_consents)
        .service(consent_proof::prove_consents)
        .service(consents::declare_consent)
        .service(consent_requests::list_consent_requests)
        .service(consent_requests::request_consent)
        .service(consent_links::get_consent_links)
        .service(can_send::can_send_contact)
        .service(flags::put_subscription)
        .service(flags::put_mute)
        .service(tags::put_contact_tag)
        .service(tags::delete_contact_tag)
        .service(groups::put_contact_group)
        .service(groups::delete_contact_group)
        .service(stages::list_contact_stages)
        .service(stages::put_contact_stage)
        .service(stages::delete_contact_stage)
        .service(coupons::list_contact_coupons)
        .service(timeline::list_timeline)
        .service(timeline::list_planned)
        .configure(notes::configure)
        .configure(owners::configure)
        .configure(scenarios::configure);
}

/// Refuses a change that was meant for another version of the contact.
pub(crate) fn unchanged(if_match: &IfMatch, now: &Stored) -> Result<(), Problem> {
    if if_match.is_given() { if_match.check(&ContactView::from(now.clone())) } else { Ok(()) }
}

/// The same where the contact may not exist yet: then no version of it is the one that was meant.
pub(crate) fn unchanged_or_new(if_match: &IfMatch, now: Option<&Stored>) -> Result<(), Problem> {
    match now {
        Some(now) => unchanged(if_match, now),
        None if if_match.is_given() => Err(Problem::new(
            kartoteka_domain::codes::Code::PreconditionFailed,
            "There is no contact with this key that If-Match could mean.",
        )),
        None => Ok(()),
    }
}
