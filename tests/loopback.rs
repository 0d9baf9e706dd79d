//! The pipeline with its real sinks: a server on loopback, files in a folder.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/raw_server.rs"]
mod raw_server;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use offloop::{
    config::Config,
    error::DropReason,
    exporter::{Completion, Engine, Exporter, FlushMode, Level, Notice, Outcome},
    handoff::RawBatch,
    otlp::Protocol,
    sink::{
        Sink,
        file::{FileConfig, FileSink},
        http::{HttpConfig, HttpSink},
    },
};
use raw_server::{RawServer, closed_port};
use support::{PATIENCE, otlp, patient, take};

fn exporter(sink: Arc<dyn Sink>, config: Config) -> (Arc<Exporter>, Arc<Engine>) {
    let engine = Engine::new(2);
    let transform = otlp::transform(config.protocol);
    (Exporter::on(Arc::clone(&engine), config, sink, transform).unwrap(), engine)
}

fn http(url: &str) -> Arc<HttpSink> {
    HttpSink::new(HttpConfig::new(url, "application/x-protobuf", "test")).unwrap()
}

fn export(exporter: &Exporter, spans: u32) -> mpsc::Receiver<Outcome> {
    let (done, outcome) = mpsc::channel();
    let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
    let ticket = exporter.admit(spans, 100, completion).unwrap();
    exporter.submit(ticket, RawBatch::for_test(spans, 100));
    outcome
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How late a thread is that asks for a millisecond of sleep: the machine's own share of a wall-clock measurement.
fn control(stop: &AtomicBool) -> Duration {
    let mut worst = Duration::ZERO;
    while !stop.load(Ordering::SeqCst) {
        let before = Instant::now();
        thread::sleep(Duration::from_millis(1));
        worst = worst.max(before.elapsed());
    }
    worst
}

/// Measures `run`, again (three times at most) if the machine itself was late.
fn measured(limit: Duration, mut run: impl FnMut() -> Duration) {
    for _ in 0..3 {
        let stop = AtomicBool::new(false);
        let (took, late) = thread::scope(|scope| {
            let control = scope.spawn(|| control(&stop));
            let took = run();
            stop.store(true, Ordering::SeqCst);
            (took, control.join().unwrap())
        });
        if took <= limit {
            return;
        }
        assert!(
            late > Duration::from_millis(10),
            "took {took:?} of {limit:?}, and the machine was not late ({late:?})"
        );
    }
}

#[test]
fn r28_r27_f11_an_unrelated_batch_is_posted_while_a_flush_waits_for_a_stalled_one() {
    for mode in [FlushMode::Terminal, FlushMode::Attempt] {
        measured(Duration::from_millis(50), || {
            // The first request stalls; its connection, and only that, is lost.
            let server = RawServer::start(|mut peer| {
                while peer.request().is_some() {
                    if peer.connection == 0 {
                        peer.wait_for_close();
                        return;
                    }
                    peer.respond("200 OK", "", b"");
                }
            });
            let (exporter, _engine) = exporter(http(&server.url()), patient());
            let _stalled = export(&exporter, 1);
            wait_until("the first request", || server.received().len() == 1);
            let (done, flushed) = mpsc::channel();
            exporter.force_flush(
                mode,
                PATIENCE,
                Box::new(move |outcome| {
                    let _ = done.send(outcome);
                }),
            );
            let started = Instant::now();
            let unrelated = export(&exporter, 1);
            assert_eq!(take(&unrelated).delivered, 1);
            let took = started.elapsed();
            assert!(flushed.try_recv().is_err());
            exporter.shutdown(Duration::ZERO, Box::new(|_| ()));
            took
        });
    }
}

#[test]
fn r51_r52_r53_a_shutdown_against_a_stalling_server_ends_in_time_and_leaves_nothing() {
    measured(Duration::from_millis(400), || {
        let open = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&open);
        let server = RawServer::start(move |mut peer| {
            count.fetch_add(1, Ordering::SeqCst);
            peer.request();
            assert!(peer.wait_for_close(), "the client keeps its socket");
            count.fetch_sub(1, Ordering::SeqCst);
        });
        let (exporter, engine) = exporter(http(&server.url()), Config::default());
        let outcomes: Vec<_> = (0..200).map(|_| export(&exporter, 1)).collect();
        wait_until("four requests", || server.received().len() == 4);
        let started = Instant::now();
        let (done, closed) = mpsc::channel();
        exporter.shutdown(
            Duration::from_millis(300),
            Box::new(move |outcome| done.send(outcome).unwrap()),
        );
        let outcome = take(&closed);
        let took = started.elapsed();
        assert!(outcome.timed_out && outcome.dropped == 200, "{outcome:?}");
        for outcome in outcomes {
            assert_eq!(take(&outcome).dropped[DropReason::ShutdownDeadline], 1);
        }
        let posted = server.received().len();
        wait_until("threads and sockets are gone", || {
            engine.threads() == 0 && open.load(Ordering::SeqCst) == 0
        });
        thread::sleep(Duration::from_millis(50));
        assert_eq!(server.received().len(), posted, "nothing is posted after the deadline");
        assert_eq!(exporter.stats().pending, 0);
        took
    });
}

#[test]
fn r49_everything_queued_is_delivered_before_a_shutdown_returns() {
    let server = RawServer::start(|mut peer| {
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
        }
    });
    let (exporter, engine) = exporter(http(&server.url()), Config::default());
    let outcomes: Vec<_> = (0..100).map(|_| export(&exporter, 100)).collect();
    let (done, closed) = mpsc::channel();
    exporter.shutdown(PATIENCE, Box::new(move |outcome| done.send(outcome).unwrap()));
    assert!(!take(&closed).timed_out);
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 100));
    assert_eq!(server.received().len(), 100);
    wait_until("no thread is left", || engine.threads() == 0);
}

