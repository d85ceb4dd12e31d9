//! The wish to stop: SIGTERM (a service manager), SIGINT (Ctrl-C), SIGHUP (the terminal is
//! gone).
//!
//! Listening begins before the private PostgreSQL is started, so that a signal in the middle of
//! a start does not leave the server behind.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells whether the process has been asked to stop. Clones see the same.
#[derive(Debug, Clone)]
pub struct Shutdown {
    asked: watch::Receiver<bool>,
}

impl Shutdown {
    /// Starts listening for signals. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// When the system does not let the process handle a signal.
    pub fn listen() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                    _ = hang_up.recv() => "SIGHUP",
                };
                tracing::info!(signal = name, "stopping");
                ask.send_replace(true);
            }
        });
        Ok(Self { asked })
    }

    /// Whether the process has been asked to stop.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Resolves when the process is asked to stop.
    pub async fn asked(&self) {
        let mut asked = self.asked.clone();
        // The sender lives as long as the runtime.
        let _ = asked.wait_for(|asked| *asked).await;
    }
}
