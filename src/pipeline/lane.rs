//! What all threads know about one exporter: configuration, ledger, sink, transform.
//! It refuses to act: threads act on it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    config::Config,
    error::TransformError,
    handoff::RawBatch,
    otlp::Encoded,
    pipeline::{engine::Handle, ledger::Ledger},
    sink::Sink,
};

/// Number of a lane, unique in the process.
pub(crate) type LaneId = u64;

/// Turns the spans of one export call into one request body. Runs on a transform worker; a panic costs the batch.
pub type Transform = Arc<dyn Fn(RawBatch) -> Result<Encoded, TransformError> + Send + Sync>;

/// What all threads know about one exporter.
pub(crate) struct Lane {
    pub(crate) id: LaneId,
    pub(crate) config: Config,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) transform: Transform,
    /// Keeps the engine running from the first admission to the end of the shutdown.
    engine: Mutex<Option<Handle>>,
}

impl Lane {
    pub(crate) fn new(config: Config, sink: Arc<dyn Sink>, transform: Transform) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Lane {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            ledger: Ledger::new(config.queue),
            config,
            sink,
            transform,
            engine: Mutex::new(None),
        })
    }

    /// The running engine, if this lane has one.
    pub(crate) fn engine(&self) -> Option<Handle> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes sure that an engine runs. `start` runs at most once at a time; true if it was needed.
    pub(crate) fn ensure_engine<E>(
        &self,
        start: impl FnOnce() -> Result<Handle, E>,
    ) -> Result<bool, E> {
        let mut slot = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return Ok(false);
        }
        *slot = Some(start()?);
        Ok(true)
    }

    /// Lets the engine go. The handle is dropped outside of the lock.
    pub(crate) fn release_engine(&self) {
        let handle = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(handle);
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("id", &self.id)
            .field("endpoint", &self.config.endpoint)
            .finish_non_exhaustive()
    }
}
