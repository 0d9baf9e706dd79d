//! One attempt through a sink, as the I/O thread makes it: a current-thread runtime and a request.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{sync::Arc, time::Duration};

use offloop::sink::{
    ContentEncoding, Reply, Request, SendError, SendOutcome, Sink,
    http::{HttpConfig, HttpSink},
};
use tokio::runtime::{Builder, Runtime};

/// The runtime that the pipeline owns.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A sink with the stock settings.
pub fn http_sink(url: &str) -> Arc<HttpSink> {
    HttpSink::new(config(url)).unwrap()
}

/// The stock settings.
pub fn config(url: &str) -> HttpConfig {
    HttpConfig::new(url, "application/x-protobuf", "OTel-OTLP-Exporter-JavaScript/0.0.0")
}

/// A body of `bytes` bytes with two seconds to go.
pub fn request(bytes: usize) -> Request {
    Request {
        body: vec![b'x'; bytes].into(),
        encoding: ContentEncoding::Identity,
        spans: 1,
        call: 0,
        attempt: 1,
        time_left: Duration::from_secs(2),
        headers: None,
    }
}

/// The same with `millis` to go.
pub fn request_within(millis: u64) -> Request {
    Request { time_left: Duration::from_millis(millis), ..request(10) }
}

/// Sends one request on a runtime of its own.
pub fn send(sink: &Arc<HttpSink>, request: Request) -> SendOutcome {
    runtime().block_on(sink.send(request))
}

/// Unwraps a response.
#[track_caller]
pub fn reply(outcome: SendOutcome) -> Reply {
    match outcome {
        SendOutcome::Reply(reply) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// Unwraps an error.
#[track_caller]
pub fn failure(outcome: SendOutcome) -> SendError {
    match outcome {
        SendOutcome::Failed(error) => error,
        other => panic!("no failure: {other:?}"),
    }
}
