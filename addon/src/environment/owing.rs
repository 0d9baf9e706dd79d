//! What the exporters of the process owe, for the last words of its end (`js/native/last_words.js`).

use napi_derive::napi;
use offloop::exporter::{Engine, Owing};

use super::Environment;

/// One exporter's.
#[napi(object)]
pub struct JsOwing {
    /// Tells it from every other exporter of the process, also from those of another copy of this library.
    pub lane: f64,
    /// Where its spans are to go, without credentials and query.
    pub endpoint: String,
    /// Spans accepted and not terminal.
    pub pending: f64,
    /// Spans lost so far.
    pub dropped: f64,
    /// Why what waits could not be delivered so far.
    pub trouble: Option<String>,
}

impl From<Owing> for JsOwing {
    fn from(owing: Owing) -> Self {
        let Owing { lane, endpoint, pending, dropped, trouble } = owing;
        let (lane, pending, dropped) = (lane as f64, pending as f64, dropped as f64);
        JsOwing { lane, endpoint, pending, dropped, trouble }
    }
}

#[napi]
impl Environment {
    /// Of all exporters of the process that have taken spans.
    #[napi(catch_unwind)]
    pub fn owing(&self) -> Vec<JsOwing> {
        Engine::global().owing().into_iter().map(JsOwing::from).collect()
    }
}
