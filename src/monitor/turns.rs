//! The turns of one loop as its own thread stamps them, in memory that the watchdog reads.
//! It refuses to read clocks and to wait: the loop's thread passes times in and never blocks here.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering, fence},
    },
    time::Duration,
};

use super::{
    collections::{Collected, Collections},
    delays::Delays,
    usage::{Reading, Usage},
};
use crate::{clock::Moment, lock::lock};

/// Long turns that wait for the watchdog at most; a loop that makes more of them loses the rest.
const MAX_FINISHED: usize = 256;
/// The thread's counters are read when a turn begins, at most so many times per threshold: what they advanced in a turn
/// is known to that part of the threshold.
const SAMPLES_PER_THRESHOLD: u32 = 16;
/// A loop whose turns are shorter is in a storm: a clock reading per turn would be felt.
const STORM_NANOS: u64 = 5_000;
/// Turns of a storm that are counted without a stamp, one after the other.
const MAX_UNSTAMPED: u64 = 64;
/// No counter has this value: the platform does not tell.
const UNKNOWN: u64 = u64::MAX;

/// Stamps of the turn that a loop is in. One writer, the loop's thread.
#[derive(Debug)]
pub struct TurnClock {
    threshold: Duration,
    number: AtomicU64,
    /// Odd while the eight that follow are being written.
    version: AtomicU64,
    stamped_number: AtomicU64,
    looked_at: AtomicU64,
    idle_then: AtomicU64,
    gc_then: AtomicU64,
    gc_cpu_then: AtomicU64,
    sampled_at: AtomicU64,
    cpu_then: AtomicU64,
    run_delay_then: AtomicU64,
    /// The turns before the last stamp were a storm's; and the tick of the coarse clock in which it was made.
    is_storm: AtomicBool,
    tick: AtomicU64,
    /// The first turn is the program's start.
    is_startup: AtomicBool,
    /// Nothing that this turn does is the application's.
    is_excused: AtomicBool,
    idle_before: AtomicU64,
    /// From the watchdog: a turn, and a moment at which the loop was still asleep in it.
    asleep_turn: AtomicU64,
    asleep_at: AtomicU64,
    finished: Mutex<Vec<FinishedTurn>>,
    /// Garbage collections of the loop's thread.
    pub collections: Collections,
    /// Lengths of all turns.
    pub delays: Delays,
}

/// The turn that a loop is in, seen from another thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Turn {
    /// Number; the first is 1.
    pub number: u64,
    /// When the loop woke up; about now if it is asleep.
    pub start: Moment,
    /// Garbage collection in it so far.
    pub gc: Collected,
    /// Counters of the loop's thread when it began, or little earlier.
    pub sample: Option<Reading>,
    /// It is the program's start.
    pub is_startup: bool,
}

/// A turn longer than the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FinishedTurn {
    /// What it was.
    pub turn: Turn,
    /// When the loop looked for events again.
    pub end: Moment,
    /// Counters of the thread at its end.
    pub usage: Usage,
}

impl TurnClock {
    /// A clock that announces turns from `threshold` up.
    pub fn new(threshold: Duration) -> Self {
        TurnClock {
            threshold,
            number: AtomicU64::new(0),
            version: AtomicU64::new(0),
            stamped_number: AtomicU64::new(0),
            looked_at: AtomicU64::new(0),
            idle_then: AtomicU64::new(0),
            gc_then: AtomicU64::new(0),
            gc_cpu_then: AtomicU64::new(0),
            sampled_at: AtomicU64::new(UNKNOWN),
            cpu_then: AtomicU64::new(UNKNOWN),
            run_delay_then: AtomicU64::new(UNKNOWN),
            is_storm: AtomicBool::new(false),
            tick: AtomicU64::new(0),
            is_startup: AtomicBool::new(false),
            is_excused: AtomicBool::new(false),
            idle_before: AtomicU64::new(0),
            asleep_turn: AtomicU64::new(0),
            asleep_at: AtomicU64::new(0),
            finished: Mutex::default(),
            collections: Collections::default(),
            delays: Delays::default(),
        }
    }

