//! Counters that need not be read again: a thread that has slept since the look before has those that it had.
//! It refuses to believe in sleep for longer than a second.

use std::time::Duration;

use super::usage::{Reading, Usage};
use crate::clock::{Moment, monotonic};

/// Without a look at the counters themselves.
const LONGEST: Duration = Duration::from_secs(1);
/// Readings of two clocks are never taken at quite the same time.
const SLACK: Duration = Duration::from_micros(100);

/// Counters of a loop's thread at the last look.
#[derive(Debug, Default)]
pub(super) struct Counters(Option<Kept>);

#[derive(Clone, Copy, Debug)]
struct Kept {
    turn: u64,
    looked_at: Moment,
    idle: Duration,
    read_at: Moment,
    usage: Usage,
}

impl Counters {
    /// Those of a look at `now` that found the loop in `turn` with `idle` altogether, in that order. `sleeps`: whether its
    /// idle time goes on growing; it had not woken up by `now` then. A `turn` of `None` is always read.
    pub fn look(
        &mut self,
        now: Moment,
        turn: Option<u64>,
        idle: Duration,
        sleeps: impl FnOnce() -> bool,
        read: impl FnOnce() -> Usage,
    ) -> Reading {
        let has_slept = |kept: &&mut Kept| {
            mutant!("R96-kept")
                || Some(kept.turn) == turn
                    && idle + SLACK >= kept.idle + now.since(kept.looked_at)
                    && now.since(kept.read_at) < LONGEST
                    && sleeps()
        };
        if let Some(kept) = self.0.as_mut().filter(has_slept) {
            (kept.looked_at, kept.idle) = (now, idle);
            return Reading { at: now, usage: kept.usage };
        }
        let usage = read();
        self.0 = turn.map(|turn| Kept { turn, looked_at: now, idle, read_at: now, usage });
        Reading { at: monotonic(), usage }
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
        /// Whether the counters were read.
        fn look(&mut self, now: u64, turn: Option<u64>, idle: u64, sleeps: bool) -> bool {
            let (before, now) = (self.reads, Moment(ms(now)));
            let reads = &mut self.reads;
            let reading = self.counters.look(
                now,
                turn,
                ms(idle),
                || sleeps,
                || {
                    *reads += 1;
                    Usage { cpu: Some(ms(*reads)), run_delay: None }
                },
            );
            assert_eq!(reading.usage.cpu, Some(ms(self.reads)), "of the last time they were read");
            let is_read = self.reads > before;
            assert!(is_read || reading.at == now, "counters of a sleeper are those of now");
            is_read
        }
    }

    /// After a first look at 1,000 ms.
    fn looks() -> Looks {
        let mut looks = Looks { counters: Counters::default(), reads: 0 };
        assert!(looks.look(1_000, Some(7), 500, true));
        looks
    }

    #[test]
    fn counters_of_a_loop_that_sleeps_are_read_once_a_second() {
        let mut looks = looks();
        let is_read = |nth: &u64| looks.look(1_000 + nth * 45, Some(7), 500 + nth * 45, true);
        let read: Vec<u64> = (1..=50).filter(is_read).collect();
        assert_eq!(read, [23, 46], "at 1,035 and 2,070 ms");
    }

    #[test]
    fn a_loop_that_has_worked_is_read() {
        assert!(!looks().look(1_045, Some(7), 545, true));
        assert!(looks().look(1_045, Some(7), 545, false), "it has woken up");
        assert!(looks().look(1_045, Some(7), 544, true), "a millisecond of the same turn");
        assert!(looks().look(1_045, Some(8), 545, true), "another turn");
        assert!(looks().look(1_045, None, 545, true), "it went on while we looked");
        let mut looks = looks();
        assert!(looks.look(1_045, None, 545, true));
        assert!(looks.look(1_090, Some(7), 590, true), "the look before had no turn");
    }

    #[test]
    fn idle_time_that_libuv_forgot_is_no_sleep() {
        assert!(looks().look(1_045, Some(7), 20, true));
    }
}
