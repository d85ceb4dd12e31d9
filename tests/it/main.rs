//! The one integration binary.

mod bootstrap;
mod harness;
mod readme;
mod segments;
mod v1;
