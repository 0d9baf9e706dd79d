//! The stand-in where a loop cannot be read: turns told by a timer of JavaScript's.
//! It refuses to be used where libuv is there: it wakes the loop.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use offloop::clock::monotonic;

/// Turns told by a timer of JavaScript's, where there is no libuv: asleep until the beat is due, blocked after that.
pub struct Heartbeat {
    interval: Duration,
    idle_nanos: AtomicU64,
    last_nanos: AtomicU64,
}

impl Heartbeat {
    /// A timer that fires every `interval`.
    pub fn new(interval: Duration) -> Self {
        Heartbeat {
            interval,
            idle_nanos: AtomicU64::new(0),
            last_nanos: AtomicU64::new(monotonic().0.as_nanos() as u64),
        }
    }

    /// Idle time so far.
    pub fn idle(&self) -> Duration {
        let last = Duration::from_nanos(self.last_nanos.load(Ordering::Acquire));
        let asleep = monotonic().0.saturating_sub(last).min(self.interval);
        Duration::from_nanos(self.idle_nanos.load(Ordering::Acquire)) + asleep
    }

    /// The timer has fired; idle time so far.
    pub fn beat(&self) -> Duration {
        let idle = self.idle();
        self.idle_nanos.store(idle.as_nanos() as u64, Ordering::Release);
        self.last_nanos.store(monotonic().0.as_nanos() as u64, Ordering::Release);
        idle
    }
}
