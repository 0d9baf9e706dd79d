//! What one exporter has been told by its endpoint, in answers to its own requests: health, pauses, retry budget, what is
//! accepted, and whether its credentials are.
//! It refuses to share any of it: an answer depends on who asked (a tenant, a key, a route of a gateway).

use std::time::Duration;

use crate::{
    clock::Moment,
    config::RetryPolicy,
    error::{DropReason, ExportFailure},
    pipeline::{
        breaker::{Breaker, Gate, ProbeRight},
        retry::Jitter,
    },
    sink::ContentEncoding,
    stats::BreakerState,
    verdict::Cause,
};

/// Retries of a batch that the retry budget does not concern: those that the stock exporter makes, too. Without them more
/// would be lost to a collector that refuses some requests and takes others.
const FREE_RETRIES: u32 = 5;
/// Tokens that the retry budget holds at most, and at the start.
const BUDGET_MAX: f64 = 10.0;
/// Tokens that a success earns; a retry costs one.
const BUDGET_PER_SUCCESS: f64 = 0.2;
/// Time between two probes of an endpoint that refuses our credentials (F23).
const UNAUTHORISED_HOLD: Duration = Duration::from_secs(30);
/// Part by which a learnt size limit grows with each success.
const SIZE_RECOVERY: u64 = 16;

/// What one exporter has been told.
#[derive(Debug)]
pub(crate) struct Told {
    /// Open while it is answered that it cannot be served now, or not at all.
    health: Breaker,
    /// Open while the endpoint refuses the exporter's credentials (F23).
    credentials: Breaker,
    /// What was said then.
    unauthorised: Option<ExportFailure>,
    /// Counts how often the credentials have changed: an answer to older ones says nothing about these.
    version: u64,
    /// Silence was asked for until then.
    paused_until: Moment,
    /// Pauses that were asked for.
    pauses: u64,
    budget: f64,
    /// How long an answer takes.
    answer_time: Option<Duration>,
    /// Requests under way, and those of them that the budget has allowed.
    in_flight: u32,
    budgeted_in_flight: u32,
    /// Compression that the endpoint is known to choke on is above this.
    best_encoding: ContentEncoding,
    /// Uncompressed size that it is believed to take.
    size_limit: u64,
    /// The last failure, for batches that are given up without an attempt of their own.
    trouble: Option<(DropReason, ExportFailure)>,
}

/// What a request that goes out decides for the others of its exporter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probes {
    health: bool,
    credentials: bool,
}

/// The rights to do so.
#[derive(Debug, Default)]
pub(crate) struct OwnRights {
    health: Option<ProbeRight>,
    #[cfg_attr(not(test), expect(dead_code, reason = "it is enough that it exists"))]
    credentials: Option<ProbeRight>,
    /// Of the credentials that it went out with.
    version: u64,
    /// Pauses that had been asked for when it went out.
    pauses: u64,
}

/// What an attempt told.
pub(crate) enum Finding<'a> {
    Success,
    Failure { cause: Cause, failure: &'a ExportFailure, retry_after: Option<Duration> },
}

impl Told {
    pub(crate) fn new() -> Self {
        Told {
            health: Breaker::default(),
            credentials: Breaker::default(),
            unauthorised: None,
            version: 0,
            paused_until: Moment::default(),
            pauses: 0,
            budget: BUDGET_MAX,
            answer_time: None,
            in_flight: 0,
            budgeted_in_flight: 0,
            best_encoding: ContentEncoding::Zstd,
            size_limit: u64::MAX,
            trouble: None,
        }
    }

    /// Whether a request may go out, and what it probes; else when it may, as `Gate::Hold` has it. `flush`: somebody
    /// waits for an attempt; `closing`: it is the last chance.
    pub(crate) fn gate(
        &self,
        now: Moment,
        flush: bool,
        closing: bool,
    ) -> Result<Probes, Option<Moment>> {
        let credentials = self.credentials.gate(now, flush || closing);
        match (credentials, self.health_gate(now, flush, closing)) {
            (Gate::Hold(until), _) | (_, Gate::Hold(until)) => Err(until),
            (credentials, health) => Ok(Probes {
                health: health == Gate::Probe,
                credentials: credentials == Gate::Probe,
            }),
        }
    }

