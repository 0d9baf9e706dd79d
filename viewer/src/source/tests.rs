use std::{
    io::{Cursor, Read, Write},
    path::PathBuf,
};

use super::{
    format::Refused,
    lines::LONGEST_LINE,
    open::{Opened, open_reader},
    *,
};
use crate::test_directory::TestDirectory;

const ONE: &str = r#"{"resourceSpans":[{"scopeSpans":[]}]}"#;
const TWO: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"a {[","value":{"stringValue":"\"}]"}}]}}]}"#;

fn opened(bytes: &[u8], longest: usize) -> Result<Opened, Refused> {
    open_reader(Box::new(Cursor::new(bytes.to_vec())), longest).unwrap()
}

/// The lines, and whether each has its end.
fn lines_of(bytes: &[u8]) -> Vec<(String, bool)> {
    let mut opened = opened(bytes, LONGEST_LINE).unwrap();
    let mut lines = Vec::new();
    while let Some(chunk) = opened.next() {
        for (_, line, has_end) in chunk.lines() {
            lines.push((String::from_utf8(line.trim_ascii().to_vec()).unwrap(), has_end));
        }
    }
    lines.retain(|(line, _)| !line.is_empty());
    lines
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
    let frame = |body: &Vec<u8>| [&(body.len() as u32).to_be_bytes()[..], body].concat();
    bodies.iter().map(frame).collect::<Vec<_>>().concat()
}

#[test]
fn v12_the_format_is_told_by_the_content() {
    let lines = format!("{ONE}\n{TWO}\n");
    let crlf = format!("\u{feff}{ONE}\r\n\r\n{TWO}\r\n");
    // As programs print it that indent, but for the texts, which stay as they are.
    let spread = |text: &str| {
        text.replace("\":", "\": ").replace(",\"", ",\n  \"").replace("{\"", "{\n  \"")
    };
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let formats: Vec<(&str, Vec<u8>)> = vec![
        ("lines", lines.clone().into_bytes()),
        ("a mark and CRLF", crlf.into_bytes()),
        ("an array", format!("[{ONE},\n{TWO}]").into_bytes()),
        ("documents over many lines", format!("{}\n{}", spread(ONE), spread(TWO)).into_bytes()),
        ("gzip", gzip(lines.as_bytes())),
        (
            "gzip of two members",
            [gzip(format!("{ONE}\n").as_bytes()), gzip(TWO.as_bytes())].concat(),
        ),
        ("zstd", zstd(lines.as_bytes())),
        (
            "zstd of two frames",
            [zstd(format!("{ONE}\n").as_bytes()), zstd(format!("{TWO}\n").as_bytes())].concat(),
        ),
        ("frames of JSON", framed(&[ONE.into(), TWO.into()])),
        ("frames of zstd", framed(&[zstd(ONE.as_bytes()), zstd(TWO.as_bytes())])),
    ];
    for (name, bytes) in formats {
        let lines: Vec<String> =
            lines_of(&bytes).into_iter().map(|(line, _)| squeezed(&line)).collect();
        assert_eq!(lines, [squeezed(ONE), squeezed(TWO)], "{name}");
    }
}

#[test]
fn v12_a_file_that_was_cut_gives_what_it_has() {
    let lines = format!("{ONE}\n{TWO}\n");
    for (bytes, name) in
        [(gzip(lines.repeat(500).as_bytes()), "gzip"), (zstd(lines.repeat(500).as_bytes()), "zstd")]
    {
        let cut = &bytes[..bytes.len() - bytes.len() / 3];
        let mut opened = opened(cut, LONGEST_LINE).unwrap();
        let mut count = 0;
        while let Some(chunk) = opened.next() {
            count += chunk
                .lines()
                .filter(|(_, line, has_end)| {
                    *has_end && (*line == ONE.as_bytes() || *line == TWO.as_bytes())
                })
                .count();
        }
        let failure = opened.failure().unwrap();
        assert_eq!(failure.kind(), std::io::ErrorKind::UnexpectedEof, "{name}");
        assert!(name == "zstd" || count > 0, "{name}: {count}");
    }
    let frames = framed(&[ONE.into(), TWO.into()]);
    assert!(!lines_of(&frames[..frames.len() - 5]).last().unwrap().1);
}

#[test]
fn v12_a_torn_first_line_is_no_document_over_many_lines() {
    for cut in 1..TWO.len() {
        let text = format!("{}\n{ONE}\n{TWO}\n", &TWO[..cut]);
        let lines = lines_of(text.as_bytes());
        assert_eq!(lines.len(), 3, "cut at {cut}");
        assert_eq!(lines[2], (TWO.into(), true), "cut at {cut}");
    }
}

