//! One `forceFlush()` on its way: owns the promise that it is answered once, by success or by its own timeout.
//! It refuses to drop anything: a flush that times out leaves every span where it is.

use std::sync::{Mutex, PoisonError};

use crate::{contain::contained, lock::lock, pipeline::ids::Epoch};

/// What a flush waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushMode {
    /// Every span accepted before the call is terminal.
    Terminal,
    /// Every span accepted before the call has had an attempt completed since; failures stay queued.
    Attempt,
}

/// How a flush ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlushOutcome {
    /// The caller's timeout came first.
    pub timed_out: bool,
    /// Spans accepted before the call and not terminal at its end.
    pub outstanding: u64,
}

/// Takes the outcome; runs on a Rust thread or inside the call, must not block.
pub type FlushDone = Box<dyn FnOnce(FlushOutcome) + Send>;

/// The answer to one flush, owed to its caller.
pub(crate) struct FlushCell(Mutex<State>);

struct State {
    /// Conditions that still have to be met.
    parts: u32,
    /// Last epoch that it covers.
    epoch: Epoch,
    outstanding: Box<dyn Fn(Epoch) -> u64 + Send>,
    done: Option<FlushDone>,
}

impl FlushCell {
    /// `parts` conditions, each reported by one `part_done`; `outstanding` is asked when the last one is met.
    pub(crate) fn new(
        parts: u32,
        outstanding: impl Fn(Epoch) -> u64 + Send + 'static,
        done: FlushDone,
    ) -> Self {
        let outstanding = Box::new(outstanding);
        FlushCell(Mutex::new(State { parts, epoch: 0, outstanding, done: Some(done) }))
    }

    /// Says which spans it is about.
    pub(crate) fn cover(&self, epoch: Epoch) {
        lock(&self.0).epoch = epoch;
    }

    /// One condition is met; answers when it was the last.
    pub(crate) fn part_done(&self) {
        let (done, outstanding) = {
            let mut state = lock(&self.0);
            state.parts = state.parts.saturating_sub(1);
            if state.parts > 0 {
                return;
            }
            (state.done.take(), (state.outstanding)(state.epoch))
        };
        answer(done, FlushOutcome { timed_out: false, outstanding });
    }

    /// One more condition has to be met. False if the answer has been given already.
    pub(crate) fn add_part(&self) -> bool {
        let mut state = lock(&self.0);
        state.parts += u32::from(state.done.is_some());
        state.done.is_some()
    }

    /// The caller's timeout has come.
    pub(crate) fn time_out(&self, outstanding: u64) {
        let done = lock(&self.0).done.take();
        answer(done, FlushOutcome { timed_out: true, outstanding });
    }

    /// Whether the answer has been given.
    pub(crate) fn is_answered(&self) -> bool {
        lock(&self.0).done.is_none()
    }
}

/// Nobody can meet its conditions any more: the threads are gone.
impl Drop for FlushCell {
    fn drop(&mut self) {
        contained((), || {
            let done = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).done.take();
            answer(done, FlushOutcome { timed_out: true, outstanding: 0 });
        });
    }
}

fn answer(done: Option<FlushDone>, outcome: FlushOutcome) {
    if let Some(done) = done {
        contained((), || done(outcome));
    }
}

impl std::fmt::Debug for FlushCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlushCell").field("answered", &self.is_answered()).finish()
    }
}
