use std::{fs, io::Write, path::PathBuf};

use super::*;
use crate::{
    account::Skipped,
    following::reason,
    source::{Input, discover},
    test_directory::TestDirectory,
    test_spans::{TestSpan, lines, span},
};

fn many(count: u64) -> Vec<TestSpan> {
    (1..=count)
        .map(|id| {
            let mut span = span(id, id / 7, 1000 + id, 1000 + id * 2);
            span.trace = u128::from(id % 13 + 1);
            span.service = format!("service {}", id % 3);
            span.attributes = crate::test_spans::attribute(
                "user",
                &format!("{{\"stringValue\":\"user {}\"}}", id % 500),
            );
            span
        })
        .collect()
}

fn read_paths(paths: &[PathBuf], parsers: usize) -> Index {
    let paths = paths.to_vec();
    read(move || discover(&paths, false), &Options { parsers, max_memory: u64::MAX }, &mut |_| ())
}

/// Everything that an index knows, with texts instead of numbers that depend on nothing but the order.
fn dump(index: &Index) -> String {
    let rows = 0..index.spans.len() as u32;
    let row = |row| {
        let attributes: Vec<String> = index
            .attributes_of(row)
            .iter()
            .map(|attribute| format!("{:?}", (attribute, index.dictionary.value(attribute.value))))
            .collect();
        format!("{:?} {attributes:?}\n", index.span(row))
    };
    rows.map(row).collect::<String>()
        + &format!("{:?}{:?}{:?}", index.lines, index.traces, index.links)
}

#[test]
fn v26_rows_do_not_depend_on_the_number_of_threads() {
    let directory = TestDirectory::new();
    let spans = many(6_000);
    for (number, spans) in spans.chunks(2_500).enumerate() {
        directory.write(&format!("traces-{number}.jsonl"), lines(spans));
    }
    let dumps = [1, 2, 8].map(|parsers| dump(&read_paths(&[directory.path("")], parsers)));
    assert!(dumps[0].len() > 600_000, "{}", dumps[0].len());
    // `==` and not `assert_eq`: nobody reads megabytes.
    assert!(dumps[0] == dumps[1] && dumps[0] == dumps[2]);
}

#[test]
fn v16_the_account_of_a_file_adds_up() {
    let directory = TestDirectory::new();
    let text = lines(&many(50));
    let bad = text.lines().next().unwrap().replace("\"kind\":2", "\"kind\":");
    let cut = text.lines().last().unwrap();
    let content = format!(
        "{text}{text}{bad}\nnot json\n{{\"a\":1}}\n\n{{\"resourceLogs\":[]}}\n{}",
        &cut[..cut.len() - 20]
    );
    let path = directory.write("a.jsonl", content);
    let index = read_paths(&[path], 2);
    let file = &index.files[0];
    let counts = &file.counts;
    assert_eq!((counts.lines, counts.parsed), (105, 101));
    let skipped = Skipped::ALL.map(|reason| counts.skipped(reason));
    assert_eq!(skipped, [1, 1, 0, 1, 1]);
    assert_eq!(counts.lines, counts.parsed + counts.skipped_lines());
    assert_eq!((counts.seen, file.shown, file.duplicates, counts.bad), (101, 50, 50, 1));
}

#[test]
fn v25_a_file_that_cannot_be_read_is_named_and_the_rest_is_read() {
    let directory = TestDirectory::new();
    directory.write("b.jsonl", lines(&many(10)));
    let inputs = ["a.jsonl", "", "b.jsonl"].map(|name| Input::File(directory.path(name)));
    directory.write("c.jsonl", b"\xff\xfe{\0");
    let inputs = [&inputs[..], &[Input::File(directory.path("c.jsonl"))]].concat();
    let find = move || Found { inputs: inputs.clone(), ..Found::default() };
    let index = read(find, &Options { parsers: 2, max_memory: u64::MAX }, &mut |_| ());
    let failures: Vec<Option<&str>> =
        index.files.iter().map(|file| file.failure.as_deref()).collect();
    // The words are those of the system.
    let missing = fs::File::open(directory.path("a.jsonl")).unwrap_err();
    assert_eq!(failures[0], Some(format!("cannot be read: {}", reason(&missing)).as_str()));
    assert!(failures[1].unwrap().contains("cannot be read: "), "{failures:?}");
    assert_eq!(failures[2], None);
    assert_eq!(failures[3], Some("is UTF-16 text, which is not read: save it as UTF-8"));
    assert_eq!(index.spans.len(), 10);
}