    /// Watching begins in the middle of a turn, which counts from now. `idle`: the loop's idle time so far; `usage`: the
    /// counters of its thread.
    pub fn begin(&self, now: Moment, idle: Duration, is_startup: bool, usage: Usage) {
        self.is_startup.store(is_startup, Ordering::Relaxed);
        self.is_excused.store(false, Ordering::Relaxed);
        self.is_storm.store(false, Ordering::Relaxed);
        self.idle_before.store(nanos(idle), Ordering::Relaxed);
        self.stamp(nanos(now.0), nanos(idle), Some(Reading { at: now, usage }));
    }

    /// The loop is about to look for events, in a storm of turns and in the same `tick` of a coarse clock as when it was
    /// stamped: the turn is only counted, and begins for the watchdog when the stamp says. False: it has to be stamped.
    pub fn skip(&self, tick: impl FnOnce() -> u64) -> bool {
        if !self.is_storm.load(Ordering::Relaxed) {
            return false;
        }
        let (tick, number) = (tick(), self.number.load(Ordering::Relaxed));
        let unstamped = number.wrapping_sub(self.stamped_number.load(Ordering::Relaxed));
        if self.tick.load(Ordering::Relaxed) == tick && unstamped < MAX_UNSTAMPED {
            self.number.store(number.wrapping_add(1), Ordering::Relaxed);
            return true;
        }
        self.tick.store(tick, Ordering::Relaxed);
        false
    }

    /// The loop is about to look for events: a turn ends, the next begins when it finds any. True if the watchdog has
    /// to be told; the counters of the thread are read rarely, because that costs more than all of this.
    pub fn look(&self, now: Moment, idle: Duration, read: impl FnOnce() -> Reading) -> bool {
        // Turns of every loop pass here: plain numbers, and a `Turn` only for a long one.
        let (at, idle) = (nanos(now.0), nanos(idle));
        let length = at.saturating_sub(self.woke_at(at, idle));
        let stamped = self.stamped_number.load(Ordering::Relaxed);
        let turns = self.number.load(Ordering::Relaxed).wrapping_sub(stamped).wrapping_add(1);
        let since_stamp = at.saturating_sub(self.looked_at.load(Ordering::Relaxed));
        let is_storm = since_stamp < turns.saturating_mul(STORM_NANOS);
        self.is_storm.store(is_storm, Ordering::Relaxed);
        if turns == 1 {
            self.delays.record(length, 1);
        } else if is_storm {
            self.delays.record(length / turns, turns);
        } else {
            self.delays.record(0, turns - 1); // shorter than a storm's, for all that is known
            self.delays.record(length, 1);
        }
        let is_excused = self.is_excused.load(Ordering::Relaxed);
        let is_long = length >= nanos(self.threshold) && !is_excused;
        let sampled_at = self.sampled_at.load(Ordering::Relaxed);
        let period = nanos(self.threshold / SAMPLES_PER_THRESHOLD);
        let is_due = sampled_at == UNKNOWN || at.saturating_sub(sampled_at) >= period;
        let sample = (is_long || is_due).then(read);
        if is_long {
            let turn = self.turn_at(at, idle);
            let usage = sample.unwrap_or_default().usage;
            let mut finished = lock(&self.finished);
            if finished.len() < MAX_FINISHED {
                finished.push(FinishedTurn { turn, end: now, usage });
            }
        }
        self.is_startup.store(false, Ordering::Relaxed);
        self.is_excused.store(false, Ordering::Relaxed);
        self.stamp(at, idle, sample);
        is_long
    }

    /// Whether the turn that ends now is one to tell the watchdog of.
    pub fn ends_long(&self, now: Moment, idle: Duration) -> bool {
        let at = nanos(now.0);
        let length = at.saturating_sub(self.woke_at(at, nanos(idle)));
        length >= nanos(self.threshold) && !self.is_excused.load(Ordering::Relaxed)
    }

    /// Work of the monitor itself makes this turn long: it is no block.
    pub fn excuse(&self) {
        self.is_excused.store(true, Ordering::Relaxed);
        self.is_storm.store(false, Ordering::Relaxed); // its end has to be noticed
    }

    /// The turn that the loop is in. Any thread. `None`: it went on while we looked, so it is not blocked.
    pub fn read(&self, now: Moment, idle: Duration) -> Option<Turn> {
        let version = self.version.load(Ordering::Acquire);
        let turn = self.turn_at(nanos(now.0), nanos(idle));
        fence(Ordering::Acquire);
        let is_same = self.version.load(Ordering::Relaxed) == version && version.is_multiple_of(2);
        (is_same && !self.is_excused.load(Ordering::Relaxed)).then_some(turn)
    }

