//! What handlers take as arguments. Permission and validity are extractors: a handler that does not name
//! the proof has no workspace to ask for, and one that names it cannot forget to check.

pub mod body;
pub mod caller;
pub mod form;
pub mod headers;
pub mod json;
pub mod path;
pub mod query;
pub mod strict;

pub use body::{Chunks, read_limited};
pub use caller::{AnyScope, Caller, Proves, Scoped, scope};
pub use form::ValidForm;
pub use headers::{IdempotencyKey, IfMatch};
pub use json::{Fingerprint, JsonObject, ValidJson, nullable};
pub use path::Path;
pub use query::Query;