#[test]
fn v13_formats_of_others_are_refused_by_name() {
    let utf16: Vec<u8> =
        format!("\u{feff}{ONE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let protobuf = framed(&[[&[0x0a, 0x10][..], &[7; 16]].concat()]);
    let cases: [(&[u8], Refused); 6] = [
        (&utf16, Refused::Utf16),
        (&utf16[2..], Refused::Utf16),
        (&protobuf, Refused::Protobuf),
        (br#"{"data":[{"traceID":"1","spans":[{"spanID":"2"}]}]}"#, Refused::Jaeger),
        (br#"[{"traceId":"1","id":"2","timestamp":1,"localEndpoint":{}}]"#, Refused::Zipkin),
        (br#"{"traceId":"1","spanId":"2","packageName":"pg","inputValue":{}}"#, Refused::Recording),
    ];
    for (bytes, refused) in cases {
        assert_eq!(opened(bytes, LONGEST_LINE).err(), Some(refused));
        assert!(
            refused.words().contains("not read: ") || refused.words().contains("not read"),
            "{refused:?}"
        );
    }
}

#[test]
fn v18_a_line_that_is_too_long_is_skipped_where_it_begins() {
    const LONGEST: usize = 3 << 20;
    let long = "x".repeat(LONGEST + 1);
    let fits = "y".repeat(LONGEST);
    for ending in ["\n", ""] {
        let text = format!("{ONE}\n{long}\n{fits}\n{long}{ending}");
        let mut opened = opened(text.as_bytes(), LONGEST).unwrap();
        let (mut lines, mut too_long) = (Vec::new(), Vec::new());
        while let Some(chunk) = opened.next() {
            lines.extend(chunk.lines().map(|(offset, line, _)| (offset, line.len())));
            too_long.extend(chunk.too_long);
        }
        assert_eq!(lines, [(0, ONE.len()), ((ONE.len() + LONGEST + 3) as u64, LONGEST)]);
        assert_eq!(too_long, [ONE.len() as u64 + 1, (ONE.len() + 2 * LONGEST + 4) as u64]);
    }
    let text = format!("[{ONE},{{\"a\":\"{long}\"}},{TWO}]");
    let mut values = opened(text.as_bytes(), LONGEST).unwrap();
    let chunk = values.next().unwrap();
    assert_eq!(
        (chunk.lines().count(), chunk.too_long.as_slice()),
        (2, &[ONE.len() as u64 + 2][..])
    );
}

/// Endless bytes, which nobody can hold.
struct Endless {
    left: u64,
    largest_read: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = (self.left.min(buffer.len() as u64)) as usize;
        buffer[..bytes].fill(b'x');
        self.left -= bytes as u64;
        self.largest_read = self.largest_read.max(bytes);
        Ok(bytes)
    }
}

#[test]
fn v18_what_is_skipped_is_not_held() {
    let longest = 4 << 20;
    let mut reader = lines::LineReader::new(Endless { left: 200 << 20, largest_read: 0 }, longest);
    let mut held = 0;
    while let Some(chunk) = reader.next().unwrap() {
        held = held.max(chunk.memory());
        assert_eq!(chunk.lines().count(), 0);
    }
    assert!(held <= 3 * longest, "{held}");
}

#[test]
fn v4_v11_paths_are_files_directories_or_standard_input() {
    let directory = TestDirectory::new();
    let names = [
        "b.jsonl",
        "a.ndjson",
        "c.json",
        "d.jsonl.gz",
        "e.JSON.ZST",
        "notes.txt",
        "f.jsonl.bak",
        "sub/g.jsonl",
    ];
    for name in names {
        directory.write(name, "");
    }
    let path = |name: &str| directory.path(name);
    let found =
        |paths: &[PathBuf], is_recursive| -> Vec<Input> { discover(paths, is_recursive).inputs };
    let files =
        |names: &[&str]| names.iter().map(|name| Input::File(path(name))).collect::<Vec<_>>();
    let flat = ["a.ndjson", "b.jsonl", "c.json", "d.jsonl.gz", "e.JSON.ZST"];
    assert_eq!(found(&[path("")], false), files(&flat));
    assert_eq!(found(&[path("")], true), files(&[&flat[..], &["sub/g.jsonl"]].concat()));
    assert_eq!(
        found(&[path("notes.txt"), path("b.jsonl"), path("notes.txt")], false),
        files(&["notes.txt", "b.jsonl"])
    );
    assert_eq!(found(&["-".into()], false), [Input::StandardInput]);
    let missing = discover(&[path("missing.jsonl")], false);
    assert_eq!((missing.inputs.len(), missing.failures.len()), (0, 1));
}

#[cfg(unix)]
#[test]
fn v4_a_link_to_a_directory_is_not_followed_and_one_to_a_file_is() {
    let directory = TestDirectory::new();
    directory.write("real/a.jsonl", "");
    std::fs::create_dir(directory.path("spans")).unwrap();
    std::os::unix::fs::symlink(directory.path(""), directory.path("spans/loop")).unwrap();
    std::os::unix::fs::symlink(directory.path("real/a.jsonl"), directory.path("spans/b.jsonl"))
        .unwrap();
    let found = discover(&[directory.path("spans")], true);
    assert_eq!(found.inputs, [Input::File(directory.path("spans/b.jsonl"))]);
}
