//! A clock on the wall with a control beside it: owns the question whether a measurement or the machine was late.
//! It refuses to excuse more than the machine took away while it was measured.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    collections::HashMap,
    fs,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One measurement at a time: the control counts every thread of this process.
static ALONE: Mutex<()> = Mutex::new(());

/// How long each thread of this process has been ready to run and not been let, so far. Empty where the system does
/// not tell.
fn kept_waiting() -> HashMap<String, Duration> {
    let mut waits = HashMap::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        if let Some(nanos) = stat.split(' ').nth(1).and_then(|text| text.parse().ok()) {
            waits.insert(task.file_name().into_string().unwrap(), Duration::from_nanos(nanos));
        }
    }
    waits
}

/// A measurement under way.
pub struct Watch {
    started: Instant,
    before: HashMap<String, Duration>,
}

/// What a measurement found.
pub struct Measured {
    took: Duration,
    /// Of that, the time in which the machine kept threads waiting that were ready to go on.
    late: Duration,
}

impl Watch {
    pub fn start() -> Watch {
        let before = kept_waiting();
        Watch { started: Instant::now(), before }
    }

    pub fn stop(self) -> Measured {
        let took = self.started.elapsed();
        let waits = kept_waiting().into_iter();
        let late = waits.map(|(task, now)| {
            now.saturating_sub(self.before.get(&task).copied().unwrap_or_default())
        });
        Measured { took, late: late.sum() }
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
