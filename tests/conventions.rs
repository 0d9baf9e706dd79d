//! Rules about the source itself, where breaking them would compile.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

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
    for name in
        ["dispatcher.rs", "endpoint.rs", "breaker.rs", "retry.rs", "classify.rs", "drop_log.rs"]
    {
        files.push(pipeline.join(name));
    }
    for name in
        ["verdict.rs", "sink/http/answer.rs", "sink/http/retry_after.rs", "sink/grpc/answer.rs"]
    {
        files.push(root().join("src").join(name));
    }
    assert!(files.len() > 10 && files.iter().all(|file| file.exists()), "{files:?}");
    files
}

#[test]
fn r34_one_thread_owns_the_schedule_and_no_lock_is_in_it() {
    let found = lines_with(&schedule(), &["Mutex", "RwLock", "Atomic", "thread::", "async "]);
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
fn p10_processing_knows_spans_and_errors_and_nothing_else_of_the_core() {
    let mut files = rust_files(&root().join("src/process"));
    files.retain(|file| !file.to_string_lossy().contains("tests"));
    files.push(root().join("src/process.rs"));
    assert!(files.len() > 15, "{files:?}");
    let others = [
        "crate::pipeline",
        "crate::exporter",
        "crate::sink",
        "crate::otlp",
        "crate::handoff",
        "crate::clock",
        "crate::recorder",
        "crate::drift",
        "crate::transform",
        "crate::lock",
        "Mutex",
        "thread::",
        "SystemTime",
        "tokio",
    ];
    let found = lines_with(&files, &others);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn p12_what_reads_encodes_and_schedules_spans_does_not_know_that_there_are_rules() {
    let mut files = Vec::new();
    for folder in ["handoff", "otlp", "pipeline", "sink", "span", "drift", "recorder", "monitor"] {
        files.extend(rust_files(&root().join("src").join(folder)));
    }
    let found = lines_with(&files, &["process::Process", "process::{", "Processed"]);
    assert!(found.is_empty(), "{found:#?}");
    // A lane without rules has a closure of its own.
    let transform = text("src/transform.rs");
    assert!(transform.contains("None => Arc::new(move |raw| apply(&format, &raw))"));
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
fn f35_http_2_is_not_built_into_the_http_client() {
    let manifest = text("Cargo.toml");
    for name in ["hyper =", "hyper-util ="] {
        let line = manifest.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains("http1") && !line.contains("http2"), "{line}");
    }
    // Its tree, as the features of others could add it there.
    let lock = text("Cargo.lock");
    for package in lock.split("[[package]]").filter(|package| package.contains("name = \"hyper")) {
        assert!(!package.contains(" \"h2\""), "{package}");
    }
}

/// What C or an unwinding panic calls, and is not inside of `contained`, the wall that no panic passes.
fn uncontained(name: &str, source: &str) -> Vec<String> {
    let source = source.split("\nmod tests {").next().unwrap_or_default();
    let lines: Vec<_> =
        source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = lines.join("\n");
    let mut found = Vec::new();
    let mut demand = |is_met: bool, what: &str, at: usize| {
        if !is_met {
            let line = code[..at].lines().count();
            found.push(format!("{name}:{line}: {what}"));
        }
    };
    for (at, _) in code.match_indices("extern \"") {
        let signature = code[at..].splitn(3, '"').nth(2).unwrap().trim_start();
        if signature.starts_with("fn ") {
            demand(is_contained(body(signature)), "a function that C calls", at);
        }
    }
    for (at, _) in code.match_indices(" Drop for ") {
        let drop = &code[at..][code[at..].find("fn drop(").unwrap()..];
        demand(is_contained(body(drop)), "a drop", at);
    }
    for (at, _) in code.match_indices("from_external(") {
        let call = code[at..].split_once(')').map_or("", |_| enclosed(&code[at..], '(', ')'));
        demand(call.contains("contained("), "a finalizer", at);
    }
    for (at, _) in code.match_indices("#[napi") {
        let (attribute, item) = (enclosed(&code[at..], '[', ']'), &code[at..]);
        let item = item[attribute.len() + 2..].trim_start_matches([']', '\n', ' ']);
        if item.starts_with("pub fn") {
            demand(attribute.contains("catch_unwind"), "an entry from JavaScript", at);
        } else if item.starts_with("pub struct") && !attribute.contains("(object") {
            let class = item.split_whitespace().nth(2).unwrap_or_default();
            let finalizer =
                code.split_once(&format!("ObjectFinalize for {class} ")).map(|(_, rest)| rest);
            let is_met = attribute.contains("custom_finalize")
                && finalizer
                    .is_some_and(|rest| body(rest).contains("contained((), || drop(self))"));
            demand(is_met, "a class", at);
        }
    }
    found
}

/// Between the first `{` and what closes it.
fn body(item: &str) -> &str {
    enclosed(item, '{', '}')
}

/// Between the first `open` and what closes it.
fn enclosed(text: &str, open: char, close: char) -> &str {
    let start = text.find(open).unwrap() + 1;
    let mut depth = 1;
    for (at, each) in text[start..].char_indices() {
        depth += i32::from(each == open) - i32::from(each == close);
        if depth == 0 {
            return &text[start..start + at];
        }
    }
    panic!("{open} is not closed: {text}");
}

/// Whether a body is one call of `contained` and nothing else.
fn is_contained(body: &str) -> bool {
    let body = body.trim().trim_end_matches(';');
    body.starts_with("contained(")
        && enclosed(body, '(', ')').len() + "contained()".len() == body.len()
}

#[test]
fn no_panic_reaches_c_or_leaves_a_drop() {
    let mut files = rust_files(&root().join("addon/src"));
    files.extend(rust_files(&root().join("src")));
    let found: Vec<_> = files
        .iter()
        .flat_map(|file| {
            uncontained(&file.display().to_string(), &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_is_not_contained_is_found() {
    let bad = [
        "unsafe extern \"C\" fn hook(data: Opaque) {\n    work(data);\n}",
        "extern \"C\" fn hook() {\n    contained((), work);\n    more();\n}",
        "unsafe extern \"system\" fn hook<T: Work>() -> u32 {\n    let _ = 1;\n    contained(0, work)\n}",
        "impl Drop for Lease {\n    fn drop(&mut self) {\n        self.give_back();\n    }\n}",
        "ArrayBuffer::from_external(env, address, len, memory, |_, memory| drop(memory))",
        "#[napi]\npub fn entry() {}",
        "#[napi(getter)]\npub fn entry(&self) {}",
        "#[napi]\npub struct Class {\n    inner: u8,\n}",
        "#[napi(custom_finalize)]\npub struct Class {}\nimpl ObjectFinalize for Class {\n    fn finalize() {}\n}",
    ];
    for source in bad {
        assert_eq!(uncontained("bad", source).len(), 1, "{source}");
    }
    let good = [
        "pub type Hook = unsafe extern \"C\" fn(Opaque);",
        "unsafe extern \"C\" {\n    fn thread_info(port: u32) -> i32;\n}",
        "extern \"C\" fn hook() {\n    contained((), || {\n        work();\n    });\n}",
        "#[napi(object, object_to_js = false)]\npub struct Facts {}",
        "#[napi]\nimpl Class {}",
        "#[napi(constructor, catch_unwind)]\npub fn new() -> Self {}",
    ];
    for source in good {
        assert_eq!(uncontained("good", source), Vec::<String>::new(), "{source}");
    }
}
