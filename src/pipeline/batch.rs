//! One request on its way: encoded body, permits, history of attempts.
//! It refuses to decide anything about itself.

use bytes::Bytes;

use crate::{
    clock::Moment,
    error::ExportFailure,
    otlp::Layout,
    pipeline::{
        completion::{Fate, Outcome},
        lane::LaneId,
        ledger::Epoch,
        permit::Permit,
    },
    sink::ContentEncoding,
};

/// Number of a batch; grows in admission order, so the smallest is the oldest.
pub(crate) type BatchId = u64;

/// An encoded request with the permits of its spans.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) id: BatchId,
    pub(crate) lane: LaneId,
    /// In the order of their spans in the body; one per export call.
    pub(crate) permits: Vec<Permit>,
    /// The body as it goes out; clones share it.
    pub(crate) body: Bytes,
    pub(crate) encoding: ContentEncoding,
    /// Size before compression.
    pub(crate) encoded_bytes: u64,
    /// Where the spans lie in the uncompressed body.
    pub(crate) layout: Layout,
    /// When the call was admitted, for the latency in the statistics.
    pub(crate) admitted: Moment,
    pub(crate) history: History,
}

/// What has happened to a batch so far.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Attempts started.
    pub(crate) attempts: u32,
    /// Attempts that ended in a response that is not HTTP (F34).
    pub(crate) malformed: u32,
    /// When the batch is given up; set by the first attempt, or when a held endpoint keeps it from having one.
    pub(crate) deadline: Option<Moment>,
    /// Why the last attempt failed.
    pub(crate) last_failure: Option<ExportFailure>,
    /// Has been resent less compressed.
    pub(crate) less_compressed: bool,
    /// Had its final attempt of a shutdown.
    pub(crate) final_attempt: bool,
}

impl Batch {
    pub(crate) fn spans(&self) -> u64 {
        self.permits.iter().map(Permit::spans).sum()
    }

    /// The newest epoch among its permits.
    pub(crate) fn epoch(&self) -> Epoch {
        self.permits.iter().map(Permit::epoch).max().unwrap_or_default()
    }

    /// Adds facts to the outcome of every call in it.
    pub(crate) fn note(&self, mut note: impl FnMut(&mut Outcome)) {
        for permit in &self.permits {
            permit.note(&mut note);
        }
    }

    /// Records one fate for all its spans.
    pub(crate) fn settle(self, fate: Fate) {
        for permit in self.permits {
            permit.settle(fate);
        }
    }

    /// Records `rejected` spans as rejected, the rest as delivered. The endpoint does not say which ones; the last in
    /// wire order are taken.
    pub(crate) fn settle_partially(mut self, rejected: u64) {
        let mut left = rejected.min(self.spans());
        for permit in self.permits.iter_mut().rev() {
            let here = left.min(permit.spans());
            permit.settle_some(here, Fate::Rejected);
            left -= here;
        }
        self.settle(Fate::Delivered);
    }
}
