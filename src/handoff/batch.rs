//! Spans of one export call as JavaScript wrote them.

/// The spans of one `export()` call, still in the hand-off layout. `Send`; dropping it recycles its memory.
#[derive(Debug, Default)]
pub struct RawBatch {
    spans: u32,
    bytes: u64,
}

impl RawBatch {
    /// Spans that JavaScript committed.
    pub fn spans(&self) -> u32 {
        self.spans
    }

    /// Bytes of native memory this batch occupies: what the queue charges for it until it is encoded.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
