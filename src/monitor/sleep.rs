//! Tells a loop that sleeps from one that is blocked, also where libuv forgets idle time: when a signal interrupts the
//! sleep of a loop, it counts from zero again, and the sleep so far looks like work.
//! It refuses to believe a single reading: work grows with the clock, sleep does not.

use std::time::Duration;

use crate::clock::Moment;

/// Readings of two clocks are never taken at quite the same time.
const SLACK: Duration = Duration::from_millis(1);

/// The last look at a loop.
#[derive(Debug, Default)]
pub(super) struct SleepTracker(Option<Look>);

#[derive(Clone, Copy, Debug)]
struct Look {
    turn: u64,
    at: Moment,
    /// How long the turn has lasted without its sleep, as far as libuv remembers.
    busy: Duration,
}

impl SleepTracker {
    /// The earliest moment at which the loop can have woken up, if this look tells. `loop_time_age`: how long ago the
    /// loop updated its notion of time, which it does when it wakes up.
    pub fn look(
        &mut self,
        turn: u64,
        at: Moment,
        busy: Duration,
        loop_time_age: Option<Duration>,
    ) -> Option<Moment> {
        let last = self.0.replace(Look { turn, at, busy }).filter(|last| last.turn == turn)?;
        let elapsed = at.since(last.at);
        let before = |age: Duration| Moment(at.0.saturating_sub(age));
        if busy > last.busy + elapsed + SLACK {
            // More work than time: sleep was forgotten, so it slept when we last looked.
            return Some(last.at.max(before(loop_time_age.unwrap_or(elapsed))));
        }
        if busy + SLACK < last.busy + elapsed {
            // It slept since we last looked, and what came before was no work either.
            return Some(before(busy.saturating_sub(last.busy)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(Duration::from_millis(millis))
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn work_grows_with_the_clock() {
        let mut tracker = SleepTracker::default();
        assert_eq!(tracker.look(1, at(0), ms(0), None), None);
        assert_eq!(tracker.look(1, at(75), ms(75), None), None);
        assert_eq!(tracker.look(1, at(150), ms(150), None), None);
        assert_eq!(tracker.look(2, at(900), ms(200), None), None, "another turn");
    }

    #[test]
    fn r96_sleep_that_a_signal_made_libuv_forget_is_no_work() {
        let mut tracker = SleepTracker::default();
        tracker.look(1, at(0), ms(0), None);
        assert_eq!(tracker.look(1, at(75), ms(0), None), Some(at(75)), "asleep");
        // A signal at 80: 5 s of sleep before the first look are forgotten too.
        assert_eq!(tracker.look(1, at(150), ms(5080), Some(ms(70))), Some(at(80)));
        assert_eq!(tracker.look(1, at(225), ms(5080), Some(ms(145))), Some(at(225)), "asleep");
        // It woke up at 240 and works.
        assert_eq!(tracker.look(1, at(300), ms(5140), Some(ms(60))), Some(at(240)));
        assert_eq!(tracker.look(1, at(375), ms(5215), Some(ms(135))), None, "still at it");
    }

    #[test]
    fn without_the_loop_s_time_it_slept_at_least_until_the_last_look() {
        let mut tracker = SleepTracker::default();
        tracker.look(1, at(1000), ms(0), None);
        assert_eq!(tracker.look(1, at(1075), ms(600), None), Some(at(1000)));
    }
}
