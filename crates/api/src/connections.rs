//! Connections on which nothing gets on are closed.
//!
//! actix bounds the head of the first request of a connection and the pause between two requests. It does
//! not bound the head of a later request that arrives byte by byte, nor an answer that the client does not
//! take. Both would keep a connection for ever (OWASP API4:2023, "slow loris" and "slow read").

use std::any::Any;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Extensions;
use actix_web::rt;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use socket2::{SockRef, Socket};

/// One connection, as the watcher sees it.
pub(crate) struct Connection {
    /// A second handle: closing it for both directions ends the first one too.
    socket: Socket,
    opened: Instant,
    /// Requests that are worked on, or whose answer is still on its way.
    running: AtomicU32,
    /// Milliseconds from `opened` to the last time something began or ended.
    moved: AtomicU64,
}

impl Connection {
    fn touch(&self) {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Relaxed);
    }

    /// How long nothing has been asked; `None` while something is worked on.
    fn idle(&self) -> Option<Duration> {
        if self.running.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        Some(self.opened.elapsed().saturating_sub(moved))
    }
}

/// For `HttpServer::on_connect`: watches every connection for `most` without anything getting on.
pub(crate) fn watch(most: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Clone {
    move |connection, data| {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
        let socket = SockRef::from(stream);
        // what was sent, or would be sent if the client had room, and is not acknowledged for so long
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Err(error) = socket.set_tcp_user_timeout(Some(most)) {
            tracing::debug!(%error, "a connection has no bound for slow readers");
        }
        let Ok(socket) = socket.try_clone() else { return };
        let connection = Arc::new(Connection {
            socket,
            opened: Instant::now(),
            running: AtomicU32::new(0),
            moved: AtomicU64::new(0),
        });
        rt::spawn(follow(Arc::downgrade(&connection), most));
        data.insert(connection);
    }
}

async fn follow(connection: Weak<Connection>, most: Duration) {
    let mut wait = most;
    loop {
        rt::time::sleep(wait).await;
        // gone when the connection is closed
        let Some(connection) = connection.upgrade() else { return };
        wait = match connection.idle() {
            None => most,
            Some(idle) if idle < most => most.saturating_sub(idle),
            Some(_) => {
                tracing::debug!("closed a connection on which nothing got on");
                let _ = connection.socket.shutdown(std::net::Shutdown::Both);
                return;
            }
        };
    }
}

/// A request is worked on; until it is dropped its connection is not idle.
pub(crate) struct Busy(Option<Arc<Connection>>);

impl Busy {
    pub(crate) fn with(request: &HttpRequest) -> Self {
        let connection = request.conn_data::<Arc<Connection>>().cloned();
        if let Some(connection) = &connection {
            connection.running.fetch_add(1, Ordering::Relaxed);
            connection.touch();
        }
        Self(connection)
    }

    /// The body of its answer; a stream keeps the connection busy to its end.
    pub(crate) fn until_the_end_of(self, body: BoxBody) -> BoxBody {
        match body.size() {
            BodySize::Stream => BoxBody::new(Held { body, _busy: self }),
            _ => body,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.touch();
            connection.running.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

struct Held {
    body: BoxBody,
    _busy: Busy,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
