//! The turns of one loop as its own thread stamps them, in memory that the watchdog reads.
//! It refuses to read clocks and to wait: the loop's thread passes times in and never blocks here.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering, fence},
    },
    time::Duration,
};

use super::delays::Delays;
use crate::clock::Moment;

/// Long turns that wait for the watchdog at most; a loop that makes more of them loses the rest.
const MAX_FINISHED: usize = 256;

/// Stamps of the turn that a loop is in. One writer, the loop's thread.
#[derive(Debug)]
pub struct TurnClock {
    threshold: Duration,
    /// Odd while the four that follow are being written.
    version: AtomicU64,
    number: AtomicU64,
    looked_at: AtomicU64,
    idle_then: AtomicU64,
    gc_then: AtomicU64,
    /// The first turn is the program's start.
    is_startup: AtomicBool,
    /// Nothing that this turn does is the application's.
    is_excused: AtomicBool,
    gc_total: AtomicU64,
    /// When the collection under way began; 0 without one.
    gc_since: AtomicU64,
    idle_before: AtomicU64,
    /// From the watchdog: a turn, and a moment at which the loop was still asleep in it.
    asleep_turn: AtomicU64,
    asleep_at: AtomicU64,
    finished: Mutex<Vec<FinishedTurn>>,
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
    pub gc: Duration,
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
    /// CPU time of the thread at its end.
    pub cpu_at_end: Option<Duration>,
}

impl TurnClock {
    /// A clock that announces turns from `threshold` up.
    pub fn new(threshold: Duration) -> Self {
        TurnClock {
            threshold,
            version: AtomicU64::new(0),
            number: AtomicU64::new(0),
            looked_at: AtomicU64::new(0),
            idle_then: AtomicU64::new(0),
            gc_then: AtomicU64::new(0),
            is_startup: AtomicBool::new(false),
            is_excused: AtomicBool::new(false),
            gc_total: AtomicU64::new(0),
            gc_since: AtomicU64::new(0),
            idle_before: AtomicU64::new(0),
            asleep_turn: AtomicU64::new(0),
            asleep_at: AtomicU64::new(0),
            finished: Mutex::default(),
            delays: Delays::default(),
        }
    }

    /// Watching begins in the middle of a turn, which counts from now. `idle`: the loop's idle time so far.
    pub fn begin(&self, now: Moment, idle: Duration, is_startup: bool) {
        self.is_startup.store(is_startup, Ordering::Relaxed);
        self.is_excused.store(false, Ordering::Relaxed);
        self.idle_before.store(nanos(idle), Ordering::Relaxed);
        self.stamp(nanos(now.0), nanos(idle));
    }

    /// The loop is about to look for events: a turn ends, the next begins when it finds any. True if the watchdog has
    /// to be told; `cpu` is asked in that case only, because it costs more than all of this.
    pub fn look(
        &self,
        now: Moment,
        idle: Duration,
        cpu: impl FnOnce() -> Option<Duration>,
    ) -> bool {
        // Each turn of every loop passes here: plain numbers, and a `Turn` only for a long one.
        let (at, idle) = (nanos(now.0), nanos(idle));
        let length = at.saturating_sub(self.woke_at(at, idle));
        self.delays.record(length);
        let is_excused = self.is_excused.load(Ordering::Relaxed) && !mutant!("R97");
        let threshold = if mutant!("R88") { self.threshold / 2 } else { self.threshold };
        let is_long = length >= nanos(threshold) && !is_excused;
        if is_long {
            let turn = self.turn_at(at, idle);
            let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
            if finished.len() < MAX_FINISHED {
                finished.push(FinishedTurn { turn, end: now, cpu_at_end: cpu() });
            }
        }
        self.is_startup.store(false, Ordering::Relaxed);
        self.is_excused.store(false, Ordering::Relaxed);
        self.stamp(at, idle);
        is_long || mutant!("R94")
    }

    /// Work of the monitor itself makes this turn long: it is no block.
    pub fn excuse(&self) {
        self.is_excused.store(true, Ordering::Relaxed);
    }

    /// A garbage collection begins on the loop's thread.
    pub fn gc_begins(&self, now: Moment) {
        self.gc_since.store(nanos(now.0).max(1), Ordering::Relaxed);
    }

    /// It is over.
    pub fn gc_ends(&self, now: Moment) {
        let since = self.gc_since.swap(0, Ordering::Relaxed);
        if since != 0 {
            self.gc_total.fetch_add(nanos(now.0).saturating_sub(since), Ordering::Relaxed);
        }
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
        std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner))
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
        // The loop slept right after it had looked: the turn began when that was over (R89).
        let slept = idle.saturating_sub(self.idle_then.load(Ordering::Relaxed));
        let woke_at = self.looked_at.load(Ordering::Relaxed).saturating_add(slept);
        let number = self.number.load(Ordering::Relaxed);
        let asleep_at = match self.asleep_turn.load(Ordering::Acquire) {
            turn if turn == number => self.asleep_at.load(Ordering::Acquire),
            _ => 0,
        };
        if mutant!("R93") && slept == 0 { now } else { woke_at.max(asleep_at).min(now) }
    }

    fn turn_at(&self, now: u64, idle: u64) -> Turn {
        let running = match self.gc_since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        };
        let gc = (self.gc_total.load(Ordering::Relaxed) + running)
            .saturating_sub(self.gc_then.load(Ordering::Relaxed));
        Turn {
            number: self.number.load(Ordering::Relaxed),
            start: Moment(Duration::from_nanos(self.woke_at(now, idle))),
            gc: Duration::from_nanos(gc),
            is_startup: self.is_startup.load(Ordering::Relaxed),
        }
    }

    fn stamp(&self, now: u64, idle: u64) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.number.store(self.number.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.looked_at.store(now, Ordering::Relaxed);
        self.idle_then.store(idle, Ordering::Relaxed);
        self.gc_then.store(self.gc_total.load(Ordering::Relaxed), Ordering::Relaxed);
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }
}

fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}
