//! The program as it is run: results, streams, exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    env, fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{self, Command, Output, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

const SPANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/spans");
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A directory that goes with its test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("offloop-commands-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"));
    command.args(arguments).env_remove("COLUMNS").stdin(Stdio::null());
    command
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// In a terminal that is wide enough for all.
fn run(arguments: &[&str]) -> Ran {
    ran(command(arguments).env("COLUMNS", "200").output().unwrap())
}

fn line_of_fixture(number: usize) -> String {
    fs::read_to_string(Path::new(SPANS).join("traces-1.jsonl"))
        .unwrap()
        .lines()
        .nth(number)
        .unwrap()
        .to_owned()
}

#[test]
fn v3_help_fits_the_terminal_and_a_typing_error_names_what_is_near() {
    let nothing = run(&[]);
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    for name in ["stats", "query", "trace", "blocks", "export"] {
        assert!(nothing.err.contains(&format!("  {name} ")), "{}", nothing.err);
        let help = run(&[name, "--help"]);
        assert_eq!((help.code, help.err.as_str()), (0, ""));
        assert!(help.out.starts_with(&format!("offloop {name} ")), "{}", help.out);
        assert!(help.out.contains("--max-memory <size>") && help.out.contains("--recursive"));
        assert!(help.out.lines().all(|line| line.chars().count() <= 80), "{}", help.out);
    }
    assert_eq!(run(&["--help"]).code, 0);
    let cases: [(&[&str], &str); 8] = [
        (&["stat"], "there is no command 'stat'; did you mean stats?"),
        (&["frobnicate"], "there is no command 'frobnicate': see --help"),
        (&["stats", "--bye"], "'stats' has no option --bye; did you mean --by?"),
        (&["stats", "--by"], "--by needs a value: --by <key>"),
        (&["stats", "--json=1"], "--json takes no value"),
        (&["stats", "--limit", "many"], "--limit is a whole number; it is 'many'"),
        (&["query", "--format", "xml"], "--format is table, jsonl or csv; it is 'xml'"),
        (&["trace", "xyz"], "the id of a trace or a span is missing: offloop trace <id> [paths]"),
    ];
    for (arguments, text) in cases {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.err), (2, format!("offloop: {text}\n")), "{arguments:?}");
    }
}

#[test]
fn v4_without_a_path_the_directory_spans_or_this_one_is_read() {
    let directory = Directory::new();
    let spans_in = |place: &str| {
        let output =
            command(&["stats", "--json"]).current_dir(directory.0.join(place)).output().unwrap();
        let text = ran(output).out;
        let at = text.find("],\"spans\":").map(|at| at + 10);
        at.map(|at| text[at..].chars().take_while(char::is_ascii_digit).collect::<String>())
    };
    directory.write("here/a.jsonl", line_of_fixture(0));
    assert_eq!(spans_in("here").as_deref(), Some("6"));
    directory.write("here/spans/b.jsonl", line_of_fixture(2));
    assert_eq!(spans_in("here").as_deref(), Some("1"));
}

