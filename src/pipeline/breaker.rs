//! The circuit breaker of one endpoint: closed, open, one probe at a time.
//! It refuses to fail anything: open means hold.
//!
//! The probe is a thing that its attempt owns, not a mark that somebody has to take back: a breaker is half-open exactly
//! as long as the right that it gave away exists. Whatever becomes of the attempt, dropping the right is enough.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{clock::Moment, pipeline::retry::Jitter, stats::BreakerState};

/// Consecutive failures that open it, if the last success is not young.
const FAILURES_TO_OPEN: u32 = 5;
/// For so long after a success failures open nothing, and for so long after that or after the first failure of all the time
/// between probes does not grow. It is the time that the stock exporter keeps a batch.
const YOUNG: Duration = Duration::from_secs(10);
/// First time it stays open.
const FIRST_OPEN: Duration = Duration::from_secs(1);

/// The circuit breaker of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: State,
    /// The last success.
    succeeded: Option<Moment>,
    /// The first failure of all.
    failed: Option<Moment>,
}

#[derive(Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Moment,
        interval: Duration,
    },
    /// A probe is under way as long as its right exists; without it the next request may probe.
    HalfOpen {
        interval: Duration,
        /// When it went out: the time to the next one counts from here, so that slow answers make probes no rarer.
        began: Moment,
        probe: Weak<()>,
    },
}

/// The right to probe one breaker, owned by the attempt that does.
#[derive(Debug)]
#[must_use = "the breaker is half-open as long as this exists"]
pub(crate) struct ProbeRight(Arc<()>);

impl ProbeRight {
    fn is(&self, probe: &Weak<()>) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.0), probe.as_ptr())
    }
}

impl Default for State {
    fn default() -> Self {
        State::Closed { failures: 0 }
    }
}

/// Whether a request may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It may.
    Go,
    /// It may, alone: everything else waits for its result.
    Probe,
    /// It may not before that moment; `None`: not before the probe under way has ended.
    Hold(Option<Moment>),
}

impl Breaker {
    /// Asks. `hurry` probes although the time has not come: a flush or a shutdown wants to know now.
    pub(crate) fn gate(&self, now: Moment, hurry: bool) -> Gate {
        match &self.state {
            State::Closed { .. } => Gate::Go,
            State::HalfOpen { probe, .. } if probe.strong_count() > 0 => Gate::Hold(None),
            State::HalfOpen { .. } => Gate::Probe,
            State::Open { until, .. } if now >= *until || hurry => Gate::Probe,
            State::Open { until, .. } => Gate::Hold(Some(*until)),
        }
    }

    /// The probe goes out now, with the right that this returns.
    pub(crate) fn probe(&mut self, now: Moment) -> ProbeRight {
        let interval = match self.state {
            State::Open { interval, .. } | State::HalfOpen { interval, .. } => interval,
            State::Closed { .. } => FIRST_OPEN,
        };
        let right = ProbeRight(Arc::new(()));
        self.state = State::HalfOpen { interval, began: now, probe: Arc::downgrade(&right.0) };
        right
    }

    /// The endpoint has answered in its right mind.
    pub(crate) fn success(&mut self, now: Moment) {
        self.state = State::default();
        self.succeeded = Some(now);
    }

    /// An attempt has failed; only the holder of the right that is out can judge a breaker that is not closed.
    pub(crate) fn failure(
        &mut self,
        now: Moment,
        right: Option<&ProbeRight>,
        longest: Duration,
        jitter: &mut Jitter,
    ) {
        self.failed.get_or_insert(now);
        match &self.state {
            State::Closed { failures }
                if failures + 1 < FAILURES_TO_OPEN || Self::is_young(now, self.succeeded) =>
            {
                self.state = State::Closed { failures: failures + 1 };
            }
            State::Closed { .. } => self.open(now, FIRST_OPEN.min(longest), jitter),
            State::HalfOpen { interval, began, probe }
                if right.is_some_and(|right| right.is(probe)) =>
            {
                let is_young = Self::is_young(now, self.succeeded.or(self.failed));
                let growth = if is_young { 1 } else { 2 };
                self.open(*began, interval.saturating_mul(growth).min(longest), jitter)
            }
            State::HalfOpen { .. } | State::Open { .. } => {}
        }
    }

    /// What fails has not been failing for long: it may be that some requests are refused at random and others taken, as by
    /// one broken replica of several. A rest, or a longer one, would cost spans there.
    fn is_young(now: Moment, since: Option<Moment>) -> bool {
        since.is_some_and(|since| now.since(since) < YOUNG)
    }

    /// Opens for exactly `time`, whatever went before: the endpoint has refused our credentials.
    pub(crate) fn hold(&mut self, now: Moment, time: Duration) {
        self.state = State::Open { until: now.after(time), interval: time };
    }

    pub(crate) fn state(&self) -> BreakerState {
        match &self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::HalfOpen { probe, .. } if probe.strong_count() > 0 => BreakerState::HalfOpen,
            // A probe that has gone without a result leaves it open, until the next request.
            State::HalfOpen { .. } | State::Open { .. } => BreakerState::Open,
        }
    }

    /// Whether `right` is the one that keeps it half-open.
    pub(crate) fn waits_for(&self, right: &ProbeRight) -> bool {
        matches!(&self.state, State::HalfOpen { probe, .. } if right.is(probe))
    }

    /// Between half the interval and all of it, so that processes do not probe in step.
    fn open(&mut self, since: Moment, interval: Duration, jitter: &mut Jitter) {
        let time = interval.mul_f64(0.5 + jitter.next() / 2.0);
        self.state = State::Open { until: since.after(time), interval };
    }
}
