//! What the network has said about one endpoint: refused, unreachable, no such name, no trust, or that it is there.
//! It refuses to know what answers say: those are for the exporter that asked (`told`).

use crate::{
    clock::Moment,
    config::RetryPolicy,
    error::{DropReason, ExportFailure},
    pipeline::{
        breaker::{Breaker, Gate, ProbeRight},
        retry::Jitter,
    },
    stats::BreakerState,
    verdict::{Cause, Network},
};

/// What the network has said about one endpoint; every lane whose connections go there the same way shares it.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    breaker: Breaker,
    /// The last failure, for batches that are given up without an attempt of their own.
    trouble: Option<(DropReason, ExportFailure)>,
}

impl Endpoint {
    /// Whether a request may go out. `hurry`: somebody waits for an attempt, or it is the last chance.
    pub(crate) fn gate(&self, now: Moment, hurry: bool) -> Gate {
        self.breaker.gate(now, hurry)
    }

    /// The request that goes out next is a probe, as the gate has asked for.
    pub(crate) fn probe(&mut self, now: Moment) -> ProbeRight {
        self.breaker.probe(now)
    }

    /// Learns from the result of a request, which may have had the `right` to probe. Returns whether the endpoint holds
    /// from now on although it did not before.
    pub(crate) fn learn(
        &mut self,
        now: Moment,
        policy: &RetryPolicy,
        right: Option<ProbeRight>,
        network: Network,
        failure: Option<(Cause, &ExportFailure)>,
        jitter: &mut Jitter,
    ) -> bool {
        let was_closed = self.breaker.state() == BreakerState::Closed;
        match network {
            Network::Up => {
                self.breaker.success(now);
                self.trouble = None;
            }
            Network::Down => {
                self.breaker.failure(now, right.as_ref(), policy.max_breaker_open, jitter);
                self.trouble = failure.map(|(cause, failure)| (cause.reason(), failure.clone()));
            }
            // A probe that was not refused: what is silent for one may answer the others, who have waited for it.
            Network::Silent => {
                if right.is_some_and(|right| self.breaker.waits_for(&right)) {
                    self.breaker.success(now);
                }
            }
            // With its right a probe is gone without a result: the next request may find out.
            Network::Unknown => drop(right),
        }
        was_closed && self.breaker.state() == BreakerState::Open
    }

    /// What to tell about a batch that was held until its time was over.
    pub(crate) fn trouble(&self) -> Option<(DropReason, ExportFailure)> {
        self.trouble.clone()
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Whether `right` is the one that its breaker waits for.
    #[cfg(test)]
    pub(crate) fn waits_for(&self, right: &ProbeRight) -> bool {
        self.breaker.waits_for(right)
    }
}
