//! What the process has learnt about one endpoint: health, pauses, retry budget, what it accepts.
//! It refuses to know batches; every lane that sends there shares it.

use std::time::Duration;

use crate::{
    clock::Moment,
    config::RetryPolicy,
    error::{DropReason, ExportFailure},
    pipeline::{
        breaker::{Breaker, Gate, ProbeRight},
        classify::Cause,
        retry::Jitter,
    },
    sink::ContentEncoding,
    stats::BreakerState,
};

/// Tokens that the retry budget holds at most, and at the start.
const BUDGET_MAX: f64 = 10.0;
/// Tokens that a success earns; a retry costs one.
const BUDGET_PER_SUCCESS: f64 = 0.2;
/// Time between two probes of an endpoint that refuses our credentials (F23).
pub(crate) const UNAUTHORISED_HOLD: Duration = Duration::from_secs(30);
/// Part by which a learnt size limit grows with each success.
const SIZE_RECOVERY: u64 = 16;

/// What the process has learnt about one endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    breaker: Breaker,
    /// The endpoint has asked for silence until then.
    paused_until: Moment,
    budget: f64,
    /// Requests and repeated requests under way.
    in_flight: u32,
    retries_in_flight: u32,
    /// Compression that it is known to choke on is above this.
    best_encoding: ContentEncoding,
    /// Uncompressed size that it is believed to take.
    size_limit: u64,
    /// The last failure, for batches that are given up without an attempt of their own.
    trouble: Option<(DropReason, ExportFailure)>,
}

/// What an attempt told about the endpoint.
pub(crate) enum Finding<'a> {
    Success,
    Failure { cause: Cause, failure: &'a ExportFailure, retry_after: Option<Duration> },
}

impl Endpoint {
    pub(crate) fn new() -> Self {
        Endpoint {
            breaker: Breaker::default(),
            paused_until: Moment::default(),
            budget: BUDGET_MAX,
            in_flight: 0,
            retries_in_flight: 0,
            best_encoding: ContentEncoding::Zstd,
            size_limit: u64::MAX,
            trouble: None,
        }
    }

    /// Whether a request may go out. `flush`: somebody waits for an attempt; `closing`: it is the last chance.
    pub(crate) fn gate(&self, now: Moment, flush: bool, closing: bool) -> Gate {
        match self.breaker.gate(now, flush || closing) {
            Gate::Go if now < self.paused_until && !mutant!("R32") => {
                // The last chance overrules the pause, but one request at a time.
                match (closing, self.in_flight) {
                    (true, 0) => Gate::Probe,
                    (true, _) => Gate::Hold(None),
                    (false, _) => Gate::Hold(Some(self.paused_until)),
                }
            }
            Gate::Probe if now < self.paused_until && !closing => {
                Gate::Hold(Some(self.paused_until))
            }
            gate => gate,
        }
    }

    /// Whether the retry budget allows one more repeated request. Without a token only a lone one may go.
    pub(crate) fn affords_retry(&self) -> bool {
        self.budget >= 1.0 || self.retries_in_flight == 0 || mutant!("D6")
    }

    /// The request that goes out next is a probe, as the gate has asked for.
    pub(crate) fn probe(&mut self) -> ProbeRight {
        self.breaker.probe()
    }

    /// A request goes out.
    pub(crate) fn started(&mut self, retry: bool) {
        self.in_flight += 1;
        if retry {
            self.retries_in_flight += 1;
            self.budget = (self.budget - 1.0).max(0.0);
        }
    }

    /// It is gone, with or without a result.
    pub(crate) fn ended(&mut self, retry: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if retry {
            self.retries_in_flight = self.retries_in_flight.saturating_sub(1);
        }
    }

    /// Learns from the result of a request, which may have had the `right` to probe. Returns whether the endpoint holds
    /// from now on although it did not before.
    pub(crate) fn learn(
        &mut self,
        now: Moment,
        policy: &RetryPolicy,
        right: Option<ProbeRight>,
        finding: Finding<'_>,
        jitter: &mut Jitter,
    ) -> bool {
        let was_closed = self.breaker.state() == BreakerState::Closed;
        match finding {
            Finding::Success => {
                if !mutant!("F2") {
                    self.breaker.success();
                }
                self.paused_until = Moment::default();
                self.budget = (self.budget + BUDGET_PER_SUCCESS).min(BUDGET_MAX);
                self.size_limit = self.size_limit.saturating_add(self.size_limit / SIZE_RECOVERY);
                self.trouble = None;
                return false;
            }
            Finding::Failure { cause, failure, retry_after } => {
                match cause {
                    Cause::Unreachable | Cause::Malformed | Cause::Tls => {
                        let longest = policy.max_breaker_open;
                        self.breaker.failure(now, right.as_ref(), longest, jitter);
                    }
                    // It answers, so it is alive.
                    Cause::Throttled
                    | Cause::BadRequest
                    | Cause::Unauthorised
                    | Cause::TooLarge
                    | Cause::Refused => self.breaker.success(),
                    // The endpoint was not asked: with its right a probe is gone without a result.
                    Cause::Local => drop(right),
                }
                if let Some(asked) = retry_after {
                    let until = now.after(policy.clamp_pause(asked));
                    self.paused_until = self.paused_until.max(until);
                }
                let reason = match cause {
                    Cause::Tls | Cause::Refused => DropReason::NonRetryable,
                    _ => DropReason::RetriesExhausted,
                };
                self.trouble = Some((reason, failure.clone()));
            }
        }
        was_closed && self.breaker.state() == BreakerState::Open
    }

    /// What to tell about a batch that was held until its time was over.
    pub(crate) fn trouble(&self) -> (DropReason, Option<ExportFailure>) {
        match &self.trouble {
            Some((reason, failure)) => (*reason, Some(failure.clone())),
            None => (DropReason::RetriesExhausted, None),
        }
    }

    /// The body of `bytes` bytes was too large (F26).
    pub(crate) fn too_large(&mut self, bytes: u64) {
        // A little above the half: both halves carry the envelopes of the whole.
        self.size_limit = self.size_limit.min(bytes / 2 + bytes / 8).max(1);
    }

    /// Uncompressed size that it is believed to take.
    pub(crate) fn size_limit(&self) -> u64 {
        self.size_limit
    }

    /// It chokes on `encoding`. Returns what to use instead.
    pub(crate) fn downgrade(&mut self, encoding: ContentEncoding) -> ContentEncoding {
        let less = less_compressed(encoding);
        if less < self.best_encoding {
            self.best_encoding = less;
        }
        less
    }

    /// Whether `encoding` is not known to fail.
    pub(crate) fn accepts(&self, encoding: ContentEncoding) -> bool {
        encoding <= self.best_encoding
    }

    /// The best encoding that is not known to fail.
    pub(crate) fn best_encoding(&self) -> ContentEncoding {
        self.best_encoding
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Whether `right` is the one that its breaker waits for.
    #[cfg(test)]
    pub(crate) fn waits_for(&self, right: &ProbeRight) -> bool {
        self.breaker.waits_for(right)
    }

    /// Requests and repeated requests under way.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> (u32, u32) {
        (self.in_flight, self.retries_in_flight)
    }
}

/// What to try when the endpoint chokes on `encoding`.
pub(crate) fn less_compressed(encoding: ContentEncoding) -> ContentEncoding {
    match encoding {
        ContentEncoding::Zstd => ContentEncoding::Gzip,
        ContentEncoding::Gzip | ContentEncoding::Identity => ContentEncoding::Identity,
    }
}
