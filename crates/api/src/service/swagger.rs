//! Swagger UI out of the binary, and the document it shows.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::openapi;

/// Everything comes from here; Swagger UI sets styles in elements and shows icons as `data:`.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Adds `/openapi.json`, `/swagger-ui/` and the way there from `/`.
pub fn configure(config: &mut web::ServiceConfig) {
    let ui = SwaggerUi::new("/swagger-ui/{_:.*}").config(
        Config::from("/openapi.json")
            .display_request_duration(true)
            .try_it_out_enabled(true)
            .persist_authorization(false)
            .doc_expansion("none")
            .validator_url("none"),
    );
    config
        .route("/openapi.json", web::get().to(document))
        .service(web::redirect("/swagger-ui", "/swagger-ui/"))
        .service(web::redirect("/", "/swagger-ui/"))
        .service(
            web::scope("")
                .guard(actix_web::guard::fn_guard(|context| {
                    context.head().uri.path().starts_with("/swagger-ui/")
                }))
                .wrap(from_fn(with_policy))
                .service(ui),
        );
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::document_text())
}

async fn with_policy(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    Ok(response)
}