    fn health_gate(&self, now: Moment, flush: bool, closing: bool) -> Gate {
        match self.health.gate(now, flush || closing) {
            Gate::Go if now < self.paused_until => {
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

    /// Whether the retry budget allows one more request. Without a token only a lone one may go.
    pub(crate) fn affords_retry(&self) -> bool {
        self.budget >= 1.0 || self.budgeted_in_flight == 0
    }

    /// A request goes out, and probes what the gate has said.
    pub(crate) fn started(&mut self, now: Moment, is_budgeted: bool, probes: Probes) -> OwnRights {
        self.in_flight += 1;
        if is_budgeted {
            self.budgeted_in_flight += 1;
            self.budget = (self.budget - 1.0).max(0.0);
        }
        OwnRights {
            health: probes.health.then(|| self.health.probe(now)),
            credentials: probes.credentials.then(|| self.credentials.probe(now)),
            version: self.version,
            pauses: self.pauses,
        }
    }

    /// It is gone, with or without a result.
    pub(crate) fn ended(&mut self, is_budgeted: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if is_budgeted {
            self.budgeted_in_flight = self.budgeted_in_flight.saturating_sub(1);
        }
    }

    /// Learns from the result of a request. Returns whether requests are held from now on although they were not.
    pub(crate) fn learn(
        &mut self,
        now: Moment,
        policy: &RetryPolicy,
        rights: OwnRights,
        finding: Finding<'_>,
        jitter: &mut Jitter,
    ) -> bool {
        let was_closed = self.state() == BreakerState::Closed;
        let (cause, failure, retry_after) = match finding {
            Finding::Success => {
                self.health.success(now);
                self.accepted(now);
                // What was on its way when a pause was asked for says nothing about it.
                if rights.pauses == self.pauses {
                    self.paused_until = Moment::default();
                }
                self.budget = (self.budget + BUDGET_PER_SUCCESS).min(BUDGET_MAX);
                self.size_limit = self.size_limit.saturating_add(self.size_limit / SIZE_RECOVERY);
                self.trouble = None;
                return false;
            }
            Finding::Failure { cause, failure, retry_after } => (cause, failure, retry_after),
        };
        match cause {
            Cause::Failing | Cause::Malformed => {
                let longest = policy.max_breaker_open;
                self.health.failure(now, rights.health.as_ref(), longest, jitter);
            }
            Cause::Unauthorised => {
                self.health.success(now);
                if rights.version == self.version {
                    self.unauthorised = Some(failure.clone());
                    self.credentials.hold(now, UNAUTHORISED_HOLD);
                }
            }
            // It answers, so it is alive, and it has let us in.
            Cause::BadEncoding | Cause::BadRequest | Cause::TooLarge | Cause::Refused => {
                self.health.success(now);
                self.accepted(now);
            }
            // It is alive; it may not have looked at the credentials.
            Cause::Throttled => self.health.success(now),
            // It was not asked: with their rights probes are gone without a result.
            Cause::Unreachable | Cause::Tls | Cause::Local => drop(rights),
        }
        if let Some(asked) = retry_after {
            let until = now.after(policy.clamp_pause(asked));
            self.paused_until = self.paused_until.max(until);
            self.pauses += 1;
        }
        self.trouble = Some((cause.reason(), failure.clone()));
        was_closed && self.state() == BreakerState::Open
    }

    fn accepted(&mut self, now: Moment) {
        self.credentials.success(now);
        self.unauthorised = None;
    }

    /// What goes out from now on has other credentials: what was said about the old ones is over.
    pub(crate) fn credentials_changed(&mut self, now: Moment) {
        self.version += 1;
        self.accepted(now);
    }

    /// An answer has come after `took`. A longer time counts at once. A shorter one counts by a quarter, and only if the spans
    /// were taken: a refusal is often quicker.
    pub(crate) fn answered(&mut self, took: Duration, is_taken: bool) {
        let before = self.answer_time.unwrap_or(took);
        let shorter = if is_taken { before - before.saturating_sub(took) / 4 } else { before };
        self.answer_time = Some(took.max(shorter));
    }

    /// How long an answer is expected to take, if any has come.
    pub(crate) fn answer_time(&self) -> Option<Duration> {
        self.answer_time
    }

    /// What to tell about a batch that was held until its time was over.
    pub(crate) fn trouble(&self) -> Option<(DropReason, ExportFailure)> {
        match &self.unauthorised {
            Some(failure) => Some((DropReason::NonRetryable, failure.clone())),
            None => self.trouble.clone(),
        }
    }

    /// The body of `bytes` bytes was too large (F26).
    pub(crate) fn too_large(&mut self, bytes: u64) {
        // A little above the half: both halves carry the envelopes of the whole.
        self.size_limit = self.size_limit.min(bytes / 2 + bytes / 8).max(1);
    }

    /// Uncompressed size that the endpoint is believed to take.
    pub(crate) fn size_limit(&self) -> u64 {
        self.size_limit
    }

    /// The endpoint chokes on `encoding`. Returns what to use instead.
    pub(crate) fn downgrade(&mut self, encoding: ContentEncoding) -> ContentEncoding {
        let less = less_compressed(encoding);
        if less < self.best_encoding {
            self.best_encoding = less;
        }
        less
    }

    /// The endpoint takes nothing better than `encoding`. Returns whether that is news.
    pub(crate) fn limit(&mut self, encoding: ContentEncoding) -> bool {
        let is_news = encoding < self.best_encoding;
        self.best_encoding = self.best_encoding.min(encoding);
        is_news
    }

    /// Whether `encoding` is not known to fail.
    pub(crate) fn accepts(&self, encoding: ContentEncoding) -> bool {
        encoding <= self.best_encoding
    }

    /// The best encoding that is not known to fail.
    pub(crate) fn best_encoding(&self) -> ContentEncoding {
        self.best_encoding
    }

    /// Whether it is open, or probed.
    pub(crate) fn state(&self) -> BreakerState {
        match self.credentials.state() {
            BreakerState::Closed => self.health.state(),
            held => held,
        }
    }

    /// Requests under way, and those of them that the budget has allowed.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> (u32, u32) {
        (self.in_flight, self.budgeted_in_flight)
    }

    /// Panics unless each of its breakers that is half-open has its right among `rights`, once.
    #[cfg(test)]
    pub(crate) fn audit<'a>(&self, rights: impl Iterator<Item = &'a OwnRights> + Clone) {
        for (breaker, right) in [
            (
                &self.health,
                (|rights| rights.health.as_ref()) as fn(&OwnRights) -> Option<&ProbeRight>,
            ),
            (&self.credentials, |rights| rights.credentials.as_ref()),
        ] {
            let held = rights.clone().filter_map(right);
            let holders = held.filter(|right| breaker.waits_for(right)).count();
            let half_open = breaker.state() == BreakerState::HalfOpen;
            assert_eq!(holders, usize::from(half_open), "a probe is out, or is not: {self:?}");
        }
    }
}

impl OwnRights {
    /// Another request may find out whether the exporter is served.
    pub(crate) fn give_up_health(&mut self) {
        self.health = None;
    }

    /// Whether it decides nothing for others.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.health.is_none() && self.credentials.is_none()
    }
}

/// Whether the next attempt of a batch that has had `attempts` is for the retry budget to allow.
pub(crate) fn needs_budget(attempts: u32) -> bool {
    attempts > FREE_RETRIES
}

/// What to try when the endpoint chokes on `encoding`.
pub(crate) fn less_compressed(encoding: ContentEncoding) -> ContentEncoding {
    match encoding {
        ContentEncoding::Zstd => ContentEncoding::Gzip,
        ContentEncoding::Gzip | ContentEncoding::Identity => ContentEncoding::Identity,
    }
}
