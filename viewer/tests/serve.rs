//! `offloop-viewer serve` as it is started by the server of the page: real files, real streams.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A directory that goes with its test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("offloop-serve-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Engine {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: u64,
    /// Frames that somebody else waits for, by their question.
    early: HashMap<u64, Vec<(Value, Vec<u8>)>>,
    live: Vec<Value>,
}

impl Engine {
    fn start(paths: &[&Path], options: &[&str]) -> Engine {
        let mut child = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"))
            .arg("serve")
            .args(options)
            .arg("--")
            .args(paths)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Engine { child, input, output, next: 1, early: HashMap::new(), live: Vec::new() }
    }

    /// Once all has been read.
    fn read(paths: &[&Path], options: &[&str]) -> Engine {
        let mut engine = Engine::start(paths, options);
        engine.until(|live| live["reading"]["isDone"] == true);
        engine
    }

    fn write(&mut self, line: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn frame(&mut self) -> Option<(Value, Vec<u8>)> {
        let mut head = String::new();
        if self.output.read_line(&mut head).unwrap() == 0 {
            return None;
        }
        let head: Value = serde_json::from_str(&head).unwrap();
        let mut body = vec![0; head["bytes"].as_u64().unwrap() as usize];
        self.output.read_exact(&mut body).unwrap();
        Some((head, body))
    }

    /// Reads frames until there is news of this kind.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(live) = self.live.iter().find(|live| is_it(live)) {
            return live.clone();
        }
        loop {
            self.take_frame();
            if let Some(live) = self.live.last().filter(|live| is_it(live)) {
                return live.clone();
            }
        }
    }

    fn take_frame(&mut self) {
        let (head, body) = self.frame().unwrap();
        match head["id"].as_u64() {
            Some(id) => self.early.entry(id).or_default().push((head, body)),
            None => self.live.push(serde_json::from_slice(&body).unwrap()),
        }
    }

    fn ask(&mut self, question: &str, with: Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.write(&json!({ "id": id, "ask": question, "with": with }));
        id
    }

    fn answer(&mut self, id: u64) -> (Value, Vec<u8>) {
        loop {
            if let Some(frames) = self.early.get_mut(&id).filter(|frames| !frames.is_empty()) {
                return frames.remove(0);
            }
            self.take_frame();
        }
    }

    fn json(&mut self, question: &str, with: Value) -> (u64, Value) {
        let id = self.ask(question, with);
        let (head, body) = self.answer(id);
        (head["status"].as_u64().unwrap(), serde_json::from_slice(&body).unwrap())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(id: u64) -> String {
    format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"shop\"}}}}]}},\"scopeSpans\":[{{\"scope\":{{\"name\":\"http\"}},\"spans\":[{{\"traceId\":\"{:032x}\",\"spanId\":\"{id:016x}\",\"name\":\"span {id}\",\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\"}}]}}]}}]}}\n",
        id / 10 + 1,
        1_795_298_340_000_000_000_u64 + id,
        1_795_298_340_000_000_000_u64 + id * 2
    )
}

