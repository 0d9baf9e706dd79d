//! `offloop export` as it is run: files, modes, formats; and what large standard input costs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{self, Command, Output, Stdio},
};

use serde_json::Value;

const SPANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/spans");

/// A directory that goes with its test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = env::temp_dir().join(format!("offloop-export-{}-{name}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"));
    let Output { status, stdout, stderr } = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn export(arguments: &[&str]) -> String {
    let (code, out, err) = run(&[&["export"], arguments].concat());
    assert_eq!(code, 0, "{err}");
    out
}

/// Names of the spans in lines of OTLP/JSON.
fn names(text: &str) -> Vec<String> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut names = Vec::new();
    for line in text.lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        for resource in list(&request["resourceSpans"]) {
            for scope in list(&resource["scopeSpans"]) {
                names.extend(
                    list(&scope["spans"])
                        .iter()
                        .map(|span| span["name"].as_str().unwrap().to_owned()),
                );
            }
        }
    }
    names
}

#[test]
fn v100_spans_of_a_filter_whole_traces_and_single_traces_are_exported() {
    let all = export(&[SPANS]);
    assert_eq!(names(&all).len(), 32);
    assert_eq!(names(&export(&["--filter", "name~health", SPANS])), ["GET /health"]);
    let of_trace = names(&export(&["--trace", "7c2d1e9f", SPANS]));
    assert_eq!(of_trace, ["GET /cart", "parse cart", "event-loop-blocked"]);
    let both = export(&["--trace", "7c2d1e9f", "--trace", "4bf92f35", SPANS]);
    assert_eq!(names(&both).len(), 31);
    let whole = names(&export(&["--filter", "block=true", "--traces", SPANS]));
    assert_eq!(whole, of_trace);
    let errors = names(&export(&["--filter", "status=error", "--trace", "7c2d1e9f", SPANS]));
    assert_eq!(errors, ["GET /cart"]);
    // What is read again shows the same.
    let directory = Directory::new("again");
    fs::write(directory.path("all.jsonl"), &all).unwrap();
    for command in ["stats", "blocks"] {
        assert_eq!(run(&[command, &directory.path("all.jsonl")]).1, run(&[command, SPANS]).1);
    }
}

#[test]
fn v101_csv_has_the_fields_that_are_asked_for_and_trace_events_are_json() {
    let csv = export(&[
        "--format",
        "csv",
        "--fields",
        "name,duration,http.route",
        "--filter",
        "http.route=/cart",
        SPANS,
    ]);
    assert_eq!(
        csv,
        "name,duration,http.route\nGET /cart,182500000,/cart\nGET /cart,96400000,/cart\n"
    );
    let events: Value = serde_json::from_str(&export(&["--format", "chrome", SPANS])).unwrap();
    let events = events["traceEvents"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["ph"] == "X").count(), 32);
    let services = events.iter().filter(|event| event["name"] == "process_name");
    assert_eq!(
        services.map(|event| event["args"]["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["shop", "orders"]
    );
}

#[test]
fn v102_a_file_is_for_its_owner_alone_and_is_not_replaced_without_force() {
    let directory = Directory::new("file");
    let path = directory.path("out.csv");
    assert_eq!(export(&["--format", "csv", "-o", &path, SPANS]), "");
    let first = fs::read_to_string(&path).unwrap();
    assert_eq!(first.lines().count(), 33);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = ["export", "--filter", "status=error", "-o", &path, SPANS];
    let (code, _, err) = run(&again);
    assert_eq!(
        (code, err),
        (2, format!("offloop: {path} is there already; --force replaces it\n"))
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    assert_eq!(run(&[&again[..], &["--force"]].concat()).0, 0);
    assert_eq!(names(&fs::read_to_string(&path).unwrap()), ["GET /cart"]);
    assert_eq!(directory.names(), ["out.csv"]);
    // Nothing is made where there is nothing to write.
    let nothing = run(&["export", "--filter", "name=x", "-o", &directory.path("no.jsonl"), SPANS]);
    assert_eq!(nothing.0, 1);
    assert_eq!(run(&["export", "-o", &directory.path("no/way"), SPANS]).0, 1);
    assert_eq!(directory.names(), ["out.csv"]);
}

#[cfg(unix)]
#[test]
fn v102_a_link_at_the_place_of_the_file_is_not_followed() {
    let directory = Directory::new("link");
    let (precious, path) = (directory.path("precious"), directory.path("out.jsonl"));
    fs::write(&precious, "precious").unwrap();
    std::os::unix::fs::symlink(&precious, &path).unwrap();
    assert_eq!(run(&["export", "-o", &path, SPANS]).0, 2);
    assert_eq!(run(&["export", "-o", &path, "--force", SPANS]).0, 0);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
}

#[test]
fn v100_what_cannot_be_read_again_is_counted() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"))
        .args(["export", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = fs::read(PathBuf::from(SPANS).join("traces-1.jsonl")).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("32 spans left out: the file is not what was read, or standard input"),
        "{err}"
    );
}

#[test]
fn v3_what_is_wrong_with_an_export_is_said() {
    let cases: [(&[&str], &str); 5] = [
        (&["--format", "xml"], "--format is otlp, csv or chrome; it is 'xml'"),
        (&["--trace", "xyz"], "--trace is the id of a trace"),
        (&["--fields", "name"], "--fields is for --format csv"),
        (
            &["--format", "csv", "--fields", "root"],
            "--fields: the field 'root' cannot be shown; the default is start,duration,status,service,name,trace,span",
        ),
        (&["-o"], "-o needs a value: -o <file>"),
    ];
    for (arguments, text) in cases {
        let (code, _, err) = run(&[&["export"], arguments].concat());
        assert_eq!((code, err), (2, format!("offloop: {text}\n")), "{arguments:?}");
    }
}

/// The most memory that a process has had, in bytes.
#[cfg(target_os = "linux")]
fn most_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn v103_standard_input_takes_no_memory_beyond_the_index_however_long_it_is() {
    // 45 KB of recorded JSON in each span, of which the index keeps 64 bytes.
    let payload = r#"\"x\":[1,2],"#.repeat(45_000 / 12);
    let line = |number: u64| {
        let span = format!(
            r#"{{"traceId":"{number:032x}","spanId":"{number:016x}","name":"call","startTimeUnixNano":"{number}","endTimeUnixNano":"{}","attributes":[{{"key":"payload","value":{{"stringValue":"{number}{payload}"}}}}]}}"#,
            number + 5
        );
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}{}"#, "\n")
    };
    // `stats` on a pipe is in __test__/viewer/large_files.test.js.
    let command = ["query", "--limit", "1", "-"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"))
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let mut written = 0;
    for number in 1.. {
        let line = line(number);
        written += line.len() as u64;
        pipe.write_all(line.as_bytes()).unwrap();
        if written > 200_000_000 {
            break;
        }
    }
    let most = most_memory(child.id());
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    // 64 MiB of lines may wait, and there are the buffers of the parsers.
    assert!(most < 160_000_000, "{most} bytes of memory for {written} bytes of {command:?}");
}
