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
    io::Read,
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use offloop::{
    config::{Compression, Config},
    error::DropReason,
    exporter::{Completion, Level, Notice},
    handoff::RawBatch,
    otlp::Protocol,
    sink::{
        ContentEncoding, Sink,
        file::{FileConfig, FileSink},
        http::{HttpConfig, HttpSink},
    },
};
use raw_server::{RawServer, closed_port};
use support::{
    patient,
    real::{export, exporter, exporter_of_lines, http, wait_until},
    take,
};

#[test]
fn r49_everything_queued_is_delivered_before_a_shutdown_returns() {
    let server = RawServer::start(|mut peer| {
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
        }
    });
    // Nothing here ends by the clock: a machine that stands still for longer than an attempt may take would make the
    // stock policy repeat requests that have arrived.
    let hour = Duration::from_secs(3600);
    let (exporter, engine) = exporter(http(&server.url()), patient());
    let outcomes: Vec<_> = (0..100).map(|_| export(&exporter, 100)).collect();
    let (done, closed) = mpsc::channel();
    exporter.shutdown(hour, Box::new(move |outcome| done.send(outcome).unwrap()));
    assert!(!take(&closed).timed_out);
    for outcome in outcomes {
        let outcome = outcome.try_recv().expect("answered before the shutdown returns");
        assert_eq!((outcome.delivered, outcome.attempts), (100, 1), "{outcome:?}");
    }
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
    let (exporter, _engine) = exporter_of_lines(FileSink::new(FileConfig::new(&folder)), config);
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

/// What a file holds, by decoders that are not the ones that wrote it where there are any.
fn decompressed(path: &std::path::Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    match path.extension().and_then(|extension| extension.to_str()).unwrap() {
        "gz" => flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text),
        "zst" => zstd::stream::read::Decoder::new(&bytes[..]).unwrap().read_to_string(&mut text),
        _ => return String::from_utf8(bytes).unwrap(),
    }
    .unwrap();
    text
}

#[test]
fn f88_compressed_files_hold_the_same_lines_in_less_room() {
    let mut plain = None;
    for (compression, encoding) in [
        (Compression::None, ContentEncoding::Identity),
        (Compression::Gzip, ContentEncoding::Gzip),
        (Compression::Zstd, ContentEncoding::Zstd),
    ] {
        let folder = folder(&format!("compressed-{encoding:?}"));
        let config = Config { protocol: Protocol::HttpJson, compression, ..Config::default() };
        let max_file_bytes = 6_000;
        let sink = FileConfig { encoding, max_file_bytes, ..FileConfig::new(&folder) };
        let (exporter, _engine) = exporter_of_lines(FileSink::new(sink), config);
        for spans in [1, 100, 7, 50, 3] {
            assert_eq!(take(&export(&exporter, spans)).delivered, u64::from(spans));
        }
        let mut paths: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        // Of one millisecond there may be several: behind the time comes the number.
        let number = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split('.').next().unwrap().rsplit('-').next().unwrap().parse::<u64>().unwrap()
        };
        paths.sort_by_key(number);
        let text: String = paths.iter().map(|path| decompressed(path)).collect();
        assert_eq!(text.lines().count(), 5);
        let bytes: u64 = paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        let (plain_text, plain_files, plain_bytes) =
            plain.get_or_insert((text.clone(), paths.len(), bytes));
        assert!(text == *plain_text, "{encoding:?} holds other text");
        assert!(*plain_files > 1, "the limit of a file is that of its bytes on disk");
        if encoding != ContentEncoding::Identity {
            assert!(paths.len() < *plain_files && bytes * 3 < *plain_bytes, "{bytes} bytes");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn r76_f73_a_file_that_cannot_be_written_is_a_failure_and_later_exports_work() {
    let folder = folder("in-the-way");
    fs::write(&folder, "a file where the folder should be").unwrap();
    let config = Config { protocol: Protocol::HttpJson, ..Config::default() };
    let (exporter, _engine) = exporter_of_lines(FileSink::new(FileConfig::new(&folder)), config);
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
    fn send(&self, _request: offloop::sink::Request) -> offloop::sink::Sending {
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
