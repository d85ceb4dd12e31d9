//! The server: routes, layers, limits. The binary and the tests start this one.

use std::io;
use std::net::TcpListener;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::Method;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::connections;
use crate::links;
use crate::middleware::{around, follow};
use crate::problem::pages;
use crate::service::{fallback, health, keys, metrics, swagger};
use crate::settings::Settings;
use crate::state::{AppState, State};
use crate::v1;

/// Seconds that running requests get when the server is stopped.
const SHUTDOWN_SECONDS: u64 = 10;

/// Every route that is in the document.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(health::healthz)
        .service(health::readyz)
        .service(metrics::get_metrics)
        .service(keys::get_keys)
        .service(pages::get_problem_page)
        .configure(links::configure)
        .service(utoipa_actix_web::scope("/api/v1").configure(v1::configure));
}

/// A server on `listener`, not yet running: await it. Signals are the binary's business: it stops the server
/// by its handle, which lets running requests finish.
///
/// # Errors
/// The listener cannot be used.
pub fn serve(state: AppState, listener: TcpListener) -> io::Result<Server> {
    // built now, not by the first request
    let _ = crate::openapi::document_text();
    let workers = workers(state.settings());
    // A connection of a client stays with one worker, so all turns at the database may be taken there: with a
    // share of the threads, a request with a turn would wait for one while those of the other workers idle.
    let threads = state.most_at_once();
    let connections = state.settings().connections.div_ceil(workers);
    let (head_timeout, idle_timeout) =
        (state.settings().head_timeout, state.settings().idle_timeout);
    let state = State::new(state);
    let server = HttpServer::new(move || {
        let (app, _) = App::new()
            .app_data(state.clone())
            .into_utoipa_app()
            .configure(routes)
            .split_for_parts();
        app.configure(swagger::configure)
            .default_service(web::to(fallback::fallback))
            // the last one is the outermost
            .wrap(from_fn(follow))
            .wrap(Compress::default())
            .wrap(from_fn(around))
            .wrap(cors(state.settings()))
    });
    Ok(server
        .workers(workers)
        .worker_max_blocking_threads(threads)
        .max_connections(connections)
        .client_request_timeout(head_timeout)
        .on_connect(connections::watch(idle_timeout))
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run())
}

