//! The one integration binary.

mod harness;
mod v1;
