//! An exporter with real requests and a real sink.
//! It refuses to answer for the other side: that is the test's server.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use offloop::{
    config::Config,
    exporter::{Completion, Engine, Exporter, Outcome, Transform},
    handoff::RawBatch,
    sink::{
        Sink,
        http::{HttpConfig, HttpSink},
    },
};

use super::{PATIENCE, otlp};

pub fn exporter(sink: Arc<dyn Sink>, config: Config) -> (Arc<Exporter>, Arc<Engine>) {
    let engine = Engine::new(2);
    let transform = otlp::transform(config.protocol);
    (Exporter::on(Arc::clone(&engine), config, sink, transform).unwrap(), engine)
}

/// The same for a sink of files, whose bodies are lines.
pub fn exporter_of_lines(sink: Arc<dyn Sink>, config: Config) -> (Arc<Exporter>, Arc<Engine>) {
    let engine = Engine::new(2);
    let encode = otlp::transform(config.protocol);
    let transform: Transform = Arc::new(move |raw| {
        let mut encoded = encode(raw)?;
        encoded.body.push(b'\n');
        Ok(encoded)
    });
    (Exporter::on(Arc::clone(&engine), config, sink, transform).unwrap(), engine)
}

pub fn http(url: &str) -> Arc<HttpSink> {
    HttpSink::new(HttpConfig::new(url, "application/x-protobuf", "test")).unwrap()
}

pub fn export(exporter: &Exporter, spans: u32) -> mpsc::Receiver<Outcome> {
    let (done, outcome) = mpsc::channel();
    let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
    let ticket = exporter.admit(spans, 100, completion).unwrap();
    exporter.submit(ticket, RawBatch::for_test(spans, 100));
    outcome
}

pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}