/// A server that answers `/metrics` only, without a token: for a listener that only the monitoring reaches.
///
/// # Errors
/// The listener cannot be used.
pub fn serve_metrics(state: AppState, listener: TcpListener) -> io::Result<Server> {
    let state = State::new(state);
    let server = HttpServer::new(move || {
        App::new().app_data(state.clone()).route("/metrics", web::get().to(only_metrics))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

async fn only_metrics(state: State) -> actix_web::HttpResponse {
    metrics::render(&state)
}

fn workers(settings: &Settings) -> usize {
    if settings.workers > 0 {
        return settings.workers;
    }
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

fn cors(settings: &Settings) -> Cors {
    let mut cors = Cors::default()
        // a browser sends Origin to its own server too: what is not allowed gets no headers, not an error
        .block_on_origin_mismatch(false)
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_any_header()
        .expose_headers([
            "ETag",
            "Location",
            "Content-Location",
            "Link",
            "X-Request-Id",
            "Retry-After",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotent-Replayed",
            "WWW-Authenticate",
        ])
        .max_age(600);
    for origin in &settings.cors_origins {
        cors = if origin == "*" { cors.allow_any_origin() } else { cors.allowed_origin(origin) };
    }
    cors
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::StatusCode;
    use actix_web::http::header::{ALLOW, CONTENT_TYPE};
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use actix_web::{HttpResponse, get};
    use kartoteka_app::Db;
    use serde_json::Value;

    use crate::tokens::KeyRing;

    use super::*;

    #[get("/panic")]
    async fn panics() -> HttpResponse {
        let broken: Result<u8, &str> = "secret".parse().map_err(|_not| "secret words");
        HttpResponse::Ok().body(broken.unwrap().to_string())
    }

    fn state() -> State {
        let settings = nowhere();
        State::new(AppState::new(
            Db::connect(&settings),
            KeyRing::ephemeral().unwrap(),
            Settings::default(),
        ))
    }

    /// A pool to nowhere: these tests never get that far.
    fn nowhere() -> kartoteka_app::DbSettings {
        let mut settings = kartoteka_app::DbSettings::new("postgresql://127.0.0.1:1/none");
        settings.wait = Duration::from_millis(50);
        settings
    }

    macro_rules! app {
        () => {{
            let state = state();
            let (app, _) = App::new()
                .app_data(state.clone())
                .into_utoipa_app()
                .configure(routes)
                .split_for_parts();
            init_service(
                app.configure(swagger::configure)
                    .service(panics)
                    .default_service(web::to(fallback::fallback))
                    .wrap(Compress::default())
                    .wrap(from_fn(around))
                    .wrap(cors(state.settings())),
            )
            .await
        }};
    }

    /// PLT-3
    #[actix_web::test]
    async fn whatever_goes_wrong_is_a_problem_document() {
        let app = app!();
        for (method, path, status, code) in [
            (Method::GET, "/nowhere", 404, "not_found"),
            (Method::GET, "/api/v1/nowhere", 404, "not_found"),
            (Method::POST, "/healthz", 405, "method_not_allowed"),
            (Method::GET, "/panic", 500, "internal_error"),
            (Method::GET, "/readyz", 503, "database_busy"),
            (Method::GET, "/metrics", 404, "not_found"),
            (Method::GET, "/problems/no_such_code", 404, "not_found"),
            (Method::GET, "/swagger-ui/no-such-file", 404, "not_found"),
        ] {
            let request =
                TestRequest::with_uri(path).method(method).insert_header(("X-Request-Id", "abc-1"));
            let response = actix_web::test::try_call_service(&app, request.to_request()).await;
            let (answered, headers, body) = match response {
                Ok(response) => {
                    let (status, headers) = (response.status(), response.headers().clone());
                    (status, headers, read_body_json::<Value, _>(response).await)
                }
                Err(error) => {
                    let response = error.error_response();
                    let (status, headers) = (response.status(), response.headers().clone());
                    let bytes = actix_web::body::to_bytes(response.into_body()).await.unwrap();
                    (status, headers, serde_json::from_slice(&bytes).unwrap())
                }
            };
            assert_eq!(answered.as_u16(), status, "{path}");
            assert_eq!(headers.get(CONTENT_TYPE).unwrap(), "application/problem+json", "{path}");
            assert_eq!(headers.get("x-request-id").unwrap(), "abc-1", "{path}");
            assert_eq!(body["code"], code, "{path}");
            assert_eq!(body["request_id"], "abc-1", "{path}");
            assert_eq!(body["type"], format!("/problems/{code}"), "{path}");
            assert!(!body.to_string().contains("secret words"), "{path}");
            if status == 405 {
                assert_eq!(headers.get(ALLOW).unwrap(), "GET, HEAD");
            }
        }
    }

    #[actix_web::test]
    async fn pages_and_the_document_are_served_with_their_policies() {
        let app = app!();
        for (path, kind, policy) in [
            ("/openapi.json", "application/json", "default-src 'none'; frame-ancestors 'none'"),
            ("/problems/invalid_email", "text/html; charset=utf-8", "style-src 'unsafe-inline'"),
            ("/swagger-ui/", "text/html", "script-src 'self'"),
            ("/swagger-ui/swagger-initializer.js", "text/javascript", "script-src 'self'"),
        ] {
            let response = call_service(&app, TestRequest::with_uri(path).to_request()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
            assert!(header("content-type").starts_with(kind), "{path}: {}", header("content-type"));
            assert!(header("content-security-policy").contains(policy), "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        }
        for path in ["/", "/swagger-ui"] {
            let response = call_service(&app, TestRequest::with_uri(path).to_request()).await;
            assert_eq!(response.headers().get("location").unwrap(), "/swagger-ui/");
        }
    }
}
