//! Rules about the source itself, where breaking them would compile.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false if path.extension().is_some_and(|ending| ending == "rs") => vec![path],
            false => Vec::new(),
        })
        .collect()
}

/// Lines of code, without comments, that hold one of `words`.
fn lines_with(files: &[PathBuf], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}: {}", file.display(), line.trim()));
            }
        }
    }
    found
}

/// The state machine and everything in it.
fn schedule() -> Vec<PathBuf> {
    let pipeline = root().join("src/pipeline");
    let mut files = rust_files(&pipeline.join("dispatcher"));
    for name in [
        "dispatcher.rs",
        "endpoint.rs",
        "breaker.rs",
        "retry.rs",
        "retry_after.rs",
        "classify.rs",
        "drop_log.rs",
    ] {
        files.push(pipeline.join(name));
    }
    assert!(files.len() > 10 && files.iter().all(|file| file.exists()), "{files:?}");
    files
}

#[test]
fn r34_one_thread_owns_the_schedule_and_no_lock_is_in_it() {
    let found =
        lines_with(&schedule(), &["Mutex", "RwLock", "Atomic", "thread::", "async ", "await"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn r98_r99_the_schedule_reads_no_clock_and_its_tests_never_sleep() {
    let clocks = ["Instant", "SystemTime", "Now::read", "monotonic()", "tokio"];
    let found = lines_with(&schedule(), &clocks);
    assert!(found.is_empty(), "{found:#?}");
    let mut tests = rust_files(&root().join("src/pipeline/tests"));
    tests.extend(rust_files(&root().join("src/pipeline/simulation")));
    tests.push(root().join("src/pipeline/simulation.rs"));
    let found = lines_with(&tests, &["sleep", "Instant::now", "Now::read", "SystemTime"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn r9_the_libuv_pool_belongs_to_the_application() {
    let addon = rust_files(&root().join("addon/src"));
    let found = lines_with(
        &addon,
        &["AsyncTask", "async_work", "AsyncWork", "uv_queue_work", "create_deferred"],
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn f65_a_panic_unwinds_in_every_profile_that_ships() {
    let manifest = text("Cargo.toml");
    let (_, release) = manifest.split_once("[profile.release]").unwrap();
    let release = release.split("\n[").next().unwrap();
    assert!(release.contains("panic = \"unwind\""));
    assert!(!manifest.contains("panic = \"abort\""));
    assert!(!text("addon/Cargo.toml").contains("panic"));
}

#[test]
fn r79_test_hooks_are_not_in_the_addon() {
    assert!(!text("addon/Cargo.toml").contains("testing"));
    let manifest = text("Cargo.toml");
    assert!(manifest.contains("testing = []") && !manifest.contains("default = [\"testing\""));
}

#[test]
fn f35_http_2_is_not_built_in() {
    assert!(!text("Cargo.lock").contains("name = \"h2\""));
}
