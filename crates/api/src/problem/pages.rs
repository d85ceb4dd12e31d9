//! The pages behind `type`: `/problems/{code}`, generated from the table of codes.

use actix_web::{HttpResponse, get, web};

use kartoteka_domain::codes::Code;

use super::Problem;
use super::codes::status_of;

/// Pages hold no script and load nothing.
const PAGE_CSP: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// Explain a problem code
///
/// A page for people: what the code means and with which status it comes.
#[utoipa::path(
    tag = "service",
    operation_id = "get_problem_page",
    params(("code" = String, Path, description = "The code of a problem document", example = "validation_failed")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html",
        example = json!("<!doctype html><title>validation_failed</title>"))),
    security(()),
)]
#[get("/problems/{code}")]
pub(crate) async fn get_problem_page(code: web::Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::from_wire(&code).ok_or_else(Problem::not_found)?;
    let status = status_of(code);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", PAGE_CSP))
        .body(page(
            code.as_str(),
            &format!(
                "<h1>{}</h1><p><code>{code}</code> comes with status {}, or as one of the <code>errors</code> of a \
                 request and the <code>problems</code> of an imported row.</p>\
                 <p><code>detail</code> of the answer says what is wrong this time; <code>request_id</code> finds it \
                 in the log of the server.</p>",
                code.title(),
                status.as_u16(),
            ),
        )))
}

/// A plain page. Both arguments are ours, never a caller's.
#[must_use]
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} · Kartoteka</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}</style>\
         {body}</html>"
    )
}
