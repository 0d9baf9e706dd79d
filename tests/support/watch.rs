//! A clock on the wall with a control beside it: owns the question whether a measurement or the machine was late.
//! It refuses to excuse more than the machine took away while it was measured.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// One measurement at a time: the control counts every thread of this process.
static ALONE: Mutex<()> = Mutex::new(());

/// Time between two looks of the control.
const LOOK: Duration = Duration::from_millis(1);

/// How long each thread of this process has been ready to run and not been let.
type Waits = HashMap<String, Duration>;

/// Adds what the threads alive have waited so far. Nothing where the system does not tell.
fn look(waits: &mut Waits) {
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        if let Some(nanos) = stat.split(' ').nth(1).and_then(|text| text.parse().ok()) {
            waits.insert(task.file_name().into_string().unwrap(), Duration::from_nanos(nanos));
        }
    }
}

/// Looks again and again, because a thread that has ended takes its numbers with it. Returns the last of each thread,
/// and how late the looks themselves were.
fn control(stop: &AtomicBool) -> (Waits, Duration) {
    let (mut waits, mut late) = (Waits::new(), Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        let before = Instant::now();
        thread::sleep(LOOK);
        late += before.elapsed().saturating_sub(2 * LOOK);
        look(&mut waits);
    }
    (waits, late)
}

/// A measurement under way.
pub struct Watch {
    started: Instant,
    before: Waits,
    stop: Arc<AtomicBool>,
    control: thread::JoinHandle<(Waits, Duration)>,
}

/// What a measurement found.
pub struct Measured {
    took: Duration,
    /// Of that, the time in which the machine kept threads waiting that were ready to go on.
    late: Duration,
}

impl Watch {
    pub fn start() -> Watch {
        let mut before = Waits::new();
        look(&mut before);
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let control = thread::spawn(move || control(&seen));
        Watch { started: Instant::now(), before, stop, control }
    }

    pub fn stop(self) -> Measured {
        let took = self.started.elapsed();
        self.stop.store(true, Ordering::SeqCst);
        let (waits, late) = self.control.join().unwrap();
        let waited = waits.into_iter().map(|(task, now)| {
            now.saturating_sub(self.before.get(&task).copied().unwrap_or_default())
        });
        Measured { took, late: late.max(waited.sum()) }
    }
}

/// Runs a measurement, again (three times at most) if the machine itself was late.
///
/// # Panics
/// If it takes longer than `limit` although the machine did not take that time away.
pub fn measured(limit: Duration, mut run: impl FnMut() -> Measured) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..3 {
        let Measured { took, late } = run();
        if took <= limit {
            return;
        }
        let own = took.saturating_sub(late);
        assert!(own <= limit, "took {took:?} of {limit:?}, of which the machine took {late:?}");
    }
}
