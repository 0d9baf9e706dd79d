//! Spans of one export call as JavaScript wrote them.

/// The spans of one `export()` call, still in the hand-off layout. `Send`; dropping it recycles its memory.
#[derive(Debug, Default)]
pub struct RawBatch {
    spans: u32,
    bytes: u64,
}

impl RawBatch {
    /// A batch without content, for tests of the pipeline with a transform of their own.
    #[cfg(any(test, feature = "testing"))]
    pub fn for_test(spans: u32, bytes: u64) -> Self {
        RawBatch { spans, bytes }
    }

    /// Spans that JavaScript committed.
    pub fn spans(&self) -> u32 {
        self.spans
    }

    /// Bytes of native memory this batch occupies: what the queue charges for it until it is encoded.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