#[test]
fn r78_no_line_and_no_error_holds_a_secret_or_a_payload() {
    const SECRET: &str = "s3cr3t-t0k3n";
    let server = RawServer::start(|mut peer| {
        if let Some(request) = peer.request() {
            // A server that echoes what it must not.
            let echo = format!("{}{}", request.head, SECRET);
            match request.connection % 3 {
                0 => peer.respond("400 Bad Request", "", echo.as_bytes()),
                1 => peer.respond(
                    "302 Found",
                    &format!("Location: http://user:{SECRET}@elsewhere/\r\n"),
                    b"",
                ),
                _ => peer.reset(),
            }
        }
    });
    let urls = [
        server.url().replace("http://", &format!("http://user:{SECRET}@")) + "?key=" + SECRET,
        format!("http://user:{SECRET}@{}/?key={SECRET}", closed_port()),
        format!("http://user:{SECRET}@nothing.invalid/?key={SECRET}"),
        format!("https://user:{SECRET}@{}/?key={SECRET}", server.address),
    ];
    for url in urls {
        let mut http = HttpConfig::new(url, "application/x-protobuf", "test");
        http.headers = vec![("x-api-key".to_owned(), SECRET.to_owned())];
        let (exporter, _engine) = exporter(HttpSink::new(http).unwrap(), Config::default());
        let notices = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&notices);
        exporter.observe(
            Level::Verbose,
            Arc::new(move |notice: Notice| seen.lock().unwrap().push(notice)),
        );
        let outcomes: Vec<_> = (0..4).map(|_| export(&exporter, 3)).collect();
        exporter.shutdown(Duration::from_millis(500), Box::new(|_| ()));
        for outcome in outcomes {
            let outcome = take(&outcome);
            // The body is the stock exporter's `data`: the caller's to show or not, never ours to log.
            let error =
                outcome.error.map(|error| offloop::error::ExportFailure { body: None, ..error });
            assert!(!format!("{error:?} {:?}", outcome.warnings).contains(SECRET), "{error:?}");
        }
        wait_until("the lane is closed", || exporter.stats().pending == 0);
        let text = format!("{:?}", notices.lock().unwrap());
        assert!(
            text.contains("Failed")
                && !text.contains(SECRET)
                && !text.contains("a span with a name"),
            "{text}"
        );
    }
}

fn folder(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let _ = fs::remove_file(&folder);
    folder
}

#[test]
fn r81_r33_concurrent_exports_to_files_never_interleave_and_keep_their_order() {
    let folder = folder("lines");
    let config = Config { protocol: Protocol::HttpJson, max_concurrency: 4, ..Config::default() };
    let (exporter, _engine) = exporter(FileSink::new(FileConfig::new(&folder)), config);
    thread::scope(|scope| {
        for spans in 1..=50 {
            let exporter = &exporter;
            scope.spawn(move || {
                for _ in 0..4 {
                    assert_eq!(take(&export(exporter, spans)).delivered, u64::from(spans));
                }
            });
        }
    });
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for file in fs::read_dir(&folder).unwrap() {
        for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let request: serde_json::Value = serde_json::from_str(line).expect("a whole line");
            let spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
            let ids: Vec<_> =
                spans.iter().map(|span| span["traceId"].as_str().unwrap().to_owned()).collect();
            assert!(ids.is_sorted(), "export order inside a batch");
            *sizes.entry(spans.len()).or_default() += 1;
        }
    }
    assert_eq!(sizes, (1..=50).map(|spans| (spans, 4)).collect());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn r76_f73_a_file_that_cannot_be_written_is_a_failure_and_later_exports_work() {
    let folder = folder("in-the-way");
    fs::write(&folder, "a file where the folder should be").unwrap();
    let config = Config { protocol: Protocol::HttpJson, ..Config::default() };
    let (exporter, _engine) = exporter(FileSink::new(FileConfig::new(&folder)), config);
    for _ in 0..3 {
        let outcome = take(&export(&exporter, 2));
        assert!(
            outcome.is_failure() && outcome.dropped[DropReason::NonRetryable] == 2,
            "{outcome:?}"
        );
        assert!(["ENOTDIR", "EEXIST"].contains(&outcome.error.unwrap().code.as_str()));
    }
    fs::remove_file(&folder).unwrap();
    assert_eq!(take(&export(&exporter, 2)).delivered, 2);
    fs::remove_dir_all(folder).unwrap();
}

/// Never answers.
struct Stuck;

impl Sink for Stuck {
    fn send(&self, _request: offloop::sink::Request) -> offloop::sink::Attempt {
        Box::pin(std::future::pending())
    }
}

#[test]
fn r8_admission_does_not_wait_for_a_stuck_sink() {
    let (exporter, _engine) = exporter(Arc::new(Stuck), patient());
    let (mut admitted, mut refused) = (0, 0);
    for _ in 0..20_000 {
        match exporter.admit(1, 100, Completion::new(|_| ())) {
            Ok(ticket) => {
                exporter.submit(ticket, RawBatch::for_test(1, 100));
                admitted += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert_eq!((admitted, refused), (16_384, 3_616));
    assert_eq!(exporter.stats().refused[DropReason::QueueFull], 3_616);
}
