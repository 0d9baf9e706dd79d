//! The file sink against real directories (F72 to F80).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use offloop::sink::{
    ContentEncoding, Request, SendError, SendErrorKind, SendOutcome, Sink,
    file::{FileConfig, FileSink},
};
use tokio::runtime::Builder;

/// A directory that goes away with its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("offloop-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn line(body: &str, time_left: Duration) -> Request {
    Request {
        body: format!("{body}\n").into(),
        encoding: ContentEncoding::Identity,
        spans: 1,
        call: 0,
        attempt: 1,
        time_left,
        headers: None,
    }
}

fn send(sink: &Arc<FileSink>, body: &str) -> SendOutcome {
    send_within(sink, body, Duration::from_secs(5))
}

fn send_within(sink: &Arc<FileSink>, body: &str, time_left: Duration) -> SendOutcome {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(sink.send(line(body, time_left)))
}

#[track_caller]
fn stored(outcome: SendOutcome) {
    assert!(matches!(outcome, SendOutcome::Stored), "{outcome:?}");
}

#[track_caller]
fn failed(outcome: SendOutcome) -> SendError {
    match outcome {
        SendOutcome::Failed(error) => error,
        other => panic!("no failure: {other:?}"),
    }
}

/// Files of a directory by name, oldest first.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        stem.rsplit('-').next().unwrap().parse::<u64>().unwrap()
    });
    paths
}

#[test]
fn each_batch_is_one_line_of_one_file() {
    let scratch = Scratch::new("lines");
    let sink = FileSink::new(FileConfig::new(scratch.0.join("deep/er")));
    for i in 0..3 {
        stored(send(&sink, &format!("{{\"batch\":{i}}}")));
    }
    let files = files(&scratch.0.join("deep/er"));
    assert_eq!(files.len(), 1);
    assert_eq!(
        fs::read_to_string(&files[0]).unwrap(),
        "{\"batch\":0}\n{\"batch\":1}\n{\"batch\":2}\n"
    );
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("traces-20") && name.contains(&format!("Z-{}-", std::process::id())),
        "{name}"
    );
}

#[test]
fn a_full_file_is_followed_by_the_next_and_the_oldest_own_one_goes() {
    let scratch = Scratch::new("rotate");
    fs::create_dir_all(&scratch.0).unwrap();
    let foreign = scratch.0.join("traces-2020-01-01T00-00-00-000Z-1-0.jsonl");
    fs::write(&foreign, "kept\n").unwrap();
    let config = FileConfig { max_file_bytes: 25, max_files: 2, ..FileConfig::new(&scratch.0) };
    let sink = FileSink::new(config);
    for i in 0..7 {
        stored(send(&sink, &format!("{{\"b\":{i}}}..")));
    }
    let texts: Vec<String> =
        files(&scratch.0).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert_eq!(texts, ["kept\n", "{\"b\":4}..\n{\"b\":5}..\n", "{\"b\":6}..\n"]);
}

