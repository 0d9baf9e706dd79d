//! The contract with `js/handoff/`: block layout, block pool, decoder.
//! It refuses to know what becomes of a span: no wire format, no thread, no clock.

mod batch;
mod decoder;
mod layout;
mod memory;
mod open_batch;
mod pool;
mod reader;
mod text;

pub use batch::{RawBatch, Segment};
pub use decoder::{HandoffError, decode};
pub use open_batch::OpenBatch;
pub use pool::{BlockLease, BlockPool};
