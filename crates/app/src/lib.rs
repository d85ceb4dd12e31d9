//! Use cases and jobs: what happens in which order.
//!
//! A use case is one function and one transaction. It knows rules (domain) and storage (persistence) and
//! nothing of HTTP: a status code here would be in the wrong room.

pub mod context;
pub mod error;

pub use context::Context;
pub use error::Error;
