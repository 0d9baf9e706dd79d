//! How long the end of the process may wait: what the exporters allow, and what the main thread has set.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::clock::{Moment, instant_of, monotonic};

/// No deadline has been set.
const NONE: u64 = u64::MAX;

/// How long the end of the process may wait. Read without a lock, since any thread may end the process at any point.
#[derive(Debug)]
pub(crate) struct ExitTimes {
    /// The longest time that any exporter has ever allowed.
    longest_nanos: AtomicU64,
    /// Until when the main thread's own exit waits, on the monotonic clock.
    deadline_nanos: AtomicU64,
}

impl ExitTimes {
    pub(crate) fn new() -> Self {
        ExitTimes { longest_nanos: AtomicU64::new(0), deadline_nanos: AtomicU64::new(NONE) }
    }

    /// An exporter that allows `time` is in use.
    pub(crate) fn allow(&self, time: Duration) {
        self.longest_nanos.fetch_max(nanos(time), Ordering::Relaxed);
    }

    /// The process is ending and has time until `deadline`, for everything.
    pub(crate) fn set_deadline(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        self.deadline_nanos.store(nanos(monotonic().after(left).0), Ordering::Relaxed);
    }

    /// The process goes on, and its end will have its own time.
    pub(crate) fn clear_deadline(&self) {
        self.deadline_nanos.store(NONE, Ordering::Relaxed);
    }

    /// Until when it may wait for everything, if the main thread has said so.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let set = self.deadline_nanos.load(Ordering::Relaxed);
        (set != NONE).then(|| instant_of(Moment(Duration::from_nanos(set))))
    }

    /// How long it may wait otherwise.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest_nanos.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NONE - 1)
}
