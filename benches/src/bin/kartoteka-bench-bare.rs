//! What a read costs at least: actix and Diesel, the very query, row and JSON of the product, on the same pool
//! with as many connections and threads; and nothing else. No token, no limit, no queue, no log, no tag, no
//! problem documents. `kartoteka-bench` measures the product against it.
//!
//! Arguments: URL of the database, id of the workspace. Prints its address.

use std::error::Error;

use actix_web::web::{self, Data, Path};
use actix_web::{App, HttpResponse, HttpServer};
use kartoteka_api::page::{Page, encode_cursor};
use kartoteka_api::v1::contacts::view::ContactView;
use kartoteka_domain::ids::{ContactId, WorkspaceId};
use kartoteka_persistence::contacts::{list, read};
use kartoteka_persistence::{Db, Settings, StoreError};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections, as many as the product has by default.
const POOL: u32 = 16;

struct State {
    db: Db,
    workspace: WorkspaceId,
}

async fn contact(state: Data<State>, id: Path<Uuid>) -> HttpResponse {
    let id = ContactId(*id);
    let found = web::block(move || state.db.read(state.workspace, |tenant| read::get(tenant, id)));
    match found.await {
        Ok(Ok(Some(stored))) => HttpResponse::Ok().json(ContactView::from(stored)),
        _ => HttpResponse::InternalServerError().finish(),
    }
}

async fn contacts(state: Data<State>) -> HttpResponse {
    let found = web::block(move || -> Result<_, StoreError> {
        state.db.read(state.workspace, |tenant| {
            let (filter, sort) = (list::Filter::default(), list::Sort::default());
            list::page(tenant, &filter, None, &sort, None, 50)
        })
    });
    let Ok(Ok(found)) = found.await else { return HttpResponse::InternalServerError().finish() };
    let next = found.next.and_then(|at| encode_cursor("contacts 0123456789abcdef", &at).ok());
    let data: Vec<ContactView> = found.contacts.into_iter().map(ContactView::from).collect();
    HttpResponse::Ok().json(Page { data, next_cursor: next })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(workspace)) = (arguments.next(), arguments.next()) else {
        return Err("give the URL of the database and the id of the workspace".into());
    };
    let mut settings = Settings::new(url);
    settings.pool_size = POOL;
    "bare".clone_into(&mut settings.application_name);
    let state =
        Data::new(State { db: Db::connect(&settings), workspace: WorkspaceId(workspace.parse()?) });
    let workers = std::thread::available_parallelism()?.get();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/contacts/{id}", web::get().to(contact))
            .route("/contacts", web::get().to(contacts))
    });
    let server = server
        .workers(workers)
        .worker_max_blocking_threads((POOL as usize).div_ceil(workers) + 1)
        .bind("127.0.0.1:0")?;
    for address in server.addrs() {
        println!("{address}");
    }
    Ok(server.run().await?)
}
