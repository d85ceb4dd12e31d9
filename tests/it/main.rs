//! The one integration binary.

mod attacks;
mod auth_matrix;
mod bad_input;
mod bootstrap;
mod browser;
mod cluster;
mod connections;
mod deaths;
mod demo;
mod faults;
mod harness;
mod jobs;
mod logs;
mod openapi;
mod readme;
mod schema;
mod segments;
mod swagger;
mod takeover;
mod tidy;
mod upgrade;
mod v1;
