//! The end of the process, seen from below JavaScript: spans that nobody has waited for, because the main thread never
//! loaded the library, because a worker handed them over after the `exit` event or because another listener of that event
//! ended the process first, get what time there is left.
//! It refuses to wait where the main thread has waited its time out, and to do anything but wait on the thread that ends
//! the process: whatever locks that thread holds and however few thread-locals it has left, it goes on in time.

use std::{
    sync::{
        Arc, Condvar, Mutex, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    clock::{Moment, instant_of, monotonic},
    contain::contained,
    pipeline::{
        drain::drain_blocking,
        engine::Engine,
        platform::{at_process_end, is_forked_child, leave_signals_to_the_host},
    },
};

/// No deadline has been set.
const NONE: u64 = u64::MAX;

/// How long the end of the process may wait. Read without a lock, since any thread may end the process at any point.
#[derive(Debug)]
pub(crate) struct ProcessEnd {
    /// The longest time that any exporter has ever allowed.
    longest_nanos: AtomicU64,
    /// Until when the main thread's own exit waits, on the monotonic clock.
    deadline_nanos: AtomicU64,
}

impl ProcessEnd {
    pub(crate) fn new() -> Self {
        ProcessEnd { longest_nanos: AtomicU64::new(0), deadline_nanos: AtomicU64::new(NONE) }
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

    fn deadline(&self) -> Option<Instant> {
        let set = self.deadline_nanos.load(Ordering::Relaxed);
        (set != NONE).then(|| instant_of(Moment(Duration::from_nanos(set))))
    }

    fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest_nanos.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NONE - 1)
}

/// From now on the end of the process waits for the engine of the process.
pub(crate) fn watch() {
    extern "C" fn ends() {
        contained((), wait);
    }
    static WATCH: Once = Once::new();
    WATCH.call_once(|| at_process_end(ends));
}

/// Waits on a thread of its own, which has all its thread-locals and holds no lock.
fn wait() {
    if is_forked_child() {
        return;
    }
    let Some(engine) = Engine::existing().filter(|engine| engine.threads() > 0) else { return };
    let began = Instant::now();
    let limit = engine.end().deadline().unwrap_or(began + engine.end().longest());
    if limit <= began {
        return;
    }
    let over = Arc::new((Mutex::new(false), Condvar::new()));
    let waiting = Over(Arc::clone(&over));
    let spawned = thread::Builder::new().name("offloop-exit".to_owned()).spawn(move || {
        leave_signals_to_the_host();
        contained((), || drain(&engine, began));
        drop(waiting);
    });
    if spawned.is_err() {
        return;
    }
    let (is_over, changed) = &*over;
    let is_over = is_over.lock().unwrap_or_else(PoisonError::into_inner);
    drop(changed.wait_timeout_while(is_over, limit - began, |is_over| !*is_over));
}

/// An exporter whose environment has waited for it is not waited for again.
fn drain(engine: &Engine, began: Instant) {
    engine.hand_over_windows();
    let lanes: Vec<_> = engine
        .lanes()
        .into_iter()
        .filter(|lane| !lane.has_waited() && lane.ledger.pending() > 0)
        .collect();
    let longest = lanes.iter().map(|lane| lane.config.exit_timeout).max().unwrap_or_default();
    drain_blocking(lanes, engine.end().deadline().unwrap_or(began + longest));
}

/// Lets the end of the process go on when it is dropped.
struct Over(Arc<(Mutex<bool>, Condvar)>);

impl Drop for Over {
    fn drop(&mut self) {
        contained((), || {
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.1.notify_one();
        });
    }
}
