//! What an exporter of the core needs to know: validated, total, no option left open.
//! It refuses to know option names, environment variables and JavaScript values: those are `js/config/resolve_config.js`.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{clock::clamp_timeout, error::ConfigError, otlp::Protocol};

/// Configuration of one exporter.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names the endpoint and appears in errors: scheme, host, port and path, no credentials.
    pub endpoint: String,
    /// What else decides where connections go and who is trusted there (a socket, certificates, an agent), as an opaque
    /// word. Exporters whose endpoint and way are the same share what they learn about the network.
    pub way: String,
    /// Format of request and response bodies.
    pub protocol: Protocol,
    /// Bound over everything accepted and not yet terminal.
    pub queue: QueueConfig,
    /// Requests under way at once; those that have been under way for over a second do not count. 1 to 64.
    pub max_concurrency: u32,
    /// Requests under way at once, slow ones included; at least `max_concurrency`, and equal to it if the user has set that
    /// limit. It is larger otherwise so that batches do not wait behind requests that a slow collector lets time out.
    pub max_under_way: u32,
    /// How bodies are compressed.
    pub compression: Compression,
    /// When failed attempts are repeated.
    pub retry: RetryPolicy,
    /// A request larger than this is split before it is sent, whether it is compressed or not (F36).
    pub max_request_bytes: u64,
    /// A request of several spans that is larger before compression is split before it is sent; one of a single span goes out.
    pub split_above_bytes: u64,
    /// Whether a batch that the endpoint found too large is split (F26); otherwise 413 is final.
    pub split_on_413: bool,
    /// Deadline of the shutdown that follows when the last handle is dropped (R107).
    pub shutdown_timeout: Duration,
    /// Longest wait at the end of the process for spans that nobody else has waited for.
    pub exit_timeout: Duration,
}

/// Bound of the queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueConfig {
    /// Spans accepted and not yet terminal, at most.
    pub max_spans: u64,
    /// Bytes charged for them, at most; the charge follows the representation (raw, encoded, compressed).
    pub max_bytes: u64,
    /// Who goes when there is no room.
    pub overflow: Overflow,
}

/// Who goes when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// What is being offered.
    DropNewest,
    /// The oldest batches that are buffered or wait for a retry; never one in flight or being transformed.
    DropOldest,
}

/// Compression of request bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Bodies go out as encoded.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// None to a loopback endpoint, gzip elsewhere.
    Auto,
}

/// When a failed attempt is repeated. The waits are `initial`, times `multiplier` for each further attempt, up to
/// `max_backoff`, a fifth more or less.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// First wait.
    pub initial_backoff: Duration,
    /// Growth of the wait per retry.
    pub multiplier: f64,
    /// Longest wait.
    pub max_backoff: Duration,
    /// Retries after the first attempt.
    pub max_retries: u32,
    /// Time from the first attempt after which a batch is given up.
    pub max_elapsed: Duration,
    /// Time one attempt may take.
    pub attempt_timeout: Duration,
    /// Longest pause that a `Retry-After` can impose; servers send absurd ones (R31).
    pub max_retry_after: Duration,
    /// Longest time that the breaker stays open between two probes; never more than a fifth of `max_elapsed`, so that what
    /// it holds is not given up although the endpoint is back.
    pub max_breaker_open: Duration,
}

impl RetryPolicy {
    /// What a user may ask for: the stock policy unless there is a `max_elapsed`; `max_attempts` includes the first. With no
    /// time for repeats there is still the attempt's own.
    pub fn of(
        attempt_timeout: Duration,
        max_elapsed: Option<Duration>,
        max_attempts: Option<u32>,
    ) -> Self {
        let stock = RetryPolicy::stock(attempt_timeout);
        match (max_elapsed, max_attempts) {
            (None, None) => stock,
            (None, Some(attempts)) => {
                RetryPolicy { max_retries: attempts.saturating_sub(1), ..stock }
            }
            (Some(Duration::ZERO), _) => RetryPolicy { max_retries: 0, ..stock },
            (Some(elapsed), attempts) => {
                RetryPolicy::long(attempt_timeout, elapsed, attempts.unwrap_or(u32::MAX))
            }
        }
    }

