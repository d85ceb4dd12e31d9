//! Imports: one resource, ordered steps; `state` says where it stands and `next` what to call.

pub mod cancel;
pub mod commit;
pub mod create;
pub mod data;
pub mod errors;
pub mod get;
pub mod header;
pub mod list;
pub mod mapping;
pub mod matching;
pub mod plan;
pub mod revert;
pub mod rows;
pub mod run;
mod upload;
pub mod view;

pub use mapping::{MappingBody, MappingColumnBody, MappingColumnsBody};
pub use matching::MatchingBody;
pub use view::{ImportView, PlanView};

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations of this noun.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        // before `/imports/{id}`, which would take "run" for an id
        .service(run::run_import)
        .service(list::list_imports)
        .service(create::create_import)
        .service(get::get_import)
        .service(data::put_import_data)
        .service(header::put_import_header)
        .service(mapping::put_import_mapping)
        .service(matching::put_import_matching)
        .service(plan::get_import_plan)
        .service(commit::commit_import)
        .service(rows::list_import_rows)
        .service(errors::get_import_errors)
        .service(cancel::cancel_import)
        .service(revert::revert_import);
}
