//! What all threads know about one exporter: configuration, ledger, sink, transform.
//! It knows no thread: what acts on threads for one exporter is its `Client`.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{
    config::{Compression, Config},
    error::{DropReason, TransformError},
    handoff::RawBatch,
    lock::lock,
    otlp::Encoded,
    pipeline::{
        ids::{BatchId, LaneId},
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
    /// Batches that are being filled.
    pub(crate) windows: OpenWindows,
    /// The environment of its exporter is ending and has waited for all that it has.
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

    /// No request goes out any more. Returns the sink, to be dropped outside of every lock.
    pub(crate) fn take_sink(&self) -> Option<Arc<dyn Sink>> {
        lock(&self.sink).take()
    }

    /// Its environment has waited for it at its own end.
    pub(crate) fn note_waited(&self) {
        self.has_waited.store(true, Ordering::Relaxed);
    }

    /// There are spans that its environment has not waited for.
    pub(crate) fn forget_waited(&self) {
        if self.has_waited() {
            self.has_waited.store(false, Ordering::Relaxed);
        }
    }

    /// Whether its environment has done so.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited.load(Ordering::Relaxed)
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
