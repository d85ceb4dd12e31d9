//! The private PostgreSQL: what makes `kartoteka serve` work on a machine where nobody has set
//! up a database.
//!
//! [`Cluster::start`] finds the PostgreSQL programs of the machine, lays a cluster into the data
//! directory at the first start, starts it, and hands out a connection URL. What it promises:
//!
//! * **Only this machine, only this user.** No TCP port is opened; the Unix socket lies in a
//!   directory with mode 0700.
//! * **Nothing is lost.** `fsync` stays on, data checksums are on, stopping is a clean shutdown.
//! * **Root is fine.** PostgreSQL refuses to run as root, see [`identity`] for the ways around.
//! * **`kill -9` is fine.** The server outlives a killed application on purpose; the next start
//!   adopts it. A left-over `postmaster.pid` is cleaned away only when it is proven stale.
//! * **Several processes share one server.** Each holds a lease; the last to leave stops it.
//!
//! The supervisor needs the standard library and one call of libc, no client library: readiness
//! is read from `postmaster.pid`, the first database is created in single-user mode.

mod binaries;
mod cluster;
mod error;
mod identity;
mod layout;
mod locks;
mod platform;
mod postmaster;
mod settings;

pub use binaries::{Binaries, MINIMUM_MAJOR};
pub use cluster::{Cluster, Options, Stopped};
pub use error::PostgresError;
