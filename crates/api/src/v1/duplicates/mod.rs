//! Duplicates: pairs of contacts that are one (CON-16).

pub mod find;
pub mod list;
pub mod rejections;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on duplicates.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_duplicates)
        .service(find::find_duplicates)
        .service(rejections::list_rejections)
        .service(rejections::get_rejection)
        .service(rejections::put_rejection)
        .service(rejections::delete_rejection);
}
