//! Calls through a gRPC sink, as the I/O thread makes them: one runtime, on which the connection lives on.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use offloop::sink::{
    CallEnd, ContentEncoding, Request, SendError, SendOutcome, Sink,
    grpc::{GrpcConfig, GrpcSink},
};
use tokio::runtime::{Builder, Runtime};

use super::raw_server::RawServer;

/// A sink and its runtime.
pub struct Client {
    pub runtime: Runtime,
    pub sink: Arc<GrpcSink>,
}

/// The stock settings.
pub fn config(server: &RawServer) -> GrpcConfig {
    GrpcConfig::new(format!("http://{}", server.address), "test")
}

/// A message of `bytes` bytes with two seconds to go.
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

impl Client {
    /// With the stock settings.
    pub fn of(server: &RawServer) -> Client {
        Client::with(config(server))
    }

    pub fn with(config: GrpcConfig) -> Client {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Client { runtime, sink: GrpcSink::new(config).unwrap() }
    }

    pub fn send(&self, request: Request) -> SendOutcome {
        self.runtime.block_on(self.sink.send(request))
    }

    /// Several calls at once.
    pub fn send_all(&self, requests: Vec<Request>) -> Vec<SendOutcome> {
        let mut sending: Vec<_> =
            requests.into_iter().map(|request| (self.sink.send(request), None)).collect();
        self.runtime.block_on(poll_fn(move |context| {
            for (future, outcome) in &mut sending {
                if outcome.is_none()
                    && let Poll::Ready(ready) = future.as_mut().poll(context)
                {
                    *outcome = Some(ready);
                }
            }
            if sending.iter().all(|(_, outcome)| outcome.is_some()) {
                let outcomes = sending.iter_mut().map(|(_, outcome)| outcome.take().unwrap());
                return Poll::Ready(outcomes.collect());
            }
            Poll::Pending
        }))
    }

    /// Lets what runs beside the calls go on.
    pub fn idle(&self, millis: u64) {
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(millis)).await });
    }

    /// One small call.
    #[track_caller]
    pub fn end(&self) -> CallEnd {
        end(self.send(request(10)))
    }

    /// One small call that gets no status.
    #[track_caller]
    pub fn failure(&self) -> SendError {
        failure(self.send(request(10)))
    }
}

/// Unwraps a status.
#[track_caller]
pub fn end(outcome: SendOutcome) -> CallEnd {
    match outcome {
        SendOutcome::Called(end) => end,
        other => panic!("no status: {other:?}"),
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
