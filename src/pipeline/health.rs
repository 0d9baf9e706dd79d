//! What the threads of one engine know about each other: how many are alive, and whether they keep panicking.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    clock::{Moment, monotonic},
    contain::contained,
    lock::lock,
    pipeline::faults::Faults,
};

/// Panics outside of a job that the engine survives within [`PANIC_WINDOW`].
const MAX_PANICS: usize = 5;
const PANIC_WINDOW: Duration = Duration::from_secs(60);

/// What the threads of one engine know about each other.
#[derive(Debug, Default)]
pub(crate) struct Health {
    threads: AtomicU32,
    /// The last start has failed.
    unstartable: AtomicBool,
    /// Panics outside of a job within the last [`PANIC_WINDOW`].
    panics: Mutex<Vec<Moment>>,
    pub(crate) faults: Faults,
}

impl Health {
    /// Threads alive.
    pub(crate) fn threads(&self) -> u32 {
        self.threads.load(Ordering::Acquire)
    }

    /// Threads have been started, or could not be. A later try may find more resources: a failed start is no final verdict.
    pub(crate) fn note_start(&self, has_failed: bool) {
        self.unstartable.store(has_failed, Ordering::Release);
    }

    /// Threads could not be started, or have panicked too often.
    pub(crate) fn is_degraded(&self) -> bool {
        self.unstartable.load(Ordering::Acquire) || self.has_given_up()
    }

    /// A thread has been caught panicking. True: once too often, the engine fails fast for a while.
    pub(crate) fn panicked(&self) -> bool {
        lock(&self.panics).push(monotonic());
        self.has_given_up()
    }

    /// It fails fast until the panics are [`PANIC_WINDOW`] ago.
    pub(crate) fn has_given_up(&self) -> bool {
        let now = monotonic();
        let mut panics = lock(&self.panics);
        panics.retain(|at| now.since(*at) < PANIC_WINDOW);
        panics.len() > MAX_PANICS
    }
}

/// Counts a thread for as long as it lives.
pub(crate) struct Alive(Arc<Health>);

impl Alive {
    pub(crate) fn new(health: &Arc<Health>) -> Self {
        health.threads.fetch_add(1, Ordering::AcqRel);
        Alive(Arc::clone(health))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        contained((), || {
            self.0.threads.fetch_sub(1, Ordering::AcqRel);
        });
    }
}
