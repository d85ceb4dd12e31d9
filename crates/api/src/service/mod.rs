//! The server itself: is it alive, is it ready, what does it count, which keys sign, how is it explored.

pub mod fallback;
pub mod health;
pub mod keys;
pub mod metrics;
pub mod swagger;
