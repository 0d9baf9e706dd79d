//! Files that FileSpanExporter has not written, or has not finished, or whose texts are meant to harm: `stats` opens them,
//! and what it does not show, it counts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use serde_json::{Value, json};

const COLLECTOR: &str = include_str!("fixtures/collector/traces.jsonl");

/// A file that goes with its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: impl AsRef<[u8]>) -> File {
        let path = env::temp_dir().join(format!("offloop-other-{}-{name}.jsonl", process::id()));
        fs::write(&path, content).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn offloop(words: &[&str], path: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"))
        .args(words)
        .arg(path)
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// The answer of `stats --json`, and the account of its one file, which adds up.
fn stats(path: &Path) -> (Value, Value) {
    let (_, out) = offloop(&["stats", "--json", "--quiet"], path);
    let answer: Value = serde_json::from_str(&out).unwrap();
    let file = answer["files"][0].clone();
    let number = |member: &str| file[member].as_u64().unwrap();
    let skipped: u64 =
        file["skipped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(number("lines"), number("parsed") + skipped, "{file}");
    assert_eq!(number("seen"), number("shown") + number("duplicates") + number("bad"), "{file}");
    (answer, file)
}

#[test]
fn v14_v15_v29_a_file_of_the_collector_is_read_with_what_else_is_in_it() {
    let file = File::new("collector", COLLECTOR);
    let (answer, account) = stats(&file.0);
    assert_eq!(
        (&account["lines"], &account["shown"], &account["logs"], &account["metrics"]),
        (&json!(4), &json!(3), &json!(1), &json!(1))
    );
    assert_eq!(account["skipped"]["other_signal"], json!(2));
    let mut names: Vec<&str> = answer["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["POST /checkout", "POST payments", "charge"]);
    let filter = "http.response.status_code=503 cart.items=3 cart.total>42 status=error \
                  resource.process.command_args=server.js event.exception.type=Timeout";
    let fields = "name,duration,kind,body";
    let words = ["query", "--format", "csv", "--filter", filter, "--fields", fields];
    let (code, rows) = offloop(&words, &file.0);
    assert_eq!(
        (code, rows.as_str()),
        (0, "name,duration,kind,body\nPOST /checkout,250000000,server,aGVsbG8=\n")
    );
}

#[test]
fn v17_a_file_that_ends_anywhere_loses_no_span_that_is_whole() {
    let ends: Vec<usize> = COLLECTOR.match_indices('\n').map(|(at, _)| at + 1).collect();
    let spans_of_line = [2_u64, 0, 0, 1];
    for cut in (1..=COLLECTOR.len()).step_by(53).chain([COLLECTOR.len()]) {
        let file = File::new(&format!("cut-{cut}"), &COLLECTOR[..cut]);
        let (code, out) = offloop(&["stats", "--json", "--quiet", "--strict"], &file.0);
        let whole_lines = ends.iter().filter(|end| **end <= cut).count();
        let least: u64 = spans_of_line[..whole_lines].iter().sum();
        if out.is_empty() {
            // Not one span: that is said by the exit code.
            assert_eq!((code, least), (1, 0), "{cut}");
            continue;
        }
        let (_, account) = stats(&file.0);
        let shown = account["shown"].as_u64().unwrap();
        assert!(shown >= least, "{cut}: {account}");
        let lines = whole_lines as u64 + u64::from(!ends.contains(&cut));
        assert_eq!(account["lines"].as_u64().unwrap(), lines, "{cut}: {account}");
    }
}

/// Markup, scripts, escape sequences, marks of direction, formulas, and what breaks out of attributes.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)//'\"`${7*7}{{7*7}}",
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31m",
    "\u{202e}gpj.exe\u{2066}",
    "=HYPERLINK(\"http://evil.example\")",
    "</title><svg/onload=alert(1)>\r\n\0",
    "'; DROP TABLE spans; --",
];

#[test]
fn v16_v75_a_file_whose_every_text_is_hostile_is_counted_and_shown_harmlessly() {
    let text = |number: usize| HOSTILE[number % HOSTILE.len()];
    let attributes = |number: usize| {
        json!([
            { "key": text(number), "value": { "stringValue": text(number + 1) } },
            { "key": format!("{}.x", text(number + 2)), "value": { "arrayValue": { "values": [{ "stringValue": text(number + 3) }] } } },
        ])
    };
    let spans: Vec<Value> = (0..HOSTILE.len())
        .map(|number| {
            json!({
                "traceId": format!("{:032x}", number + 1), "spanId": format!("{:016x}", number + 1), "traceState": text(number),
                "name": text(number), "kind": 2, "startTimeUnixNano": "1795298340000000000", "endTimeUnixNano": "1795298340001000000",
                "attributes": attributes(number), "status": { "code": 2, "message": text(number) },
                "events": [{ "timeUnixNano": "1795298340000000000", "name": text(number), "attributes": attributes(number) }],
            })
        })
        .collect();
    let mut service = attributes(5);
    service
        .as_array_mut()
        .unwrap()
        .push(json!({ "key": "service.name", "value": { "stringValue": text(0) } }));
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": service },
        "scopeSpans": [{ "scope": { "name": text(1), "version": text(2) }, "spans": spans, "schemaUrl": text(3) }],
    }] });
    let file = File::new("hostile", format!("{request}\n"));

    let (answer, account) = stats(&file.0);
    assert_eq!((account["seen"].as_u64(), account["shown"].as_u64()), (Some(8), Some(8)));
    let mut names: Vec<&str> = answer["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    let mut expected = HOSTILE;
    expected.sort_unstable();
    assert_eq!(names, expected);

    for words in [vec!["stats"], vec!["query"], vec!["stats", "--by", HOSTILE[0]]] {
        let (code, out) = offloop(&words, &file.0);
        assert_eq!(code, 0, "{words:?}");
        let is_harmful = |letter: char| {
            letter.is_control() && letter != '\n' || "\u{202e}\u{2066}".contains(letter)
        };
        assert!(!out.contains(is_harmful), "{words:?}: {out:?}");
    }
    let (code, rows) = offloop(&["query", "--format", "csv", "--fields", "name,service"], &file.0);
    assert_eq!(code, 0);
    assert!(rows.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\",<script>"), "{rows:?}");
    assert!(!rows.contains("\n=") && !rows.contains(",="), "{rows:?}");
}