#[test]
fn files_of_sinks_that_ended_count_and_those_of_others_stay() {
    let scratch = Scratch::new("lives");
    let config = FileConfig { max_files: 3, ..FileConfig::new(&scratch.0) };
    let other = FileSink::new(config.clone());
    stored(send(&other, "other"));
    for life in 0..8 {
        let sink = FileSink::new(config.clone());
        stored(send(&sink, &life.to_string()));
    }
    let texts = || -> Vec<String> {
        files(&scratch.0).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    assert_eq!(texts(), ["other\n", "5\n", "6\n", "7\n"], "the other one is in use");
    drop(other);
    let elsewhere = Scratch::new("elsewhere");
    stored(send(
        &FileSink::new(FileConfig { directory: elsewhere.0.clone(), ..config.clone() }),
        "8",
    ));
    assert_eq!(texts().len(), 4, "another directory has its own files");
    stored(send(&FileSink::new(config), "9"));
    assert_eq!(texts(), ["6\n", "7\n", "9\n"]);
}

#[test]
fn a_line_larger_than_a_file_gets_a_file_of_its_own() {
    let scratch = Scratch::new("large");
    let sink = FileSink::new(FileConfig { max_file_bytes: 10, ..FileConfig::new(&scratch.0) });
    stored(send(&sink, &"a".repeat(100)));
    stored(send(&sink, "b"));
    let lengths: Vec<u64> =
        files(&scratch.0).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert_eq!(lengths, [101, 2]);
}

#[test]
fn f72_a_directory_that_disappears_comes_back() {
    let scratch = Scratch::new("f72");
    let sink = FileSink::new(FileConfig::new(scratch.0.join("a/b")));
    stored(send(&sink, "1"));
    fs::remove_dir_all(scratch.0.join("a")).unwrap();
    stored(send(&sink, "2"));
    fs::remove_file(&files(&scratch.0.join("a/b"))[0]).unwrap();
    stored(send(&sink, "3"));
    let texts: Vec<String> =
        files(&scratch.0.join("a/b")).iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    assert_eq!(texts, ["3\n"]);
}

#[cfg(unix)] // Windows has other words for it
#[test]
fn f73_a_file_in_the_place_of_the_directory_is_reported_and_can_heal() {
    let scratch = Scratch::new("f73");
    fs::write(&scratch.0, "in the way").unwrap();
    let sink = FileSink::new(FileConfig::new(&scratch.0));
    let error = failed(send(&sink, "1"));
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::File, Some("ENOTDIR")));
    assert!(error.message.starts_with("ENOTDIR: not a directory, open '"), "{}", error.message);
    fs::remove_file(&scratch.0).unwrap();
    stored(send(&sink, "2"));
}

#[test]
fn a_body_that_is_not_compressed_as_its_file_is_is_refused() {
    let scratch = Scratch::new("gzip");
    let all = [ContentEncoding::Identity, ContentEncoding::Gzip, ContentEncoding::Zstd];
    for (encoding, other) in all.iter().flat_map(|one| all.map(|other| (*one, other))) {
        if encoding == other {
            continue;
        }
        let sink = FileSink::new(FileConfig { encoding, ..FileConfig::new(&scratch.0) });
        let request = Request { encoding: other, ..line("x", Duration::from_secs(1)) };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(failed(runtime.block_on(sink.send(request))).kind, SendErrorKind::Unsendable);
    }
    assert!(!scratch.0.exists());
}

/// `body` as a line, compressed as the pipeline compresses it: a member or frame of its own.
fn compressed(encoding: ContentEncoding, body: &str) -> Vec<u8> {
    let line = format!("{body}\n");
    match encoding {
        ContentEncoding::Identity => line.into_bytes(),
        ContentEncoding::Gzip => {
            let mut compressor =
                libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
            let mut out = vec![0; compressor.gzip_compress_bound(line.len())];
            let bytes = compressor.gzip_compress(line.as_bytes(), &mut out).unwrap();
            out.truncate(bytes);
            out
        }
        ContentEncoding::Zstd => zstd::bulk::compress(line.as_bytes(), 1).unwrap(),
    }
}

/// What can be read of `bytes` up to their end or the first error.
fn readable(encoding: ContentEncoding, bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = match encoding {
        ContentEncoding::Identity => {
            text.extend_from_slice(bytes);
            Ok(0)
        }
        ContentEncoding::Gzip => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text),
        ContentEncoding::Zstd => zstd::stream::read::Decoder::new(bytes)
            .and_then(|mut decoder| decoder.read_to_end(&mut text)),
    };
    text
}

