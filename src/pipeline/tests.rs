//! The schedule in virtual time and the ledger under random use. A test's name begins with the requirements of `docs/spec` that it proves.
//! Nothing here sleeps or reads a clock.
#![allow(clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod bounds;
mod chance;
mod closing;
mod endpoint;
mod epochs;
mod flushing;
mod grpc;
mod in_time;
mod late;
mod lives;
mod outage;
mod persistence;
mod requests;
mod results;
mod retrying;
mod slow;
mod telling;
mod told;
