//! The one integration binary.

mod harness;
mod segments;
mod v1;