#[test]
fn f88_a_file_that_was_cut_anywhere_keeps_every_batch_before_the_cut() {
    for encoding in [ContentEncoding::Identity, ContentEncoding::Gzip, ContentEncoding::Zstd] {
        let scratch = Scratch::new(&format!("cut-{encoding:?}"));
        let sink = FileSink::new(FileConfig { encoding, ..FileConfig::new(&scratch.0) });
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let bodies: Vec<String> =
            (0..6).map(|n| format!("{{\"batch\":{n},{:?}:0}}", "x".repeat(40 * n))).collect();
        let mut ends = Vec::new();
        for body in &bodies {
            let whole = compressed(encoding, body);
            ends.push(ends.last().copied().unwrap_or(0) + whole.len());
            let request =
                Request { encoding, body: whole.into(), ..line("", Duration::from_secs(5)) };
            stored(runtime.block_on(sink.send(request)));
        }
        let files = files(&scratch.0);
        assert_eq!(files.len(), 1);
        let bytes = fs::read(&files[0]).unwrap();
        assert_eq!(bytes.len(), *ends.last().unwrap(), "nothing between the batches");
        for cut in 0..=bytes.len() {
            let text = String::from_utf8(readable(encoding, &bytes[..cut])).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let expected: String = bodies[..whole].iter().map(|body| format!("{body}\n")).collect();
            assert!(text.starts_with(&expected), "{encoding:?}, cut at {cut}: {text}");
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{PermissionsExt, symlink},
        process::Command,
        time::Instant,
    };

    use super::*;

    #[test]
    fn files_are_for_the_owner_and_the_group() {
        let scratch = Scratch::new("mode");
        let sink = FileSink::new(FileConfig::new(&scratch.0));
        stored(send(&sink, "1"));
        let mode = fs::metadata(&files(&scratch.0)[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "{mode:o}");
        assert_eq!(mode & 0o600, 0o600, "{mode:o}");
    }

    #[test]
    fn f77_a_link_planted_under_our_name_is_not_followed() {
        let scratch = Scratch::new("f77");
        let sink = FileSink::new(FileConfig::new(&scratch.0));
        stored(send(&sink, "1"));
        let victim = scratch.0.join("victim-0");
        fs::write(&victim, "untouched").unwrap();
        let ours = files(&scratch.0).pop().unwrap();
        fs::remove_file(&ours).unwrap();
        symlink(&victim, &ours).unwrap();
        stored(send(&sink, "2"));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert_eq!(fs::read_to_string(files(&scratch.0).pop().unwrap()).unwrap(), "2\n");
    }

    #[test]
    fn f75_a_stuck_disk_holds_its_thread_and_nobody_else() {
        let scratch = Scratch::new("f75");
        let sink = FileSink::new(FileConfig::new(&scratch.0));
        stored(send(&sink, "1"));
        // Opening a pipe that nobody reads blocks, as a dead NFS server does.
        let ours = files(&scratch.0).pop().unwrap();
        fs::remove_file(&ours).unwrap();
        assert!(Command::new("mkfifo").arg(&ours).status().unwrap().success());
        let started = Instant::now();
        for _ in 0..2 {
            let error = failed(send_within(&sink, "stuck", Duration::from_millis(100)));
            assert_eq!(
                (error.kind, error.code.as_deref()),
                (SendErrorKind::TimedOut, Some("ETIMEDOUT"))
            );
        }
        assert!(started.elapsed() < Duration::from_secs(1));
        // The queue is bounded: beyond it the answer comes at once.
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (mut waiting, mut refused) = (Vec::new(), 0);
        runtime.block_on(async {
            for _ in 0..100 {
                let attempt = tokio::spawn(sink.send(line("queued", Duration::from_millis(100))));
                waiting.push(attempt);
            }
            for attempt in waiting {
                let error = failed(attempt.await.unwrap());
                refused += usize::from(error.code.as_deref() == Some("EAGAIN"));
            }
        });
        assert_eq!(refused, 100 - 63, "one batch is being written, one waits since before");
        // The disk comes back: what was given up is not written late, what comes now is.
        let mut pipe = fs::File::open(&ours).unwrap();
        fs::remove_file(&ours).unwrap();
        let mut seen = String::new();
        pipe.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "stuck\n", "the one that was being written");
        while let SendOutcome::Failed(error) = send(&sink, "after") {
            assert_eq!(error.code.as_deref(), Some("EAGAIN"), "the queue empties");
        }
        assert_eq!(fs::read_to_string(files(&scratch.0).pop().unwrap()).unwrap(), "after\n");
    }

    #[test]
    fn f74_a_line_that_does_not_fit_leaves_no_trace() {
        let scratch = Scratch::new("f74");
        let child = "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact unix::child_with_a_file_size_limit --ignored";
        run_limited(child, &scratch);
        let texts: Vec<String> =
            files(&scratch.0).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert_eq!(texts, [format!("{}\nsmall\n", "a".repeat(3000))]);
    }

    #[test]
    fn f74_f88_a_frame_that_does_not_fit_leaves_no_trace() {
        for encoding in [ContentEncoding::Gzip, ContentEncoding::Zstd] {
            let scratch = Scratch::new(&format!("f74-{encoding:?}"));
            let child = format!(
                "trap '' XFSZ; ulimit -f 8; export OFFLOOP_TEST_ENCODING={encoding:?}; exec \"$0\" --exact unix::child_with_compressed_batches --ignored"
            );
            run_limited(&child, &scratch);
            let files = files(&scratch.0);
            assert_eq!(files.len(), 1);
            let text = readable(encoding, &fs::read(&files[0]).unwrap());
            assert_eq!(String::from_utf8(text).unwrap(), "before\nafter\n");
        }
    }

    #[test]
    #[ignore = "runs in the child of f74_f88, under its file size limit"]
    fn child_with_compressed_batches() {
        let Some(directory) = std::env::var_os("OFFLOOP_TEST_DIRECTORY") else { return };
        let encoding = match std::env::var("OFFLOOP_TEST_ENCODING").unwrap().as_str() {
            "Gzip" => ContentEncoding::Gzip,
            _ => ContentEncoding::Zstd,
        };
        let sink = FileSink::new(FileConfig { encoding, ..FileConfig::new(directory) });
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let send = |body: Vec<u8>| {
            let request =
                Request { encoding, body: body.into(), ..line("", Duration::from_secs(5)) };
            runtime.block_on(sink.send(request))
        };
        stored(send(compressed(encoding, "before")));
        // Digits that no compressor makes much shorter.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + (state >> 33) as u8 % 64)
        });
        let large = compressed(encoding, &noise.take(30_000).collect::<String>());
        assert!(large.len() > 9_000, "{}", large.len());
        assert_eq!(failed(send(large)).code.as_deref(), Some("EFBIG"));
        stored(send(compressed(encoding, "after")));
    }

    #[test]
    #[ignore = "runs in the child of f74, under its file size limit"]
    fn child_with_a_file_size_limit() {
        let Some(directory) = std::env::var_os("OFFLOOP_TEST_DIRECTORY") else { return };
        let sink = FileSink::new(FileConfig::new(directory));
        stored(send(&sink, &"a".repeat(3000)));
        let error = failed(send(&sink, &"b".repeat(20_000)));
        assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::File, Some("EFBIG")));
        assert_eq!(error.message, "EFBIG: file too large, write");
        stored(send(&sink, "small"));
    }

    #[test]
    fn f80_no_free_descriptor_is_a_failure_that_heals() {
        let scratch = Scratch::new("f80");
        run_limited(
            "ulimit -n 32; exec \"$0\" --exact unix::child_without_descriptors --ignored",
            &scratch,
        );
        assert_eq!(fs::read_to_string(&files(&scratch.0)[0]).unwrap(), "before\nafter\n");
    }

    #[test]
    #[ignore = "runs in the child of f80, under its descriptor limit"]
    fn child_without_descriptors() {
        let Some(directory) = std::env::var_os("OFFLOOP_TEST_DIRECTORY") else { return };
        let sink = FileSink::new(FileConfig::new(directory));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let send = |body: &str| runtime.block_on(sink.send(line(body, Duration::from_secs(5))));
        stored(send("before"));
        let mut taken = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            taken.push(file);
        }
        let error = failed(send("during"));
        assert_eq!(error.code.as_deref(), Some("EMFILE"));
        assert!(
            error.message.starts_with("EMFILE: too many open files, open '"),
            "{}",
            error.message
        );
        drop(taken);
        stored(send("after"));
    }

    /// Runs this very test program under `script` with a directory to write to.
    #[track_caller]
    fn run_limited(script: &str, scratch: &Scratch) {
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .env("OFFLOOP_TEST_DIRECTORY", &scratch.0)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}

#[test]
fn f78_two_sinks_of_one_process_never_share_a_file() {
    let scratch = Scratch::new("f78");
    let sinks: Vec<_> = (0..4).map(|_| FileSink::new(FileConfig::new(&scratch.0))).collect();
    let threads: Vec<_> = sinks
        .into_iter()
        .map(|sink| {
            std::thread::spawn(move || {
                (0..200).for_each(|i| stored(send(&sink, &format!("{{\"n\":{i}}}"))))
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let files = files(&scratch.0);
    assert_eq!(files.len(), 4);
    let expected: String = (0..200).map(|i| format!("{{\"n\":{i}}}\n")).collect();
    assert!(files.iter().all(|path| fs::read_to_string(path).unwrap() == expected));
}