    /// The loop's sleep in turn `number` lasted at least until `at`, whatever its idle time says. From the watchdog.
    pub fn mark_asleep(&self, number: u64, at: Moment) {
        self.asleep_turn.store(0, Ordering::Relaxed);
        self.asleep_at.store(nanos(at.0), Ordering::Release);
        self.asleep_turn.store(number, Ordering::Release);
    }

    /// Whether `turn` has reached the threshold.
    pub fn is_long(&self, turn: &Turn, now: Moment) -> bool {
        now.since(turn.start) >= self.threshold
    }

    /// How long the turn has lasted without the sleep that idle time tells of.
    pub fn busy(&self, now: Moment, idle: Duration) -> Duration {
        let slept = nanos(idle).saturating_sub(self.idle_then.load(Ordering::Relaxed));
        let looked_at = self.looked_at.load(Ordering::Relaxed);
        Duration::from_nanos(nanos(now.0).saturating_sub(looked_at.saturating_add(slept)))
    }

    /// Long turns since the last call.
    pub fn take_finished(&self) -> Vec<FinishedTurn> {
        std::mem::take(&mut *lock(&self.finished))
    }

    /// Turns so far.
    pub fn turns(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// Idle time of the loop since watching began.
    pub fn idle_since_begin(&self, idle: Duration) -> Duration {
        idle.saturating_sub(Duration::from_nanos(self.idle_before.load(Ordering::Relaxed)))
    }

    /// When the loop woke up for the turn that it is in; now, if it has not.
    fn woke_at(&self, now: u64, idle: u64) -> u64 {
        // The loop slept right after it had looked, so the turn began when that sleep was over (R89).
        let slept = idle.saturating_sub(self.idle_then.load(Ordering::Relaxed));
        let woke_at = self.looked_at.load(Ordering::Relaxed).saturating_add(slept);
        let number = self.number.load(Ordering::Relaxed);
        let asleep_at = match self.asleep_turn.load(Ordering::Acquire) {
            turn if turn == number => self.asleep_at.load(Ordering::Acquire),
            _ => 0,
        };
        woke_at.max(asleep_at).min(now)
    }

    fn turn_at(&self, now: u64, idle: u64) -> Turn {
        let gc_then =
            (self.gc_then.load(Ordering::Relaxed), self.gc_cpu_then.load(Ordering::Relaxed));
        let sampled_at = self.sampled_at.load(Ordering::Relaxed);
        let usage = Usage {
            cpu: known(self.cpu_then.load(Ordering::Relaxed)),
            run_delay: known(self.run_delay_then.load(Ordering::Relaxed)),
        };
        Turn {
            number: self.number.load(Ordering::Relaxed),
            start: Moment(Duration::from_nanos(self.woke_at(now, idle))),
            gc: self.collections.since(gc_then, now),
            sample: known(sampled_at).map(|at| Reading { at: Moment(at), usage }),
            is_startup: self.is_startup.load(Ordering::Relaxed),
        }
    }

    fn stamp(&self, now: u64, idle: u64, sample: Option<Reading>) {
        // A turn begins when its sample has been taken: what kept the thread from that is in the sample.
        let now = sample.map_or(now, |sample| nanos(sample.at.0).max(now));
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let number = self.number.load(Ordering::Relaxed).wrapping_add(1);
        self.number.store(number, Ordering::Relaxed);
        self.stamped_number.store(number, Ordering::Relaxed);
        self.looked_at.store(now, Ordering::Relaxed);
        self.idle_then.store(idle, Ordering::Relaxed);
        let (gc, gc_cpu) = self.collections.ended();
        self.gc_then.store(gc, Ordering::Relaxed);
        self.gc_cpu_then.store(gc_cpu, Ordering::Relaxed);
        if let Some(Reading { usage: Usage { cpu, run_delay }, .. }) = sample {
            self.sampled_at.store(now, Ordering::Relaxed);
            self.cpu_then.store(cpu.map_or(UNKNOWN, nanos), Ordering::Relaxed);
            self.run_delay_then.store(run_delay.map_or(UNKNOWN, nanos), Ordering::Relaxed);
        }
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }
}

fn known(nanos: u64) -> Option<Duration> {
    (nanos != UNKNOWN).then(|| Duration::from_nanos(nanos))
}

fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}
