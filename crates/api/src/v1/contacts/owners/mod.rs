//! Owners of a contact (CON-12).

pub mod delete;
pub mod get;
pub mod list;
pub mod put;

use utoipa_actix_web::service_config::ServiceConfig;

use kartoteka_app::contacts::owners::Owner;

use super::view::OwnerView;

/// The operations on owners.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_owners)
        .service(get::get_owner)
        .service(put::put_owner)
        .service(delete::delete_owner);
}

impl From<Owner> for OwnerView {
    fn from(owner: Owner) -> Self {
        let Owner { user_id, email, level, added_at: _ } = owner;
        Self { user_id, email, level }
    }
}
