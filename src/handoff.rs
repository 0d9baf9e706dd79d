//! The contract with `js/handoff.js`: block layout, block pool, decoder.
//! It refuses to know what becomes of a span: no wire format, no thread, no clock.

mod batch;

pub use batch::RawBatch;
