//! Time as the pipeline sees it: a monotonic reading for every schedule, a wall reading for HTTP dates.
//! It refuses to wait: waiting belongs to the I/O thread alone.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Longest time that a caller may ask for. Longer ones become this one, so that no deadline overflows (R58).
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A monotonic reading: time since the clock of this process was first used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub Duration);

impl Moment {
    /// This moment plus `time`, saturating.
    pub fn after(self, time: Duration) -> Moment {
        Moment(self.0.saturating_add(time))
    }

    /// Time from `earlier` to this moment, zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both readings of one instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Monotonic time, for schedules: it does not jump when the wall clock is set (F53).
    pub mono: Moment,
    /// Time since the Unix epoch, for HTTP dates only: may jump.
    pub wall: Duration,
}

impl Now {
    /// Reads the system's clocks.
    pub fn read() -> Now {
        Now {
            mono: monotonic(),
            wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }
}

/// Reads the monotonic clock only.
#[cfg(not(test))]
pub fn monotonic() -> Moment {
    Moment(origin().elapsed())
}

/// The same inside of a runtime whose time stands still: there it is the runtime's.
#[cfg(test)]
pub fn monotonic() -> Moment {
    let origin = origin();
    Moment(tokio::time::Instant::now().into_std().saturating_duration_since(origin))
}

/// The instant that a moment stands for, for the runtime's timers.
pub(crate) fn instant_of(moment: Moment) -> Instant {
    let origin = origin();
    origin.checked_add(moment.0).unwrap_or(origin)
}

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// A caller's timeout as the pipeline uses it: at most a day.
pub fn clamp_timeout(timeout: Duration) -> Duration {
    timeout.min(LONGEST_TIMEOUT)
}
