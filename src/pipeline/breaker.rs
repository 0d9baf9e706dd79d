//! The circuit breaker of one endpoint: closed, open, one probe at a time.
//! It refuses to fail anything: open means hold.

use std::time::Duration;

use crate::{clock::Moment, pipeline::retry::Jitter, stats::BreakerState};

/// Consecutive failures that open it.
const FAILURES_TO_OPEN: u32 = 5;
/// First time it stays open.
const FIRST_OPEN: Duration = Duration::from_secs(1);

/// The circuit breaker of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Moment, interval: Duration },
    HalfOpen { interval: Duration },
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
        match self.state {
            State::Closed { .. } => Gate::Go,
            State::HalfOpen { .. } if mutant!("D7") => Gate::Go,
            State::HalfOpen { .. } => Gate::Hold(None),
            State::Open { until, .. } if now >= until || hurry => Gate::Probe,
            State::Open { until, .. } => Gate::Hold(Some(until)),
        }
    }

    /// The probe goes out.
    pub(crate) fn probe(&mut self) {
        let interval = match self.state {
            State::Open { interval, .. } | State::HalfOpen { interval } => interval,
            State::Closed { .. } => FIRST_OPEN,
        };
        self.state = State::HalfOpen { interval };
    }

    /// The endpoint has answered in its right mind.
    pub(crate) fn success(&mut self) {
        self.state = State::default();
    }

    /// An attempt has failed; only the `probe` itself can judge a breaker that is not closed.
    pub(crate) fn failure(
        &mut self,
        now: Moment,
        probe: bool,
        longest: Duration,
        jitter: &mut Jitter,
    ) {
        match self.state {
            State::Closed { failures } if failures + 1 < FAILURES_TO_OPEN => {
                self.state = State::Closed { failures: failures + 1 };
            }
            State::Closed { .. } => self.open(now, FIRST_OPEN.min(longest), jitter),
            State::HalfOpen { interval } if probe => {
                self.open(now, interval.saturating_mul(2).min(longest), jitter)
            }
            State::HalfOpen { .. } | State::Open { .. } => {}
        }
    }

    /// Opens for exactly `time`, whatever went before: the endpoint has refused our credentials.
    pub(crate) fn hold(&mut self, now: Moment, time: Duration) {
        self.state = State::Open { until: now.after(time), interval: time };
    }

    /// The probe has gone without a result (aborted, evicted): the next request may be one.
    pub(crate) fn probe_lost(&mut self, now: Moment) {
        if let State::HalfOpen { interval } = self.state {
            self.state = State::Open { until: now, interval };
        }
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Between half the interval and all of it, so that processes do not probe in step.
    fn open(&mut self, now: Moment, interval: Duration, jitter: &mut Jitter) {
        let time = interval.mul_f64(0.5 + jitter.next() / 2.0);
        self.state = State::Open { until: now.after(time), interval };
    }
}
