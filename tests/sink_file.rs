//! The file sink against real directories (F72–F80).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    fs,
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

fn send(sink: &Arc<FileSink>, body: &str) -> SendOutcome {
    send_bytes(sink, body.as_bytes().to_vec())
}

fn send_bytes(sink: &Arc<FileSink>, body: Vec<u8>) -> SendOutcome {
    let request = Request {
        body: body.into(),
        encoding: ContentEncoding::Identity,
        spans: 1,
        time_left: Duration::from_secs(5),
        headers: None,
    };
    Builder::new_current_thread().enable_all().build().unwrap().block_on(sink.send(request))
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
fn a_compressed_body_is_refused() {
    let scratch = Scratch::new("gzip");
    let sink = FileSink::new(FileConfig::new(&scratch.0));
    let request = Request {
        body: "x".into(),
        encoding: ContentEncoding::Gzip,
        spans: 1,
        time_left: Duration::from_secs(1),
        headers: None,
    };
    let outcome =
        Builder::new_current_thread().enable_all().build().unwrap().block_on(sink.send(request));
    assert_eq!(failed(outcome).kind, SendErrorKind::Unsendable);
    assert!(!scratch.0.exists());
}
