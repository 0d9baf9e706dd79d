//! One `shutdown()` on its way: owns the promise that its caller is answered once, also when the threads are gone.

use crate::contain::contained;

/// How a shutdown ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownOutcome {
    /// The deadline came before everything was settled.
    pub timed_out: bool,
    /// Spans dropped because of that.
    pub dropped: u64,
}

/// Takes the outcome of a shutdown; runs on a Rust thread or inside the call, must not block.
pub type ShutdownDone = Box<dyn FnOnce(ShutdownOutcome) + Send>;

/// The answer to one `shutdown()`, given once, also when the threads are gone.
pub(crate) struct ShutdownAnswer(Option<ShutdownDone>);

impl ShutdownAnswer {
    pub(crate) fn new(done: ShutdownDone) -> Self {
        ShutdownAnswer(Some(done))
    }

    pub(crate) fn give(mut self, outcome: ShutdownOutcome) {
        self.fire(outcome);
    }

    fn fire(&mut self, outcome: ShutdownOutcome) {
        if let Some(done) = self.0.take() {
            contained((), || done(outcome));
        }
    }
}

impl Drop for ShutdownAnswer {
    fn drop(&mut self) {
        contained((), || self.fire(ShutdownOutcome::default()));
    }
}

impl std::fmt::Debug for ShutdownAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShutdownAnswer").field("owed", &self.0.is_some()).finish()
    }
}