#[test]
fn v32_reading_stops_when_the_memory_is_used_up() {
    let directory = TestDirectory::new();
    for number in 0..4 {
        directory.write(
            &format!("{number}.jsonl"),
            lines(&many(5_000)).replace("span ", &format!("span {number} ")),
        );
    }
    let paths = [directory.path("")];
    let all = read_paths(&paths, 2);
    let find = move || discover(&paths, false);
    let index = read(find, &Options { parsers: 2, max_memory: all.memory() / 3 }, &mut |_| ());
    assert!(index.is_full && index.spans.len() < all.spans.len());
    let last = index.files.last().unwrap();
    assert_eq!(last.failure.as_deref(), Some("was not read to its end: --max-memory is used up"));
    assert!(last.bytes > 0);
}

#[test]
fn v6_progress_is_told_in_bytes_and_spans() {
    let directory = TestDirectory::new();
    let path = directory.write("a.jsonl", lines(&many(5_000)));
    let bytes = fs::metadata(&path).unwrap().len();
    let mut seen = Vec::new();
    let find = move || discover(std::slice::from_ref(&path), false);
    read(find, &Options { parsers: 2, max_memory: u64::MAX }, &mut |progress| seen.push(progress));
    let last = seen.last().unwrap();
    assert_eq!((last.read_bytes, last.total_bytes, last.spans), (bytes, bytes, 5_000));
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].spans <= pair[1].spans && pair[0].read_bytes <= pair[1].read_bytes)
    );
}

#[test]
fn v12_compressed_files_are_told_by_their_content() {
    let directory = TestDirectory::new();
    let text = lines(&many(3_000));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let paths = [
        directory.write("plain.jsonl", &text),
        directory.write("gzip.jsonl", encoder.finish().unwrap()),
        directory.write("zstd.jsonl", zstd::stream::encode_all(text.as_bytes(), 1).unwrap()),
    ];
    let dumps = paths.map(|path| dump(&read_paths(&[path], 2)));
    assert!(dumps[0].len() > 100_000 && dumps[0] == dumps[1] && dumps[0] == dumps[2]);
}

#[test]
fn v36_a_large_part_is_taken_in_a_little_at_a_time() {
    let mut text = String::new();
    for span in many(30_000) {
        let line = span.line();
        let (_, rest) = line.split_once("\"spans\":[").unwrap();
        text.push_str(if text.is_empty() {
            "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
        } else {
            ","
        });
        text.push_str(rest.strip_suffix("]}]}]}").unwrap());
    }
    text.push_str("]}]}]}\n");
    let directory = TestDirectory::new();
    let path = directory.write("a.jsonl", text);
    let find = move || discover(std::slice::from_ref(&path), false);
    let (mut index, pipeline) = begin(find, false, &Options { parsers: 2, max_memory: u64::MAX });
    let mut merger = Merger::new(Arc::clone(&pipeline.shared));
    let (mut largest, mut slices) = (0, 0);
    while let Ok(step) = pipeline.steps.recv() {
        merger.take(step);
        let mut before = index.span_count();
        while merger.go_on(&mut index) {
            largest = largest.max(index.span_count() - before);
            slices += usize::from(index.span_count() > before);
            before = index.span_count();
            let file = &index.files[0];
            assert_eq!(file.counts.seen, file.shown + file.duplicates + file.counts.bad);
        }
    }
    assert_eq!((index.span_count(), index.lines.len()), (30_000, 1));
    // A span with its attribute is two.
    assert!(largest <= 1 << 14 && slices >= 2, "{largest} {slices}");
}
