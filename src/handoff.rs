//! The contract with `js/handoff/`: block layout, block pool, decoder.
//! It refuses to know what becomes of a span: no wire format, no thread, no clock.

mod batch;
mod bulk_record;
mod decoder;
mod error;
mod layout;
mod memory;
mod open_batch;
mod pool;
mod reader;
mod text;

pub use batch::{RawBatch, Segment};
pub use bulk_record::{BULK_HEADER_BYTES, latin1_record_head};
pub use decoder::decode;
pub use error::HandoffError;
pub use open_batch::OpenBatch;
pub use pool::{BlockLease, BlockPool};
