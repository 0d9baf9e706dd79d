//! One request on its way: encoded body, permits, history of attempts.
//! It refuses to decide anything about itself.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    clock::Moment,
    error::ExportFailure,
    otlp::Layout,
    pipeline::{
        completion::{Fate, Outcome},
        ids::{BatchId, CallId, Epoch, LaneId},
        ledger::Eviction,
        permit::Permit,
    },
    sink::ContentEncoding,
};

/// An encoded request with the permits of its spans.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) id: BatchId,
    pub(crate) lane: LaneId,
    /// Tag of the export call it was made of.
    pub(crate) call: CallId,
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
    /// Requests made for the same spans before the batch was split.
    pub(crate) requests_before: u32,
    /// Attempts that ended in a response that is not HTTP (F34).
    pub(crate) malformed: u32,
    /// When the batch is given up; set by the first attempt, or when a held endpoint keeps it from having one.
    pub(crate) deadline: Option<Moment>,
    /// Why the last attempt failed.
    pub(crate) last_failure: Option<ExportFailure>,
    /// Has been resent less compressed.
    pub(crate) less_compressed: bool,
    /// What it was compressed with when the endpoint called it a bad request: to be remembered if that was it.
    pub(crate) suspect: Option<ContentEncoding>,
    /// Had its final attempt of a shutdown.
    pub(crate) final_attempt: bool,
    /// Its ordinary wait did not fit into the time that was left: the attempt after a shorter one is the last.
    pub(crate) hurried: bool,
    /// An ordinary wait has been shortened, because it left too little time for the answer.
    pub(crate) brought_forward: bool,
    /// The longest that an answer to one of its attempts has taken.
    pub(crate) answer_time: Option<Duration>,
    /// The last attempt had all the time that was left.
    pub(crate) has_all_time: bool,
}

impl History {
    /// Requests made for these spans.
    pub(crate) fn requests(&self) -> u32 {
        self.requests_before + self.attempts
    }
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

    /// Spans whose fate is open: eviction and abandoned shutdowns void permits.
    pub(crate) fn live_spans(&self) -> u64 {
        self.permits.iter().filter(|permit| permit.is_live()).map(Permit::spans).sum()
    }

    /// It comes to wait. Returns what has to go for it.
    pub(crate) fn park(&self) -> Vec<Eviction> {
        self.permits.iter().map(|permit| permit.park(self.id)).collect()
    }

    /// Its time to go out has come; false if all its permits have been voided meanwhile.
    pub(crate) fn unpark(&self) -> bool {
        self.permits.iter().fold(false, |live, permit| permit.unpark() | live)
    }

    /// Charges the present size of the body.
    pub(crate) fn recharge(&self) {
        let permits = self.permits.len() as u64;
        let share = (self.body.len() as u64).checked_div(permits).unwrap_or_default();
        self.permits.iter().for_each(|permit| permit.recharge(share));
    }

    /// Moves the first `spans` spans, in wire order, to permits of their own.
    pub(crate) fn split_permits(&mut self, mut spans: u64) -> Vec<Permit> {
        let mut first = Vec::new();
        while spans > 0 && !self.permits.is_empty() {
            let Some(permit) = self.permits.first_mut() else { break };
            if permit.spans() <= spans {
                spans -= permit.spans();
                first.push(self.permits.remove(0));
            } else {
                first.push(permit.split(spans));
                spans = 0;
            }
        }
        first
    }

    /// Records one fate for all its spans; `detail` words a drop better than its reason does.
    pub(crate) fn settle(mut self, fate: Fate, detail: Option<&str>) {
        for permit in &mut self.permits {
            permit.settle_some(permit.spans(), fate, detail);
        }
    }

    /// Records `rejected` spans as rejected, the rest as delivered. The endpoint does not say which ones; the last in
    /// wire order are taken.
    pub(crate) fn settle_partially(mut self, rejected: u64) {
        let mut left = rejected.min(self.spans());
        for permit in self.permits.iter_mut().rev() {
            let here = left.min(permit.spans());
            permit.settle_some(here, Fate::Rejected, None);
            left -= here;
        }
        self.settle(Fate::Delivered, None);
    }
}
