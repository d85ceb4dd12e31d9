//! `kartoteka serve`: the API, and unless told otherwise the worker, until a signal comes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use kartoteka_api::{AppState, serve, serve_metrics};
use kartoteka_app::clock::{Clock, SystemClock};
use tokio::net::TcpSocket;
use tokio::task::spawn_blocking;

use super::worker::Worker;
use super::{CommandResult, demo, erasures, print};
use crate::config::Config;
use crate::database::Database;
use crate::installation::{ensure_configured, welcome};
use crate::keys::Keys;
use crate::metrics;
use crate::opening::{open, pool, request_pool};
use crate::shutdown::Shutdown;
use crate::wiring::api_settings;

/// Starts everything, waits, stops everything: first the door, the private server last.
pub(super) async fn run(mut config: Config, with_worker: bool) -> CommandResult {
    let shutdown = Shutdown::listen()?;
    // Before anything slow or lasting is done: is the address free?
    let listener = bind(config.listen)?;
    let metrics_listener = config.metrics_listen.map(bind).transpose()?;
    if config.listen.port() == 0 {
        config.listens_on(listener.local_addr()?);
    }

    let config = Arc::new(config);
    let (opening, asked) = (Arc::clone(&config), shutdown.clone());
    let database = spawn_blocking(move || open(&opening, Some(&asked))).await??;
    let watch = database.look_after();
    let doors = Doors { listener, metrics_listener };
    let served = serve_on(&config, &database, doors, with_worker, &shutdown).await;
    if let Some(watch) = watch {
        watch.abort();
    }
    spawn_blocking(move || database.close()).await??;
    served
}

/// Where requests come in.
struct Doors {
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
}

async fn serve_on(
    config: &Config,
    database: &Database,
    doors: Doors,
    with_worker: bool,
    shutdown: &Shutdown,
) -> CommandResult {
    let clock = SystemClock;
    let keys = Keys::open(&config.keys_dir, clock.now())?;
    let starting = pool(config, database, "kartoteka start", 1);
    let installed = ensure_configured(config, &starting, clock.now())?;
    drop(starting);
    erasures::replay_own(config, database);
    if config.demo && installed.administrator.is_some() {
        demo::fill(config, database, &keys, installed.workspace)?;
    }
    let state = AppState::with(
        request_pool(config, database),
        keys.ring()?,
        api_settings(config, &keys),
        Arc::new(clock),
        Some(metrics::start()?),
    );
    let metrics_server = doors
        .metrics_listener
        .map(|listener| serve_metrics(state.clone(), listener))
        .transpose()?;
    tracing::info!(address = %doors.listener.local_addr()?, "listening");
    let server = serve(state, doors.listener)?;
    let door = server.handle();
    let mut running = tokio::spawn(server);
    let measuring = metrics_server.map(tokio::spawn);

    let worker = with_worker.then(|| Worker::start(config, database, &keys)).transpose()?;
    print(&welcome(config, database, &installed))?;

    let broke_off = tokio::select! {
        () = shutdown.asked() => None,
        ended = &mut running => Some(ended),
    };
    // Requests drain while jobs finish their step.
    tokio::join!(door.stop(true), stop(worker));
    match broke_off {
        Some(ended) => ended??,
        None => running.await??,
    }
    if let Some(measuring) = measuring {
        measuring.abort();
    }
    Ok(())
}

async fn stop(worker: Option<Worker>) {
    if let Some(worker) = worker {
        worker.stop().await;
    }
}

/// Connections that wait to be accepted. The standard library's 128 are one crowd: of the next ones the system
/// drops the first packet, and their clients try again after a second.
const BACKLOG: u32 = 1024;

/// Needs the runtime, which a socket of `tokio` belongs to.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // a restart need not wait for the connections of the last run to be forgotten
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    listen().map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}