#[test]
fn v4_a_minus_is_standard_input() {
    let mut child = command(&["stats", "--by", "service", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(line_of_fixture(1).as_bytes()).unwrap();
    let ran = ran(child.wait_with_output().unwrap());
    assert!(ran.out.contains("orders"), "{}", ran.out);
    assert!(ran.err.starts_with("1 file, "), "{}", ran.err);
}

#[test]
fn v5_the_exit_code_and_the_streams_say_what_happened() {
    let directory = Directory::new();
    let good = line_of_fixture(0);
    let clean = directory.write("clean.jsonl", format!("{good}\n"));
    let damaged = directory.write("damaged.jsonl", format!("{good}\nnot json\n"));
    let empty = directory.write("empty/nothing.txt", "");
    let missing = format!("{}/missing.jsonl", directory.path());
    let cases: [(&[&str], i32); 9] = [
        (&["stats", &clean], 0),
        (&["stats", "--strict", &clean], 0),
        (&["stats", &damaged], 0),
        (&["stats", "--strict", &damaged], 3),
        (&["stats", &empty], 1),
        (&["stats", &missing], 1),
        (&["query", "--filter", "name=nobody", &clean], 1),
        (&["trace", "ffff", &clean], 1),
        (&["blocks", &clean], 1),
    ];
    for (arguments, code) in cases {
        let ran = run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out.is_empty(), code == 1, "{arguments:?}: {}", ran.out);
    }
    let ran = run(&["stats", &damaged, &missing]);
    assert!(ran.err.contains("missing.jsonl cannot be read: "), "{}", ran.err);
    assert!(ran.err.contains("1 line skipped: 1 not JSON\n"), "{}", ran.err);
    assert_eq!(run(&["stats", "--quiet", &damaged]).err, "");
}

#[test]
fn v9_a_reader_that_has_seen_enough_ends_the_command_quietly() {
    let directory = Directory::new();
    // More than a pipe holds.
    let line = line_of_fixture(1);
    let lines: String = (0..4_000)
        .map(|number| line.replace(TRACE, &format!("{:032x}", number + 1)) + "\n")
        .collect();
    let path = directory.write("many.jsonl", lines);
    let mut child = command(&["query", "--limit", "1000000", "--format", "jsonl", &path])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("cannot be written"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn v124_an_interrupt_ends_a_command_while_it_reads() {
    use std::os::unix::process::ExitStatusExt;
    let mut child =
        command(&["stats", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // It reads on and on: there is more than a pipe holds.
    let mut input = child.stdin.take().unwrap();
    let line = line_of_fixture(0) + "\n";
    for _ in 0..1_000 {
        input.write_all(line.as_bytes()).unwrap();
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn v75_texts_of_spans_cannot_change_the_terminal() {
    let directory = Directory::new();
    let hostile = line_of_fixture(0).replace("GET /cart", r"\u001b[31m\u202e=1\nGET");
    let path = directory.write("hostile.jsonl", hostile);
    for arguments in [
        &["stats", &path][..],
        &["query", &path],
        &["query", "--format", "csv", &path],
        &["query", "--format", "jsonl", &path],
        &["trace", TRACE, &path],
        &["stats", "--json", &path],
    ] {
        let ran = run(arguments);
        let is_harmless =
            |letter: char| (letter == '\n' || !letter.is_control()) && letter != '\u{202e}';
        let is_csv = arguments.contains(&"csv");
        assert!(is_csv || ran.out.chars().all(is_harmless), "{arguments:?}: {:?}", ran.out);
        assert!(ran.out.contains("[31m"), "{arguments:?}: {:?}", ran.out);
    }
}

#[test]
fn v98_stats_has_the_same_figures_as_text_and_as_json() {
    let text = run(&["stats", SPANS]).out;
    let json: serde_json::Value =
        serde_json::from_str(&run(&["stats", "--json", SPANS]).out).unwrap();
    let groups = json["groups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    let selves: Vec<u64> = groups.iter().map(|group| group["self"].as_u64().unwrap()).collect();
    assert!(selves.is_sorted_by(|one, other| one >= other), "{selves:?}");
    assert_eq!(names.len(), 8);
    for (name, line) in names.iter().zip(text.lines().skip(1)) {
        assert!(line.contains(name), "{name}: {line}");
    }
    let cart = groups.iter().find(|group| group["name"] == "GET /cart").unwrap();
    assert_eq!(
        (cart["count"].as_u64(), cart["errors"].as_u64(), cart["p50"].as_u64()),
        (Some(2), Some(1), Some(96_400_000))
    );
    assert_eq!(json["blocks"][0]["place"], "/app/src/cart.js:42");
    assert_eq!(json["files"][0]["shown"].as_u64(), Some(32));
}

#[test]
fn v99_query_has_three_formats_and_the_fields_that_are_asked_for() {
    let query = |format| {
        run(&[
            "query",
            SPANS,
            "--filter",
            "status=error",
            "--fields",
            "name,duration,start,http.route,n,event.exception.type",
            "--format",
            format,
        ])
    };
    let csv = query("csv");
    assert_eq!(
        csv.out,
        "name,duration,start,http.route,n,event.exception.type\n\
         GET /cart,96400000,2026-11-21T21:59:00.400Z,/cart,,CartError\n"
    );
    assert_eq!(csv.err.lines().last(), Some("1 span"));
    assert_eq!(
        query("jsonl").out,
        "{\"name\":\"GET /cart\",\"duration\":96400000,\"start\":\"1795298340400000000\",\"http.route\":\"/cart\",\"n\":null,\
         \"event.exception.type\":\"CartError\"}\n"
    );
    let all = run(&["query", SPANS, "--limit", "2", "--fields", "span"]);
    assert_eq!(all.out, "SPAN\n0000000000000001\n0000000000000003\n");
    assert_eq!(all.err.lines().last(), Some("2 of 32 spans (--limit)"));
    let wrong = run(&["query", SPANS, "--filter", "a=b kind=x"]);
    assert_eq!(
        (wrong.code, wrong.err.as_str()),
        (
            2,
            "offloop: the filter is wrong at column 10: expected is one of unspecified, internal, server, client, producer, consumer\n  \
             a=b kind=x\n           ^\n"
        )
    );
}

#[test]
fn v99_tables_and_trees_fit_the_width() {
    for (columns, width) in [(None, 80), (Some("200"), 200)] {
        for arguments in
            [&["query", SPANS][..], &["stats", SPANS], &["trace", TRACE, SPANS], &["blocks", SPANS]]
        {
            let mut command = command(arguments);
            if let Some(columns) = columns {
                command.env("COLUMNS", columns);
            }
            let text = ran(command.output().unwrap()).out;
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            // What cannot be cut in `query` are ids, times and figures.
            let most = if arguments[0] == "query" { width.max(115) } else { width };
            assert!(widest <= most, "{arguments:?} {columns:?}: {widest}\n{text}");
        }
    }
}

#[test]
fn v53_v55_v61_a_trace_is_drawn_with_its_marks() {
    let text = run(&["trace", "4bf9", SPANS]).out;
    assert!(
        text.starts_with(&format!(
            "trace {TRACE}\n28 spans · 2 services · 182 ms · 2026-11-21T21:59:00.000Z\n"
        )),
        "{text}"
    );
    assert!(text.contains("orders SELECT orders × 24 · total 60.0 ms · longest 2.50 ms"), "{text}");
    assert_eq!(text.lines().count(), 7, "{text}");
    assert_eq!(
        run(&["trace", "4bf9", SPANS, "--depth", "1"]).out.lines().last(),
        Some("… and 27 spans deeper (--depth)")
    );
    assert_eq!(run(&["trace", "0000000000000022", SPANS]).code, 1);
    assert!(run(&["trace", "0000000000000021", SPANS]).out.starts_with("trace a9b8c7d6"));

    let directory = Directory::new();
    let orphan = line_of_fixture(1).replace(
        "\"endTimeUnixNano\":\"1795298340100400000\"",
        "\"endTimeUnixNano\":\"1795298340020000000\"",
    );
    let path = directory.write("orphan.jsonl", orphan);
    let text = run(&["trace", "4bf9", &path]).out;
    assert!(text.contains("· parent missing\n"), "{text}");
    assert!(text.contains("  parent 0000000000000003 is not in these files\n"), "{text}");
    assert!(
        text.contains(
            "SELECT orders × 22 · total 55.0 ms · longest 2.50 ms · outside its parent\n"
        ),
        "{text}"
    );
}

#[test]
fn v55_between_services_the_mark_is_that_clocks_may_differ() {
    let directory = Directory::new();
    let moved = line_of_fixture(1).replace(
        "\"startTimeUnixNano\":\"1795298340010000000\"",
        "\"startTimeUnixNano\":\"1795298340001000000\"",
    );
    let path = directory.write("moved.jsonl", format!("{}\n{moved}\n", line_of_fixture(0)));
    let text = run(&["trace", "4bf9", &path]).out;
    assert!(text.contains("GET /orders/:id · outside its parent: clocks differ?"), "{text}");
}

#[test]
fn v57_the_critical_path_adds_up_to_the_trace() {
    let text = run(&["trace", "4bf9", SPANS, "--critical"]).out;
    assert!(text.lines().nth(2).unwrap().contains("shop GET /cart"), "{text}");
    assert!(text.contains("60.0 ms  shop render cart"), "{text}");
}

#[test]
fn v64_v65_blocks_name_the_line_and_what_was_open_meanwhile() {
    let text = run(&["blocks", SPANS]).out;
    assert!(text.contains("parseCart"), "{text}");
    assert!(text.contains("open in the same process meanwhile:"), "{text}");
    // The request in which it happened is not held up by it, the other one is.
    assert!(text.contains("shop GET /health") && !text.contains("shop GET /cart"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&run(&["blocks", "--json", SPANS]).out).unwrap();
    assert_eq!(json["blocks"][0]["open"][0]["operation"], "shop GET /health");
    assert_eq!(json["blocks"][0]["cpu"].as_u64(), Some(77_900_000));
}

#[test]
fn v64_blocks_name_the_route_that_was_held_up_longest() {
    let directory = Directory::new();
    let line = line_of_fixture(2);
    let mut text = String::new();
    // A block of 78.4 ms each; two routes, a span without a route, and one that says nothing.
    for (nth, attribute) in [
        "http.route=/cart",
        "http.route=/a\u{202e}",
        "http.route=/cart",
        "event_loop.block.root_span.name=job",
        "",
    ]
    .iter()
    .enumerate()
    {
        let named = attribute.split_once('=').map_or_else(String::new, |(key, value)| {
            format!("{{\"key\":\"{key}\",\"value\":{{\"stringValue\":\"{value}\"}}}},")
        });
        let line = line
            .replace("\"0000000000000031\"", &format!("\"000000000000003{nth}\""))
            .replace("{\"key\":\"label\"", &format!("{named}{{\"key\":\"label\""));
        text.push_str(&format!("{line}\n"));
    }
    let path = directory.write("routes.jsonl", text);
    let shown = run(&["blocks", &path]).out;
    let mut lines = shown.lines();
    let head = lines.next().unwrap();
    assert!(head.contains("AT                   ROUTE     CAUSE"), "{shown}");
    assert!(lines.next().unwrap().contains("/app/src/cart.js:42  /cart +2  cpu"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&run(&["blocks", "--json", &path]).out).unwrap();
    let routes = json["blocks"][0]["routes"].as_array().unwrap();
    let route =
        |nth: usize| (routes[nth]["route"].as_str().unwrap(), routes[nth]["count"].as_u64());
    assert_eq!(
        [route(0), route(1), route(2)],
        [("/cart", Some(2)), ("/a\u{202e}", Some(1)), ("job", Some(1))]
    );
    assert!(!run(&["blocks", SPANS]).out.contains("ROUTE"), "no column where nothing is known");
}

#[test]
fn v63_stats_count_a_block_that_was_reported_twice_once() {
    let directory = Directory::new();
    let end = line_of_fixture(2);
    let ongoing = end
        .replace("\"0000000000000031\"", "\"0000000000000030\"")
        .replace(
            "ongoing\",\"value\":{\"boolValue\":false}",
            "ongoing\",\"value\":{\"boolValue\":true}",
        )
        .replace("1795298340486400000", "1795298340448000000");
    let trace = "7c2d1e9f00aa4b5c8d6e0f1a2b3c4d5e";
    let link = format!("\"links\":[{{\"traceId\":\"{trace}\",\"spanId\":\"0000000000000030\"}}]");
    let end = end.replace("\"links\":[]", &link);
    assert_ne!(ongoing, end);
    let both = directory.write("both.jsonl", format!("{ongoing}\n{end}\n"));
    let alone = directory.write("alone.jsonl", ongoing);
    for (path, total) in [(&both, 78_400_000), (&alone, 40_000_000)] {
        let json: serde_json::Value =
            serde_json::from_str(&run(&["stats", "--json", path]).out).unwrap();
        let group = &json["groups"][0];
        assert_eq!(
            (group["name"].as_str(), group["count"].as_u64(), group["longest"].as_u64()),
            (Some("event-loop-blocked"), Some(1), Some(total)),
            "{json}"
        );
        assert_eq!(json["blocks"][0]["count"].as_u64(), Some(1));
        let by = run(&["stats", "--by", "thread.id", path]).out;
        assert!(by.contains("\n1 of 1 spans have thread.id\n"), "{by}");
    }
}

#[test]
fn v99_blocks_name_function_and_line_in_80_columns() {
    let directory = Directory::new();
    let (function, file) = ("OrderService.placeOrder", "/srv/shop/dist/services/order.service.js");
    let line = line_of_fixture(2)
        .replace("\"parseCart\"", &format!("\"{function}\""))
        .replace("\"/app/src/cart.js\"", &format!("\"{file}\""))
        .replace(
            "{\"key\":\"label\"",
            "{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/shops/:shop/orders/:order/lines\"}},{\"key\":\"label\"",
        );
    let path = directory.write("long.jsonl", line);
    for name in ["blocks", "stats"] {
        let text = ran(command(&[name, &path]).output().unwrap()).out;
        let row = text.lines().find(|line| line.contains("order.service.js:42"));
        assert!(row.is_some_and(|row| row.contains(function)), "{text}");
        assert!(row.is_some_and(|row| row.chars().count() <= 80), "{text}");
    }
    let text = ran(command(&["blocks", &path]).output().unwrap()).out;
    assert!(text.contains(&format!("\n{function} ({file}:42), last at ")), "{text}");
    assert!(text.contains("\n(80 columns have no room for LONGEST, CPU, GC)\n"), "{text}");
    assert!(run(&["blocks", &path]).out.contains("3.20 ms\n\n"), "all figures where there is room");
}

/// What `FileSpanExporter` and `EventLoopMonitor` have written, but for the name of the directory.
#[test]
fn v14_v63_v64_files_of_the_exporter_are_read() {
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/real");
    let blocks = run(&["blocks", real]);
    assert!(
        blocks.out.contains(
            "slowHandler  /app/server.cjs:14  cpu        1  120 ms   120 ms  118 ms  4.14 ms"
        ),
        "{}",
        blocks.out
    );
    let trace = run(&["trace", "5fb825bd", real]).out;
    assert!(
        trace.contains("shop GET /cart\n") && trace.contains("  shop query ERROR\n"),
        "{trace}"
    );
    let strict = run(&[
        "query",
        real,
        "--strict",
        "--filter",
        "n=5 d<1 b=true list=b cut~x event.name=\"cache miss\"",
    ]);
    assert_eq!((strict.code, strict.out.lines().count()), (0, 2), "{}", strict.err);
}
