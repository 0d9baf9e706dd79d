//! From an admitted batch to a recorded fate: accounting, transform workers, schedule, I/O thread.
//! It refuses to know Node and the insides of a span.

pub mod completion;

pub mod faults;
pub mod notice;

pub(crate) mod batch;
pub(crate) mod breaker;
pub(crate) mod classify;
pub(crate) mod compress;
pub(crate) mod dispatcher;
pub(crate) mod drain;
pub(crate) mod drop_log;
pub(crate) mod due;
pub(crate) mod endpoint;
pub(crate) mod engine;
pub(crate) mod exit_times;
pub(crate) mod flush;
pub(crate) mod health;
pub(crate) mod ids;
pub(crate) mod io;
pub(crate) mod lane;
pub(crate) mod ledger;
pub(crate) mod messages;
pub(crate) mod permit;
pub(crate) mod platform;
pub(crate) mod process_end;
pub(crate) mod retry;
pub(crate) mod server_message;
pub(crate) mod shutdown;
pub(crate) mod told;
pub(crate) mod window;
pub(crate) mod worker;

#[cfg(test)]
mod lives;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
