//! Spans of one export call as JavaScript wrote them.
//! It refuses to look inside: that is the decoder's.

use super::{error::HandoffError, pool::BlockLease};
use crate::span::owned::OwnedSpan;

/// The spans of one `export()` call, still in the hand-off layout. `Send`; dropping it recycles its memory.
#[derive(Debug, Default)]
pub struct RawBatch {
    segments: Vec<Segment>,
    spans: u32,
    bytes: u64,
    call: u32,
    is_abandoned: bool,
    /// A span that native code made, instead of segments.
    made: Option<Box<OwnedSpan>>,
}

/// A run of records.
#[derive(Debug)]
pub struct Segment(Storage);

#[derive(Debug)]
enum Storage {
    /// Part of a block that JavaScript wrote.
    Block { lease: BlockLease, start: usize, end: usize },
    /// A copy, where the runtime forbids memory that is not its own.
    Owned(Box<[u8]>),
}

impl Segment {
    /// Words `start..end` of a block.
    pub fn in_block(lease: BlockLease, start_word: u32, end_word: u32) -> Self {
        Self(Storage::Block { lease, start: start_word as usize * 8, end: end_word as usize * 8 })
    }

    /// A copy of such words.
    pub fn copied(bytes: &[u8]) -> Self {
        Self(Storage::Owned(bytes.into()))
    }

    fn len(&self) -> usize {
        match &self.0 {
            Storage::Block { start, end, .. } => end.saturating_sub(*start),
            Storage::Owned(bytes) => bytes.len(),
        }
    }

    pub(super) fn bytes(&self) -> Result<&[u8], HandoffError> {
        match &self.0 {
            Storage::Block { lease, start, end } => {
                lease.read(*start, *end).ok_or(HandoffError("segment is not committed"))
            }
            Storage::Owned(bytes) => Ok(bytes),
        }
    }
}

impl RawBatch {
    /// `spans`: the span records that `segments` hold.
    pub fn new(segments: Vec<Segment>, spans: u32) -> Self {
        let bytes = segments.iter().map(|segment| segment.len() as u64).sum();
        Self { segments, spans, bytes, ..Self::default() }
    }

    /// A batch of one span that JavaScript did not write.
    pub fn made(span: OwnedSpan) -> Self {
        Self { spans: 1, bytes: span.bytes(), made: Some(Box::new(span)), ..Self::default() }
    }

    /// A batch without content, for tests of the pipeline with a transform of their own.
    #[cfg(any(test, feature = "testing"))]
    pub fn for_test(spans: u32, bytes: u64) -> Self {
        RawBatch { spans, bytes, ..RawBatch::default() }
    }

    /// Remembers which export call this is; it comes back with every request made of it.
    pub fn with_call(mut self, call: u32) -> Self {
        self.call = call;
        self
    }

    /// Its environment went before all long texts were written: spans that lack one are lost to that.
    pub fn abandoned(mut self) -> Self {
        self.is_abandoned = true;
        self
    }

    /// Whether its environment went before it was complete.
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// Tag of the export call.
    pub fn call(&self) -> u32 {
        self.call
    }

    /// Prepares blocks for the next batches, on the calling (worker) thread.
    pub fn top_up_pool(&self) {
        if let Some(Storage::Block { lease, .. }) = self.segments.first().map(|segment| &segment.0)
        {
            lease.top_up_pool();
        }
    }

    /// Spans that JavaScript committed.
    pub fn spans(&self) -> u32 {
        self.spans
    }

    /// Bytes of native memory this batch occupies: what the queue charges for it until it is encoded.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn made_span(&self) -> Option<&OwnedSpan> {
        self.made.as_deref()
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}
