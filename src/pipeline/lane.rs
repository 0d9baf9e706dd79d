//! What all threads know about one exporter: configuration, ledger, sink, transform.
//! It refuses to act: threads act on it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    clock::{clamp_timeout, monotonic},
    config::{Compression, Config},
    error::{DropReason, TransformError},
    handoff::RawBatch,
    otlp::Encoded,
    pipeline::{
        dispatcher::Event,
        engine::Handle,
        flush::{FlushCell, FlushDone, FlushMode},
        ids::{BatchId, LaneId},
        io::{Flush, Message},
        ledger::{Eviction, Ledger},
        notice::Herald,
        window::OpenWindows,
    },
    sink::{ContentEncoding, Sink},
};

/// Turns the spans of one export call into one request body. Runs on a transform worker; a panic costs the batch.
pub type Transform = Arc<dyn Fn(RawBatch) -> Result<Encoded, TransformError> + Send + Sync>;

/// What all threads know about one exporter.
pub(crate) struct Lane {
    pub(crate) id: LaneId,
    pub(crate) config: Config,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) transform: Transform,
    pub(crate) herald: Arc<Herald>,
    /// Gone after the shutdown, and its connections with it.
    sink: Mutex<Option<Arc<dyn Sink>>>,
    /// The best encoding that the endpoint is not known to choke on.
    encoding: Mutex<ContentEncoding>,
    /// Keeps the engine running from the first admission to the end of the shutdown.
    engine: Mutex<Option<Handle>>,
    /// Batches that are being filled.
    pub(crate) windows: OpenWindows,
    /// The environment of its exporter has ended and has waited for it.
    has_waited: AtomicBool,
}

impl Lane {
    pub(crate) fn new(config: Config, sink: Arc<dyn Sink>, transform: Transform) -> Arc<Self> {
        Lane::build(config, Some(sink), transform)
    }

    fn build(config: Config, sink: Option<Arc<dyn Sink>>, transform: Transform) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let herald = Arc::new(Herald::of(&config.endpoint));
        Arc::new(Lane {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            ledger: Ledger::new(config.queue, Arc::clone(&herald)),
            encoding: Mutex::new(configured(&config)),
            config,
            sink: Mutex::new(sink),
            transform,
            herald,
            engine: Mutex::new(None),
            windows: OpenWindows::default(),
            has_waited: AtomicBool::new(false),
        })
    }

    /// The same lane without sink, spans and threads: the child of a fork has no threads and must not send (F67).
    pub(crate) fn orphan(&self) -> Arc<Self> {
        Lane::build(self.config.clone(), None, Arc::clone(&self.transform))
    }

    /// What the workers compress with.
    pub(crate) fn encoding(&self) -> ContentEncoding {
        *lock(&self.encoding)
    }

    /// From now on nothing above `encoding`.
    pub(crate) fn limit_encoding(&self, encoding: ContentEncoding) {
        let mut best = lock(&self.encoding);
        *best = encoding.min(*best);
    }

    /// Where requests go, until the end of the shutdown.
    pub(crate) fn sink(&self) -> Option<Arc<dyn Sink>> {
        lock(&self.sink).clone()
    }

    /// Its environment has waited for it at its own end.
    pub(crate) fn note_waited(&self) {
        self.has_waited.store(true, Ordering::Relaxed);
    }

    /// Whether its environment has done so.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited.load(Ordering::Relaxed)
    }

    /// The running engine, if this lane has one.
    pub(crate) fn engine(&self) -> Option<Handle> {
        lock(&self.engine).clone()
    }

    /// What goes out from now on has other credentials: what was said about the old ones is over.
    pub(crate) fn credentials_changed(&self) {
        if let Some(engine) = self.engine() {
            // Threads that are gone hold nothing.
            let _ = engine.send(Message::Event(Event::CredentialsChanged { lane: self.id }));
        }
    }

    /// Waits for what was accepted before this call; `done` gets the outcome, after `timeout` at the latest.
    pub(crate) fn flush(self: &Arc<Self>, mode: FlushMode, timeout: Duration, done: FlushDone) {
        let ledger = Arc::clone(&self.ledger);
        // In attempt mode the ledger watches what is on the workers, the dispatcher what it has itself.
        let parts = if mode == FlushMode::Attempt { 2 } else { 1 };
        let cell = Arc::new(FlushCell::new(parts, move |epoch| ledger.outstanding(epoch), done));
        let epoch = self.ledger.flush(&cell, mode);
        if cell.is_answered() {
            return;
        }
        match self.engine() {
            Some(engine) => {
                let deadline = monotonic().after(clamp_timeout(timeout));
                let flush = Flush {
                    lane: Arc::clone(self),
                    cell: Arc::clone(&cell),
                    mode,
                    epoch,
                    deadline,
                    is_covered: false,
                };
                if !engine.send(Message::Flush(flush)) {
                    // The I/O thread has given up: nobody else would answer.
                    cell.time_out(self.ledger.abandon_flush(epoch, &cell));
                }
            }
            // Nothing was ever admitted, or everything has been settled: there is no dispatcher's part.
            None => cell.part_done(),
        }
    }

    /// Answers for permits that were voided and tells of their loss. Returns the batches they waited in, whose bodies
    /// are to be freed.
    #[must_use = "their bodies are to be freed"]
    pub(crate) fn finish_eviction(&self, evicted: Eviction) -> Vec<BatchId> {
        let (reason, losses) = (evicted.reason, evicted.losses());
        let batches = self.ledger.finish_eviction(evicted);
        losses.into_iter().for_each(|spans| self.herald.lost(reason, spans));
        batches
    }

    /// Drops everything that is not terminal for `reason`. Returns the number of spans.
    pub(crate) fn abandon(&self, reason: DropReason) -> u64 {
        let evicted = self.ledger.abandon(reason);
        let spans = evicted.losses().iter().sum();
        drop(self.finish_eviction(evicted));
        spans
    }

    /// Makes sure that an engine runs, in place of one whose threads have given up. `start` runs at most once at a time; true if it was needed.
    pub(crate) fn ensure_engine<E>(
        &self,
        start: impl FnOnce() -> Result<Handle, E>,
    ) -> Result<bool, E> {
        let mut slot = lock(&self.engine);
        if slot.as_ref().is_some_and(|engine| engine.is_alive()) {
            return Ok(false);
        }
        *slot = None;
        *slot = Some(start()?);
        Ok(true)
    }

    /// Lets go of an engine whose threads have given up; the next admission starts another.
    pub(crate) fn forget_dead_engine(&self) {
        drop(lock(&self.engine).take_if(|engine| !engine.is_alive()));
    }

    /// Lets the engine and the sink go; both are dropped outside of the locks.
    pub(crate) fn release(&self) {
        let sink = lock(&self.sink).take();
        let handle = lock(&self.engine).take();
        drop((sink, handle));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("id", &self.id)
            .field("endpoint", &self.config.endpoint)
            .finish_non_exhaustive()
    }
}

/// `auto` compresses only what leaves the machine.
fn configured(config: &Config) -> ContentEncoding {
    match config.compression {
        Compression::None => ContentEncoding::Identity,
        Compression::Gzip => ContentEncoding::Gzip,
        Compression::Zstd => ContentEncoding::Zstd,
        Compression::Auto if is_loopback(&config.endpoint) => ContentEncoding::Identity,
        Compression::Auto => ContentEncoding::Gzip,
    }
}

fn is_loopback(endpoint: &str) -> bool {
    let authority = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
