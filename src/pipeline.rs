//! From an admitted batch to a recorded fate: accounting, transform workers, schedule, I/O thread.
//! It refuses to know Node and the insides of a span.

pub mod completion;

pub(crate) mod batch;
pub(crate) mod classify;
pub(crate) mod compress;
pub(crate) mod dispatcher;
pub(crate) mod engine;
pub(crate) mod flush;
pub(crate) mod io;
pub(crate) mod lane;
pub(crate) mod ledger;
pub(crate) mod permit;
pub(crate) mod retry;
pub(crate) mod worker;
