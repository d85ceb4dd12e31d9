//! The one integration binary.

mod harness;
mod readme;
mod segments;
mod v1;