    /// The stock exporter's policy: five retries, everything inside `timeout` from the first attempt.
    pub fn stock(timeout: Duration) -> Self {
        RetryPolicy {
            initial_backoff: Duration::from_secs(1),
            multiplier: 1.5,
            max_backoff: Duration::from_secs(5),
            max_retries: 5,
            max_elapsed: timeout,
            attempt_timeout: timeout,
            max_retry_after: Duration::from_secs(30),
            max_breaker_open: Duration::from_secs(5),
        }
    }

    /// The pause that a `Retry-After` imposes.
    pub(crate) fn clamp_pause(&self, asked: Duration) -> Duration {
        asked.min(self.max_retry_after)
    }

    /// For outages: batches wait, encoded and compressed, up to `max_elapsed`; `max_attempts` includes the first.
    pub fn long(attempt_timeout: Duration, max_elapsed: Duration, max_attempts: u32) -> Self {
        RetryPolicy {
            initial_backoff: Duration::from_millis(200),
            multiplier: 2.0,
            max_backoff: Duration::from_secs(30),
            max_retries: max_attempts.saturating_sub(1),
            max_elapsed,
            attempt_timeout,
            max_retry_after: Duration::from_secs(30),
            max_breaker_open: Duration::from_secs(30),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: "http://localhost:4318/v1/traces".to_owned(),
            way: String::new(),
            protocol: Protocol::HttpProtobuf,
            queue: QueueConfig {
                max_spans: 16_384,
                max_bytes: 64 << 20,
                overflow: Overflow::DropNewest,
            },
            max_concurrency: 4,
            max_under_way: 30,
            compression: Compression::None,
            retry: RetryPolicy::stock(Duration::from_secs(10)),
            max_request_bytes: 64 << 20,
            split_above_bytes: u64::MAX,
            split_on_413: true,
            shutdown_timeout: Duration::from_secs(30),
            exit_timeout: Duration::from_millis(500),
        }
    }
}

impl Config {
    /// The same for a sink that makes all the attempts itself: one export is one request.
    pub fn in_one_request(self) -> Self {
        Config {
            max_request_bytes: u64::MAX,
            split_above_bytes: u64::MAX,
            split_on_413: false,
            retry: RetryPolicy { max_retries: 0, ..RetryPolicy::stock(self.retry.attempt_timeout) },
            ..self
        }
    }

    /// A `way` that no other exporter has: agents and look-ups are code, and files know no network.
    pub fn own_way() -> String {
        static OTHERS: AtomicU64 = AtomicU64::new(0);
        format!("other {}", OTHERS.fetch_add(1, Ordering::Relaxed))
    }

    /// Brings every number into its documented range. Only what no range can mend is an error.
    pub fn normalised(mut self) -> Result<Self, ConfigError> {
        if self.queue.max_spans == 0 || self.queue.max_bytes == 0 {
            return Err(ConfigError("queue.maxSpans and queue.maxBytes must be at least 1"));
        }
        if self.max_request_bytes == 0 {
            return Err(ConfigError("the request limit must be at least 1 byte"));
        }
        self.max_concurrency = self.max_concurrency.clamp(1, 64);
        self.max_under_way = self.max_under_way.clamp(self.max_concurrency, 64);
        let retry = &mut self.retry;
        retry.multiplier =
            if retry.multiplier.is_finite() { retry.multiplier.clamp(1.0, 10.0) } else { 1.5 };
        for time in [
            &mut retry.initial_backoff,
            &mut retry.max_backoff,
            &mut retry.max_elapsed,
            &mut retry.attempt_timeout,
            &mut retry.max_retry_after,
            &mut retry.max_breaker_open,
            &mut self.shutdown_timeout,
            &mut self.exit_timeout,
        ] {
            *time = clamp_timeout(*time);
        }
        let retry = &mut self.retry;
        retry.max_breaker_open = retry.max_breaker_open.min(retry.max_elapsed / 5);
        Ok(self)
    }
}
