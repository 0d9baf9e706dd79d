//! Garbage collections on a loop's thread: how long they took, and how much of that the thread computed. One writer.
//! It refuses to read clocks.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::clock::Moment;

/// Totals, and the collection under way.
#[derive(Debug, Default)]
pub struct Collections {
    nanos: AtomicU64,
    cpu_nanos: AtomicU64,
    /// When the one under way began; 0 without one.
    since: AtomicU64,
    /// CPU time of the thread then.
    cpu_since: AtomicU64,
}

/// What collections took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Collected {
    /// On the clock: also what the thread waited for helpers of the collector, and for a processor.
    pub wall: Duration,
    /// What the thread computed in those that have ended.
    pub cpu: Duration,
    /// One is under way: CPU time of the thread when it began.
    pub is_since: Option<Duration>,
}

impl Collections {
    /// One begins. `cpu`: CPU time of the thread, if the platform tells.
    pub fn begin(&self, now: Moment, cpu: Option<Duration>) {
        self.cpu_since.store(nanos(cpu.unwrap_or_default()), Relaxed);
        self.since.store(nanos(now.0).max(1), Relaxed);
    }

    /// It is over.
    pub fn end(&self, now: Moment, cpu: Option<Duration>) {
        let since = self.since.swap(0, Relaxed);
        if since != 0 {
            let computed =
                nanos(cpu.unwrap_or_default()).saturating_sub(self.cpu_since.load(Relaxed));
            self.nanos.fetch_add(nanos(now.0).saturating_sub(since), Relaxed);
            self.cpu_nanos.fetch_add(computed, Relaxed);
        }
    }

    /// Nanoseconds on the clock and of CPU time, of those that have ended.
    pub fn ended(&self) -> (u64, u64) {
        (self.nanos.load(Relaxed), self.cpu_nanos.load(Relaxed))
    }

    /// What came after `earlier`, an answer of [`Collections::ended`]. Any thread.
    pub fn since(&self, earlier: (u64, u64), now: u64) -> Collected {
        let (wall, cpu) = self.ended();
        let since = self.since.load(Relaxed);
        let running = if since == 0 { 0 } else { now.saturating_sub(since) };
        let is_since = (since != 0).then(|| Duration::from_nanos(self.cpu_since.load(Relaxed)));
        Collected {
            wall: Duration::from_nanos((wall + running).saturating_sub(earlier.0)),
            cpu: Duration::from_nanos(cpu.saturating_sub(earlier.1)),
            is_since,
        }
    }
}

impl Collected {
    /// What the thread computed in collections, when its CPU time is `cpu`.
    pub fn cpu_until(&self, cpu: Duration) -> Duration {
        self.cpu + self.is_since.map_or(Duration::ZERO, |since| cpu.saturating_sub(since))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_a_collection_waits_for_is_on_the_clock_and_not_computed() {
        let collections = Collections::default();
        let before = collections.ended();
        collections.begin(Moment(ms(100)), Some(ms(40)));
        let under_way = collections.since(before, 150_000_000);
        assert_eq!(under_way.wall, ms(50));
        assert_eq!(under_way.cpu_until(ms(55)), ms(15));
        collections.end(Moment(ms(180)), Some(ms(60)));
        let ended = collections.since(before, 500_000_000);
        assert_eq!((ended.wall, ended.cpu_until(ms(400))), (ms(80), ms(20)));
        assert_eq!(collections.since(collections.ended(), 500_000_000), Collected::default());
        // A platform without CPU times, and an end without a beginning.
        collections.begin(Moment(ms(200)), None);
        collections.end(Moment(ms(210)), None);
        collections.end(Moment(ms(900)), Some(ms(900)));
        assert_eq!(collections.since(before, 0).wall, ms(90));
        assert_eq!(collections.since(before, 0).cpu, ms(20));
    }
}
