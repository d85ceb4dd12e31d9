//! The short forms of `make faults`: the same scenarios with smaller counts. Only what does not depend on
//! how busy the machine is is judged here.

mod connections;
mod disk;
mod idempotency;
mod imports;
mod jobs;
mod overload;
mod requests;
