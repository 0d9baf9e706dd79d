//! Places where a test can make the engine fail. It refuses to exist in release builds: without the `testing`
//! feature every question is answered "no" at compile time.

#[cfg(any(test, feature = "testing"))]
use std::sync::atomic::{AtomicU32, Ordering};

/// A place that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Starting the I/O thread.
    Spawn,
    /// The I/O thread, between two events.
    Dispatcher,
    /// A transform worker, outside of its jobs.
    Worker,
    /// Making the runtime of the I/O thread, which needs descriptors.
    Reactor,
    /// Starting a worker.
    SpawnWorker,
}

/// Failures still to come, by place.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    #[cfg(any(test, feature = "testing"))]
    left: [AtomicU32; 5],
}

impl Faults {
    /// Makes the next `times` passes of `stage` fail.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn inject(&self, stage: Stage, times: u32) {
        if let Some(left) = self.left.get(stage as usize) {
            left.store(times, Ordering::SeqCst);
        }
    }

    /// Failures still to come.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn left(&self, stage: Stage) -> u32 {
        self.left.get(stage as usize).map_or(0, |left| left.load(Ordering::SeqCst))
    }

    /// Whether this pass fails.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn strikes(&self, stage: Stage) -> bool {
        self.left.get(stage as usize).is_some_and(|left| {
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok()
        })
    }

    /// Whether this pass fails: never.
    #[cfg(not(any(test, feature = "testing")))]
    pub(crate) fn strikes(&self, _stage: Stage) -> bool {
        false
    }

    /// Panics if this pass fails.
    pub(crate) fn pass(&self, stage: Stage) {
        if self.strikes(stage) {
            std::panic::resume_unwind(Box::new("injected fault"));
        }
    }
}