#[test]
fn v56_v62_a_span_is_shown_as_it_was_written_with_its_links() {
    let directory = Directory::new();
    // Blanks, escapes and members that nobody knows are part of what was written.
    let span = |id: u64, more: &str| {
        format!(
            "{{ \"traceId\" : \"{:032x}\",\"spanId\":\"{id:016x}\",\"name\":\"sp\\u0061n {id}\",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"9\"{more}}}",
            1
        )
    };
    let link = format!(
        ",\"links\":[{{\"traceId\":\"{:032x}\",\"spanId\":\"{:016x}\"}}],\"new\":1e3",
        1, 1
    );
    let spans = [span(1, ""), "7".into(), span(2, &link), span(3, "")];
    let resource =
        r#"{"attributes":[ {"key":"service.name","value":{"stringValue":"caf\u00e9"}}]}"#;
    let scope = r#"{"name":"s" , "version":"1"}"#;
    let text = format!(
        "\n{{\"resourceSpans\":[{{\"resource\":{resource},\"scopeSpans\":[{{\"scope\":{scope},\"spans\":[{}]}}]}}]}}\n",
        spans.join(",")
    );
    let path = directory.write("a.jsonl", &text);
    let gzip = directory.0.join("b.jsonl.gz");
    let mut encoder = flate2::write::GzEncoder::new(
        fs::File::create(&gzip).unwrap(),
        flate2::Compression::fast(),
    );
    let other = text.replace("000000000000000", "000000000000001");
    encoder.write_all(other.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let mut engine = Engine::read(&[&directory.0], &[]);
    for (row, ordinal) in [(0, 0), (1, 2), (2, 3)] {
        let (status, answer) = engine.json("span", json!({ "row": row.to_string() }));
        assert_eq!((status, &answer["raw"]), (200, &json!(spans[ordinal])), "{answer}");
        assert_eq!((&answer["resource"], &answer["scope"]), (&json!(resource), &json!(scope)));
        assert_eq!((&answer["offset"], &answer["ordinal"]), (&json!(1), &json!(ordinal)));
        assert_eq!(answer["file"], json!(path.display().to_string()));
        assert_eq!(answer["service"], "café");
        assert_eq!(answer.get("gone"), None);
    }
    let (_, first) = engine.json("span", json!({ "row": "0" }));
    assert_eq!(first["links"]["from"][0]["row"], 1);
    let (_, second) = engine.json("span", json!({ "row": "1" }));
    assert_eq!(second["links"]["to"][0]["row"], 0);
    let (_, packed) = engine.json("span", json!({ "row": "3" }));
    assert_eq!(packed["raw"], json!(spans[0].replace("000000000000000", "000000000000001")));
    let (status, missing) = engine.json("span", json!({ "row": "99" }));
    assert_eq!((status, &missing["error"]), (404, &json!("there is no such span in these files")));
    assert_eq!(engine.json("span", json!({})).0, 400);
    assert_eq!(engine.json("span", json!({ "row": "../a" })).0, 400);
}

#[test]
fn v56_v78_another_file_is_not_read_in_the_place_of_the_one_that_was() {
    let secret = line(1).replace("span 1", "secret");
    type Swap = fn(&Directory, &str);
    let swaps: [(&str, Swap); 4] = [
        ("renamed over it", |directory, secret| {
            let other = directory.write("other.txt", secret);
            fs::rename(other, directory.0.join("a.jsonl")).unwrap();
        }),
        ("a link in its place", |directory, secret| {
            let other = directory.write("other.txt", secret);
            fs::remove_file(directory.0.join("a.jsonl")).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink(other, directory.0.join("a.jsonl")).unwrap();
            #[cfg(not(unix))]
            let _ = other;
        }),
        ("written anew", |directory, secret| {
            drop(directory.write("a.jsonl", secret.replace("0001", "0002")))
        }),
        ("removed", |directory, _| fs::remove_file(directory.0.join("a.jsonl")).unwrap()),
    ];
    for (how, swap) in swaps {
        let directory = Directory::new();
        directory.write("a.jsonl", line(1));
        let mut engine = Engine::read(&[&directory.0], &["--once"]);
        swap(&directory, &secret);
        let (status, answer) = engine.json("span", json!({ "row": "0" }));
        assert_eq!((status, &answer["name"]), (200, &json!("span 1")), "{how}");
        assert!(
            answer["gone"].as_str().is_some_and(|text| text.starts_with("The file has")),
            "{how}: {answer}"
        );
        assert!(!answer.to_string().contains("secret"), "{how}");
    }
}

#[test]
fn v84_code_is_shown_from_below_the_directory_and_from_nowhere_else() {
    let directory = Directory::new();
    let code: String = (1..=30).map(|line| format!("line {line}\n")).collect();
    let source = directory.0.join("source");
    let path = directory.write("source/app/cart.js", &code);
    directory.write("outside.js", "let secret;\n".repeat(30));
    directory.write("source/large.js", "x\n".repeat(2 << 20));
    directory.write("source/binary.js", "a\0b\n".repeat(30));
    fs::create_dir(source.join("directory.js")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(directory.0.join("outside.js"), source.join("link.js")).unwrap();
        std::os::unix::fs::symlink(&directory.0, source.join("up")).unwrap();
        let made = Command::new("mkfifo").arg(source.join("pipe.js")).status().unwrap();
        assert!(made.success());
    }
    let absolute = path.display().to_string();
    let url = format!("file://{absolute}");
    let outside = directory.0.join("outside.js").display().to_string();
    let files: [(&str, u64, u64); 18] = [
        ("app/cart.js", 12, 200),
        (&absolute, 2, 200),
        (&url, 30, 200),
        ("app/cart.js", 31, 404),
        ("app/cart.js", 0, 404),
        ("../outside.js", 12, 404),
        ("app/../../outside.js", 12, 404),
        ("app/../app/cart.js", 12, 404),
        (&outside, 12, 404),
        ("link.js", 12, 404),
        ("up/outside.js", 12, 404),
        ("large.js", 12, 404),
        ("binary.js", 12, 404),
        ("directory.js", 12, 404),
        ("pipe.js", 12, 404),
        ("/dev/zero", 12, 404),
        ("missing.js", 12, 404),
        ("", 12, 404),
    ];
    let spans: String = (1..)
        .zip(files)
        .map(|(id, (name, line_number, _))| {
            let attributes = format!(
                "\"attributes\":[{{\"key\":\"code.file.path\",\"value\":{{\"stringValue\":{}}}}},{{\"key\":\"code.line.number\",\"value\":{{\"intValue\":\"{line_number}\"}}}}],\"name\"",
                json!(name)
            );
            line(id).replacen("\"name\":\"span", &format!("{attributes}:\"span"), 1)
        })
        .collect();
    let spans = directory.write("spans/a.jsonl", spans);
    let at = source.display().to_string();
    let mut engine = Engine::read(&[&spans], &["--source", &at]);
    for (row, (name, number, expected)) in files.iter().enumerate() {
        let (status, answer) = engine.json("source", json!({ "row": row.to_string() }));
        assert_eq!(status, *expected, "{name}: {answer}");
        if status != 200 {
            let error = answer["error"].as_str().unwrap();
            assert!(!error.contains("secret") && !error.contains('/'), "{error}");
            continue;
        }
        let (from, lines) = (answer["from"].as_u64().unwrap(), answer["lines"].as_array().unwrap());
        assert_eq!(from, number.saturating_sub(5).max(1), "{name}");
        assert_eq!(lines.len() as u64, (number + 5).min(30) + 1 - from);
        assert_eq!(lines[(number - from) as usize], format!("line {number}"));
        assert_eq!(
            answer["isChangedSince"], true,
            "the spans are of 2026, and older than the file"
        );
    }
    let mut without = Engine::read(&[&spans], &[]);
    let (status, answer) = without.json("source", json!({ "row": "0" }));
    assert_eq!((status, &answer["error"]), (404, &json!("code is shown with --source only")));
}

#[test]
fn v84_code_that_is_older_than_the_span_is_not_marked() {
    let directory = Directory::new();
    directory.write("cart.js", "one\ntwo\n");
    let far = line(1)
        .replace("1795298340", "4795298340")
        .replacen("\"name\":\"span", "\"attributes\":[{\"key\":\"code.file.path\",\"value\":{\"stringValue\":\"cart.js\"}},{\"key\":\"code.line.number\",\"value\":{\"intValue\":\"1\"}}],\"name\":\"span", 1);
    let spans = directory.write("a.jsonl", far);
    let mut engine = Engine::read(&[&spans], &["--source", &directory.0.display().to_string()]);
    let (_, answer) = engine.json("source", json!({ "row": "0" }));
    assert_eq!(
        (&answer["isChangedSince"], &answer["lines"]),
        (&json!(false), &json!(["one", "two"]))
    );
}

#[test]
fn v124_the_program_ends_at_once_when_its_input_does() {
    let directory = Directory::new();
    let text: String = (0..4_000).map(line).collect();
    for number in 0..8 {
        directory.write(&format!("{number}.jsonl"), text.replace("span ", &format!("{number} ")));
    }
    for is_read in [false, true] {
        let mut engine = Engine::start(&[&directory.0], &[]);
        match is_read {
            false => drop(engine.frame()),
            true => drop(engine.until(|live| live["reading"]["isDone"] == true)),
        }
        let started = Instant::now();
        drop(engine.input.take());
        assert_eq!(engine.child.wait().unwrap().code(), Some(0));
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

#[test]
fn v28_questions_are_answered_while_files_are_read() {
    let directory = Directory::new();
    let text: String = (0..12_000).map(line).collect();
    for number in 0..4 {
        directory.write(
            &format!("{number}.jsonl"),
            text.replace("\"spanId\":\"0", &format!("\"spanId\":\"{}", number + 1)),
        );
    }
    let mut engine = Engine::start(&[&directory.0], &[]);
    let mut answers = 0;
    let mut spans = 0;
    loop {
        let (status, answer) = engine.json("traces", json!({ "limit": "10" }));
        assert_eq!(status, 200);
        let (_, files) = engine.json("files", json!({}));
        let seen = files["spans"].as_u64().unwrap();
        assert!(seen >= spans);
        spans = seen;
        for file in files["files"].as_array().unwrap() {
            let count = |name: &str| file[name].as_u64().unwrap();
            let skipped: u64 = file["skipped"]
                .as_object()
                .unwrap()
                .values()
                .map(|count| count.as_u64().unwrap())
                .sum();
            assert_eq!(count("lines"), count("parsed") + skipped);
            assert_eq!(count("seen"), count("shown") + count("duplicates") + count("bad"));
        }
        if files["reading"]["isDone"] == true {
            break;
        }
        answers += usize::from(answer["traces"].as_u64() > Some(0));
    }
    assert!(answers > 2, "{answers}");
    assert_eq!(spans, 48_000);
}

#[cfg(unix)]
#[test]
fn v28_what_has_been_read_is_shown_while_the_rest_is_not_there_yet() {
    let directory = Directory::new();
    let path = directory.write("a.jsonl", (0..3000).map(line).collect::<String>());
    let gate = directory.0.join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let mut engine = Engine::start(&[&path, &gate], &["--once"]);
    let news = engine.until(|live| live["spans"] == 3000);
    assert_eq!(news["reading"]["isDone"], false);
    let (_, list) = engine.json("traces", json!({ "limit": "500" }));
    assert_eq!(
        (list["traces"].as_u64(), list["items"].as_array().unwrap().len()),
        (Some(300), 300)
    );
    let mut gate = fs::OpenOptions::new().write(true).open(&gate).unwrap();
    gate.write_all(line(5000).as_bytes()).unwrap();
    let (_, files) = engine.json("files", json!({}));
    assert_eq!(files["reading"]["isDone"], false);
    drop(gate);
    let news = engine.until(|live| live["reading"]["isDone"] == true);
    assert_eq!(news["spans"], 3001);
}

#[test]
fn v77_a_question_that_was_cancelled_has_no_answer_and_the_next_one_has() {
    let directory = Directory::new();
    let path = directory.write("a.jsonl", (0..2000).map(line).collect::<String>());
    let mut engine = Engine::read(&[&path], &[]);
    let mut cancelled = Vec::new();
    for _ in 0..50 {
        let asked = engine.ask("facets", json!({}));
        engine.ask("facets", json!({ "filter": "name~span" }));
        engine.write(&json!({ "cancel": asked + 1 }));
        cancelled.push(asked + 1);
        assert_eq!(engine.answer(asked).0["status"], 200);
    }
    assert_eq!(engine.json("files", json!({})).0, 200);
    let answered = cancelled.iter().filter(|id| engine.early.contains_key(id)).count();
    assert!(answered < 50, "at least one was still waiting");
    let (status, answer) = engine.json("nonsense", json!({}));
    assert_eq!((status, &answer["error"]), (404, &json!("there is no such question")));
}

#[test]
fn v100_an_export_comes_in_pieces_that_are_asked_for() {
    let directory = Directory::new();
    let text: String = (0..5000).map(line).collect();
    let path = directory.write("a.jsonl", &text);
    let mut engine = Engine::read(&[&path], &[]);
    let id = engine.ask("export", json!({ "format": "otlp" }));
    let mut all = Vec::new();
    let mut pieces = 0;
    loop {
        let (head, body) = engine.answer(id);
        assert_eq!((&head["status"], &head["type"]), (&json!(200), &json!("text")));
        all.extend(body);
        if head.get("more").is_none() {
            break;
        }
        pieces += 1;
        // Nothing comes that was not asked for.
        assert_eq!(engine.json("files", json!({})).0, 200);
        assert!(engine.early.get(&id).is_none_or(Vec::is_empty));
        engine.write(&json!({ "next": id }));
    }
    assert!(pieces > 3, "{pieces}");
    let ids = |text: &str| {
        let mut ids: Vec<String> =
            text.split("\"spanId\":\"").skip(1).map(|rest| rest[..16].to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&String::from_utf8(all).unwrap()), ids(&text));
}

#[test]
fn v91_v95_what_is_appended_is_told_and_shown() {
    let directory = Directory::new();
    let path = directory.write("a.jsonl", line(1));
    let mut engine = Engine::read(&[&directory.0], &[]);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(line(25).as_bytes()).unwrap();
    let news = engine.until(|live| live["spans"] == 2);
    assert_eq!(news["changed"], json!([format!("{:032x}", 3)]));
    assert_eq!(news["changedCount"], 1);
    directory.write("b.jsonl", line(36));
    let news = engine.until(|live| live["spans"] == 3);
    assert_eq!(news["changed"], json!([format!("{:032x}", 4)]));
    // A file that is cut off loses its spans.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(line(1).len() as u64).unwrap();
    let lost = json!(format!("{:032x}", 3));
    let is_new = |live: &Value| live["generation"].as_u64() > news["generation"].as_u64();
    engine.until(|live| is_new(live) && live["changed"].as_array().unwrap().contains(&lost));
    let news = engine.until(|live| is_new(live) && live["spans"] == 2);
    let (_, files) = engine.json("files", json!({}));
    assert_eq!((files["files"][0]["shown"].as_u64(), files["traces"].as_u64()), (Some(1), Some(2)));
    fs::remove_file(directory.0.join("b.jsonl")).unwrap();
    engine.until(|live| live["generation"].as_u64() > news["generation"].as_u64());
    let (_, files) = engine.json("files", json!({}));
    assert_eq!((&files["files"][1]["isGone"], &files["spans"]), (&json!(true), &json!(2)));
}

#[cfg(target_os = "linux")]
#[test]
fn v91_no_file_of_spans_stays_open() {
    let directory = Directory::new();
    let path = directory.write("a.jsonl", (0..2000).map(line).collect::<String>());
    let mut engine = Engine::read(&[&directory.0], &[]);
    engine.json("span", json!({ "row": "7" }));
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(line(90_000).as_bytes()).unwrap();
    engine.until(|live| live["spans"] == 2001);
    let descriptors = fs::read_dir(format!("/proc/{}/fd", engine.child.id())).unwrap();
    let open: Vec<PathBuf> =
        descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()).collect();
    assert!(open.iter().all(|target| !target.starts_with(&directory.0)), "{open:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn v97_ten_quiet_files_cost_almost_nothing() {
    let directory = Directory::new();
    for number in 0..10 {
        directory.write(&format!("{number}.jsonl"), line(number * 10));
    }
    let engine = Engine::read(&[&directory.0], &[]);
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", engine.child.id())).unwrap();
        let rest = stat.rsplit(')').next().unwrap();
        let fields: Vec<u64> =
            rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        fields[11] + fields[12]
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(4));
    // A tick is ten milliseconds of processor time.
    let used = ticks() - before;
    assert!(used <= 4, "{used} ticks in four seconds");
}
