//! Counters that need not be read again: a thread that has slept since the look before has those that it had.
//! It refuses to believe in sleep for longer than a second, and in that of a loop that was looked at late.

use std::time::Duration;

use super::usage::{Reading, Usage};
use crate::clock::{Moment, monotonic};

/// Without a look at the counters themselves. Reading them is a third of what watching an idle loop costs.
const LONGEST: Duration = Duration::from_secs(1);
/// Readings of two clocks are never taken at quite the same time.
const SLACK: Duration = Duration::from_micros(100);
/// A look may come so late and still be one in time.
const LATE: Duration = Duration::from_millis(10);

/// What the last look found.
#[derive(Debug, Default)]
pub(super) struct Counters(Option<Kept>);

#[derive(Clone, Copy, Debug)]
struct Kept {
    turn: u64,
    looked_at: Moment,
    idle: Duration,
    read_at: Moment,
    found: Found,
}

/// Counters of the loop's thread, and how long the watchdog's has waited for a processor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub usage: Usage,
    pub own_run_delay: Option<Duration>,
}

impl Counters {
    /// Those of a look at `now`, which was due at `due` and found the loop in `turn` with `idle` altogether, in that order.
    pub fn look(
        &mut self,
        now: Moment,
        due: Moment,
        turn: Option<u64>,
        idle: Duration,
        read: impl FnOnce() -> Found,
    ) -> (Reading, Option<Duration>) {
        let has_slept = |kept: &&mut Kept| {
            Some(kept.turn) == turn
                && idle + SLACK >= kept.idle + now.since(kept.looked_at)
                && now.since(kept.read_at) < LONGEST
                && now.since(due) < LATE
        };
        if let Some(kept) = self.0.as_mut().filter(has_slept) {
            (kept.looked_at, kept.idle) = (now, idle);
            return (Reading { at: now, usage: kept.found.usage }, kept.found.own_run_delay);
        }
        let found = read();
        let kept = |turn| Kept { turn, looked_at: now, idle, read_at: now, found };
        self.0 = turn.map(kept);
        (Reading { at: monotonic(), usage: found.usage }, found.own_run_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    struct Looks {
        counters: Counters,
        reads: u64,
    }

    impl Looks {
        /// A look that was in time. Whether the counters were read.
        fn look(&mut self, now: u64, turn: Option<u64>, idle: u64) -> bool {
            self.look_due(now, now, turn, idle)
        }

        fn look_due(&mut self, now: u64, due: u64, turn: Option<u64>, idle: u64) -> bool {
            let before = self.reads;
            let found = Found {
                usage: Usage { cpu: Some(ms(self.reads)), run_delay: None },
                own_run_delay: None,
            };
            let reads = &mut self.reads;
            let read = || {
                *reads += 1;
                found
            };
            let (now, due) = (Moment(ms(now)), Moment(ms(due)));
            let (reading, _) = self.counters.look(now, due, turn, ms(idle), read);
            assert_eq!(
                reading.usage.cpu,
                Some(ms(self.reads - 1)),
                "of the last time they were read"
            );
            assert!(
                self.reads > before || reading.at == now,
                "counters of a sleeper are those of now"
            );
            self.reads > before
        }
    }

    fn looks() -> Looks {
        let mut looks = Looks { counters: Counters::default(), reads: 0 };
        assert!(looks.look(1_000, Some(7), 500));
        looks
    }

    #[test]
    fn counters_of_a_loop_that_sleeps_are_read_once_a_second() {
        let mut looks = looks();
        let read: Vec<u64> =
            (1..=50).filter(|nth| looks.look(1_000 + nth * 45, Some(7), 500 + nth * 45)).collect();
        assert_eq!(read, [23, 46], "at 1,035 and 2,070 ms");
    }

    #[test]
    fn a_loop_that_has_worked_is_read() {
        assert!(looks().look(1_045, Some(7), 544), "a millisecond of the same turn");
        assert!(looks().look(1_045, Some(8), 545), "another turn");
        assert!(looks().look(1_045, None, 545), "it went on while we looked");
        let mut looks = looks();
        assert!(looks.look(1_045, None, 545));
        assert!(looks.look(1_090, Some(7), 590), "the look before had no turn");
    }

    #[test]
    fn a_look_that_came_late_reads() {
        assert!(!looks().look_due(1_045, 1_036, Some(7), 545));
        assert!(looks().look_due(1_045, 1_035, Some(7), 545));
    }

    #[test]
    fn idle_time_that_libuv_forgot_is_no_sleep() {
        assert!(looks().look(1_045, Some(7), 20));
    }
}
