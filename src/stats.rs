//! Numbers that a user can read at any time, and the two identities that hold in each of them.
//! It refuses to be the source: the ledger fills it under its own lock.

use std::{ops::Index, time::Duration};

use crate::error::DropReason;

/// Spans by drop reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops([u64; DropReason::COUNT]);

impl Drops {
    /// Adds `spans` under `reason`.
    pub fn add(&mut self, reason: DropReason, spans: u64) {
        for (slot, each) in self.0.iter_mut().zip(DropReason::ALL) {
            if each == reason {
                *slot = slot.saturating_add(spans);
            }
        }
    }

    /// Sets `reason` to zero and returns what it was.
    pub fn take(&mut self, reason: DropReason) -> u64 {
        self.0.get_mut(reason as usize).map(std::mem::take).unwrap_or_default()
    }

    /// Spans dropped for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Reasons with at least one span, in their fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0).filter(|&(_, spans)| spans > 0)
    }
}

impl Index<DropReason> for Drops {
    type Output = u64;

    #[expect(clippy::indexing_slicing, reason = "the reasons number the slots: 0 to COUNT - 1")]
    fn index(&self, reason: DropReason) -> &u64 {
        &self.0[reason as usize]
    }
}

/// State of an endpoint's circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum BreakerState {
    /// Requests go out.
    #[default]
    Closed,
    /// Requests wait.
    Open,
    /// One request is under way to find out.
    HalfOpen,
}

impl BreakerState {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        }
    }
}

/// One consistent snapshot of an exporter, taken under the ledger's lock.
///
/// `offered == accepted + Σ refused` and `accepted == delivered + rejected + filtered + Σ dropped + pending`, always.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Spans that came in.
    pub offered: u64,
    /// Spans admitted to the queue.
    pub accepted: u64,
    /// Spans turned away at admission.
    pub refused: Drops,
    /// Spans that the endpoint took.
    pub delivered: u64,
    /// Spans that the endpoint refused in a partial success.
    pub rejected: u64,
    /// Spans that a rule of the user has dropped.
    pub filtered: u64,
    /// Spans lost after admission.
    pub dropped: Drops,
    /// Spans accepted and not yet terminal: queued, being transformed, buffered, in flight, waiting for a retry.
    pub pending: u64,
    /// Bytes charged for them.
    pub pending_bytes: u64,
    /// Requests under way.
    pub in_flight: u32,
    /// Exports whose result is still owed.
    pub exports_under_way: u32,
    /// Attempts begun: requests, or writes to a file.
    pub requests: u64,
    /// Bytes of their bodies, as compressed.
    pub sent_bytes: u64,
    /// Attempts that repeated an earlier one.
    pub retries: u64,
    /// State of the endpoint's breaker as this exporter saw it last.
    pub breaker: BreakerState,
    /// Time from admission to delivery of the batch delivered last.
    pub last_export_latency: Option<Duration>,
    /// The last attempt found nobody listening.
    pub refused_connection: bool,
    /// Threads of the engine, shared by all exporters; 0 before the first export.
    pub threads: u32,
    /// Threads could not be started or died too often: exports are refused with `internal_error`.
    pub degraded: bool,
}

impl Stats {
    /// Whether both identities hold.
    pub fn is_conserved(&self) -> bool {
        self.offered == self.accepted + self.refused.total()
            && self.accepted
                == self.delivered
                    + self.rejected
                    + self.filtered
                    + self.dropped.total()
                    + self.pending
    }
}
