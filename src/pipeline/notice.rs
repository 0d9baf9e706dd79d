//! What the pipeline tells the user: lines for `diag` and facts for `onError`, as data.
//! It refuses to print, and to carry payloads, headers or credentials.

use std::sync::{Arc, OnceLock};

use crate::{
    contain::contained,
    error::{DropReason, ExportFailure},
    stats::BreakerState,
};

/// Levels of OpenTelemetry's `diag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `diag.error`
    Error,
    /// `diag.warn`
    Warn,
    /// `diag.info`
    Info,
    /// `diag.debug`
    Debug,
    /// `diag.verbose`
    Verbose,
}

/// A batch that was lost after its admission, for `onError`. Refused admissions are answered where they happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedBatch {
    /// Why.
    pub reason: DropReason,
    /// Spans lost.
    pub spans: u64,
    /// Attempts made.
    pub attempts: u32,
    /// Status of the last response.
    pub http_status: Option<u16>,
    /// Code of the last error.
    pub code: String,
    /// Its text.
    pub message: String,
    /// The receiver's own words, where its response held a `Status`; at most 1 KiB.
    pub server_message: Option<String>,
    /// Where the batch was to go, without credentials.
    pub endpoint: String,
}

/// Something to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A line for `diag`.
    Line {
        /// Its level.
        level: Level,
        /// Its text.
        text: String,
    },
    /// A failed batch.
    Failed(FailedBatch),
    /// The breaker has opened, or it has closed again.
    Breaker {
        /// Its state now.
        state: BreakerState,
        /// Code and text of what the endpoint or the network said last, if it is not closed.
        trouble: Option<(String, String)>,
    },
}

/// Takes notices on any Rust thread, or inside a call into the exporter. Must not block or call the exporter back.
pub type Observer = Arc<dyn Fn(Notice) + Send + Sync>;

/// The way to the observer of one exporter, if it has one.
#[derive(Default)]
pub(crate) struct Herald {
    /// Where its batches are to go, without credentials.
    endpoint: String,
    observer: OnceLock<(Level, Observer)>,
}

impl Herald {
    pub(crate) fn of(endpoint: &str) -> Self {
        Herald { endpoint: endpoint.to_owned(), observer: OnceLock::new() }
    }

    /// Sets the observer, once; lines above `level` are not made.
    pub(crate) fn set(&self, level: Level, observer: Observer) {
        let _ = self.observer.set((level, observer));
    }

    /// The endpoint as a line may show it: a query may hold a key.
    pub(crate) fn shown_endpoint(&self) -> &str {
        without_query(&self.endpoint)
    }

    pub(crate) fn line(&self, level: Level, text: impl Into<String>) {
        if let Some((max, observer)) = self.observer.get()
            && level <= *max
        {
            tell(observer, Notice::Line { level, text: text.into() });
        }
    }

    pub(crate) fn breaker(&self, state: BreakerState, trouble: Option<ExportFailure>) {
        if let Some((_, observer)) = self.observer.get() {
            let trouble = trouble.map(|failure| (failure.code, failure.message));
            tell(observer, Notice::Breaker { state, trouble });
        }
    }

    pub(crate) fn failed(&self, failed: impl FnOnce() -> FailedBatch) {
        if let Some((_, observer)) = self.observer.get() {
            tell(observer, Notice::Failed(failed()));
        }
    }

    /// A batch was lost on our side, whatever its last attempt may have said.
    pub(crate) fn lost(&self, reason: DropReason, spans: u64) {
        self.lost_because(reason, spans, None);
    }

    /// The same, with what was the cause.
    pub(crate) fn lost_because(&self, reason: DropReason, spans: u64, cause: Option<String>) {
        self.failed(|| {
            let ExportFailure { code, message, .. } = reason.into();
            let message = cause.unwrap_or(message);
            FailedBatch {
                reason,
                spans,
                attempts: 0,
                http_status: None,
                code,
                message,
                server_message: None,
                endpoint: self.endpoint.clone(),
            }
        });
    }
}

/// `endpoint` up to its query; the path of a directory has none.
pub(crate) fn without_query(endpoint: &str) -> &str {
    let is_url = endpoint.starts_with("http://") || endpoint.starts_with("https://");
    match endpoint.split_once('?') {
        Some((shown, _)) if is_url => shown,
        _ => endpoint,
    }
}

/// An observer that throws is its own problem.
fn tell(observer: &Observer, notice: Notice) {
    contained((), || observer(notice));
}

impl std::fmt::Debug for Herald {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Herald")
            .field("endpoint", &self.endpoint)
            .field("observed", &self.observer.get().is_some())
            .finish()
    }
}
