use std::collections::HashMap;

use serde_json::Value as Json;

use super::*;
use crate::{
    fields,
    index::Span,
    parse::hex_id,
    query::{parse, search},
    reading::{Options, read},
    source::discover,
    test_directory::TestDirectory,
    test_spans::{Random, TestSpan, attribute, index_of_spans, lines, span},
    value::Value,
};

fn exported(index: &Index, format: Format, rows: Vec<u32>) -> (String, u64) {
    let columns = fields::read_list(fields::DEFAULT).unwrap();
    let mut export = Export::new(index, format, rows, columns);
    let mut out = Vec::new();
    while let Some(piece) = export.next(index) {
        assert!(!piece.is_empty());
        out.extend(piece);
    }
    assert_eq!(export.next(index), None);
    (String::from_utf8(out).unwrap(), export.left_out)
}

fn all_rows(index: &Index) -> Vec<u32> {
    index.rows().collect()
}

fn index_of_file(directory: &TestDirectory, name: &str, text: impl AsRef<[u8]>) -> Index {
    let path = directory.write(name, text);
    let find = move || discover(std::slice::from_ref(&path), false);
    read(find, &Options { parsers: 2, max_memory: u64::MAX }, &mut |_| {})
}

/// All that the index knows of a span, in words.
fn described(index: &Index, row: u32) -> String {
    let Span { id, parent, start, duration, flags, .. } = index.span(row).unwrap().clone();
    let span = index.span(row).unwrap();
    let values = |list: &[crate::index::Attribute]| -> Vec<String> {
        let pair = |attribute: &crate::index::Attribute| {
            let value = match index.dictionary.value(attribute.value) {
                // The hash has another key in another index.
                Value::Long { bytes, start, .. } => format!("{bytes} {start}"),
                value => format!("{value:?}"),
            };
            format!("{:?}={value}", index.dictionary.value(attribute.key))
        };
        list.iter().map(pair).collect()
    };
    let mut resource = values(index.resource(span.resource));
    resource.sort();
    let links: Vec<_> = index.links.iter().filter(|link| link.row == row).collect();
    let trace = hex_id(index.traces[span.trace as usize].id);
    let links = links.iter().map(|link| (link.trace, link.id)).collect::<Vec<_>>();
    format!(
        "{trace} {id} {parent} {start} {duration} {flags:?} {} {} {:?} {resource:?} {links:?}",
        index.name(span),
        index.scope(span),
        values(index.attributes_of(row)),
    )
}

fn all_described(index: &Index, rows: &[u32]) -> Vec<String> {
    rows.iter().map(|row| described(index, *row)).collect()
}

/// Lines as different programs write them, some of them damaged.
fn odd_lines() -> String {
    let long = "x".repeat(3000);
    let rich = |id: u64| {
        let mut rich = span(id, id / 2, 1000 + id, 2000 + id * 3);
        rich.service = format!("service {}", id % 3);
        rich.attributes = [
            attribute("text", &format!(r#"{{"stringValue":"a\ud83d\u0041 \"{id}\" \\ é"}}"#)),
            attribute("long", &format!(r#"{{"stringValue":"{long}{id}"}}"#)),
            attribute("number", r#"{"doubleValue":1.50}"#),
        ]
        .join(",");
        rich.more = format!(
            r#","links":[{{"traceId":"{:032x}","spanId":"{:016x}"}}],"events":[{{"name":"e"}}]"#,
            rich.trace, 1
        );
        rich
    };
    let spans: Vec<TestSpan> = (1..20).map(rich).collect();
    let members = |spans: &[TestSpan]| {
        let of = |span: &TestSpan| {
            let line = span.line();
            let from = line.find("\"spans\":[").unwrap() + "\"spans\":[".len();
            line[from..line.len() - "]}]}]}".len()].to_owned()
        };
        spans.iter().map(of).collect::<Vec<_>>().join(" , ")
    };
    let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"other"}}]}"#;
    let several = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}],"schemaUrl":"https://one","scope":{{"name":"s","version":"2"}}}}],"resource":{resource},"schemaUrl":"https://two"}},{{"scope_spans":[{{"spans":[{}]}}]}}]}}"#,
        members(&spans[..4]),
        members(&spans[4..8])
    );
    let mut damaged = lines(&spans[8..9]);
    damaged = damaged.replacen("\"kind\":2", "\"kind\":2,,", 1);
    let elsewhere = several.replace("4bf92f35", "5bf92f35");
    let broken = elsewhere.replace(&format!("{:016x}", 3), "zz\"zz");
    let cut = lines(&spans[9..12]);
    [several, damaged, broken, lines(&spans[12..19]), cut[..cut.len() - 40].to_owned()].join("\n")
}

#[test]
fn v100_what_was_exported_and_read_again_is_the_same_index() {
    let directory = TestDirectory::new();
    let index = index_of_file(&directory, "spans.jsonl", odd_lines());
    let counts = &index.files[0].counts;
    assert!(index.spans.len() == 19 && counts.bad == 4, "{} {counts:?}", index.spans.len());
    let (text, left_out) = exported(&index, Format::Otlp, all_rows(&index));
    assert_eq!(left_out, 0);
    for line in text.lines() {
        serde_json::from_str::<Json>(&line.replace(r"\ud83d", "")).unwrap();
    }
    let again = index_of_file(&directory, "again.jsonl", &text);
    let expected = all_described(&index, &all_rows(&index));
    assert_eq!(all_described(&again, &all_rows(&again)), expected);
    assert_eq!(again.files[0].counts.skipped_lines() + again.files[0].counts.bad, 0);
    assert_eq!(again.traces.len(), index.traces.len());
    // Once more it is the same to the byte.
    assert_eq!(exported(&again, Format::Otlp, all_rows(&again)).0, text);
    let schemas = text.matches(r#""schemaUrl":"https://one""#).count();
    assert!(schemas > 0 && text.contains(r#""schemaUrl":"https://two""#), "{text}");
}

#[test]
fn v100_the_chosen_spans_are_there_byte_for_byte_and_no_other() {
    let directory = TestDirectory::new();
    let source = odd_lines();
    let index = index_of_file(&directory, "spans.jsonl", &source);
    let mut random = Random(11);
    for _ in 0..50 {
        let rows: Vec<u32> =
            all_rows(&index).into_iter().filter(|_| random.below(3) == 0).collect();
        let (text, left_out) = exported(&index, Format::Otlp, rows.clone());
        assert_eq!(left_out, 0);
        let again = index_of_file(&directory, "again.jsonl", &text);
        let expected = all_described(&index, &rows);
        assert_eq!(all_described(&again, &all_rows(&again)), expected);
        for piece in text.lines().flat_map(|line| {
            crate::parse::pieces(line.as_bytes())
                .into_iter()
                .flat_map(|resource| resource.scopes)
                .flat_map(|scope| scope.spans)
                .map(|span| line[span.at].to_owned())
                .collect::<Vec<_>>()
        }) {
            assert!(source.contains(&piece), "{piece}");
        }
    }
}

#[test]
fn v100_compressed_files_and_documents_over_many_lines_are_copied_too() {
    let directory = TestDirectory::new();
    let spans: Vec<TestSpan> = (1..6).map(|id| span(id, 0, id, id + 5)).collect();
    let documents: Vec<String> = spans
        .iter()
        .map(|span| {
            let value: Json = serde_json::from_str(&span.line()).unwrap();
            serde_json::to_string_pretty(&value).unwrap()
        })
        .collect();
    let compressed = zstd::encode_all(lines(&spans).as_bytes(), 1).unwrap();
    for (name, content) in
        [("a.json", documents.join("\n").into_bytes()), ("a.jsonl.zst", compressed)]
    {
        let index = index_of_file(&directory, name, content);
        assert!(!index.files[0].is_plain);
        let (text, left_out) = exported(&index, Format::Otlp, vec![1, 3, 4]);
        assert_eq!((left_out, text.lines().count()), (0, 3), "{name}");
        let again = index_of_file(&directory, "again.jsonl", &text);
        assert_eq!(all_described(&again, &[0, 1, 2]), all_described(&index, &[1, 3, 4]), "{name}");
    }
}

#[test]
fn v100_spans_whose_file_is_another_one_are_counted_and_not_taken_from_it() {
    let directory = TestDirectory::new();
    let text = lines(&[span(1, 0, 1, 2), span(2, 0, 3, 4)]);
    let index = index_of_file(&directory, "spans.jsonl", &text);
    std::fs::rename(directory.path("spans.jsonl"), directory.path("old.jsonl")).unwrap();
    directory.write("spans.jsonl", &text);
    assert_eq!(exported(&index, Format::Otlp, vec![0, 1]), (String::new(), 2));
}

#[test]
fn v101_csv_has_a_row_for_each_span() {
    let mut odd = span(2, 0, 3_000_000, 4_000_000);
    odd.name = "=1+1, \\\"quoted\\\"".into();
    let index = index_of_spans(&[span(1, 0, 1_000_000, 2_000_000), odd]);
    let (text, _) = exported(&index, Format::Csv, vec![0, 1]);
    let expected = "start,duration,status,service,name,trace,span\n\
        1970-01-01T00:00:00.001Z,1000000,unset,shop,span 1,4bf92f3577b34da6a3ce929d0e0e4736,0000000000000001\n\
        1970-01-01T00:00:00.003Z,1000000,unset,shop,\"'=1+1, \"\"quoted\"\"\",4bf92f3577b34da6a3ce929d0e0e4736,0000000000000002\n";
    assert_eq!(text, expected);
}

/// Bars of a lane, in nanoseconds.
type Bars = HashMap<(u64, u64), Vec<(u64, u64)>>;

fn nanos(value: &Json) -> u64 {
    (value.as_f64().unwrap() * 1000.0).round() as u64
}

#[test]
fn v101_bars_of_one_lane_are_inside_each_other_or_apart() {
    let mut random = Random(5);
    for round in 0..200 {
        let count = 1 + random.below(60);
        let spans: Vec<TestSpan> = (1..=count)
            .map(|id| {
                let start = 1000 + random.below(100);
                let parent = if id == 1 { 0 } else { random.below(id) };
                let mut span = span(id, parent, start, start + random.below(50));
                span.service = format!("service {}", random.below(3));
                span
            })
            .collect();
        let index = index_of_spans(&spans);
        let (text, _) = exported(&index, Format::Chrome, all_rows(&index));
        let file: Json = serde_json::from_str(&text).unwrap();
        let mut services = HashMap::new();
        let mut bars = Bars::new();
        for event in file["traceEvents"].as_array().unwrap() {
            let pid = event["pid"].as_u64().unwrap();
            match event["ph"].as_str().unwrap() {
                "M" if event["name"] == "process_name" => {
                    services.insert(pid, event["args"]["name"].as_str().unwrap().to_owned());
                }
                "M" => assert_eq!(event["name"], "thread_name"),
                "X" => {
                    let (start, length) = (nanos(&event["ts"]), nanos(&event["dur"]));
                    let id = u64::from_str_radix(event["args"]["span"].as_str().unwrap(), 16);
                    let source = &spans[id.unwrap() as usize - 1];
                    assert_eq!(services[&pid], source.service);
                    assert_eq!(
                        (event["name"].as_str().unwrap(), length),
                        (source.name.as_str(), source.end - source.start)
                    );
                    let lane = (pid, event["tid"].as_u64().unwrap());
                    bars.entry(lane).or_default().push((start, start + length));
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(bars.values().map(Vec::len).sum::<usize>(), spans.len());
        for bars in bars.values() {
            for (number, one) in bars.iter().enumerate() {
                for other in &bars[number + 1..] {
                    let is_apart = one.1 <= other.0 || other.1 <= one.0;
                    let is_inside = one.0 <= other.0 && other.1 <= one.1
                        || other.0 <= one.0 && one.1 <= other.1;
                    assert!(is_apart || is_inside, "round {round}: {one:?} {other:?}");
                }
            }
        }
    }
}

#[test]
fn v101_times_of_trace_events_are_exact_and_attributes_go_along() {
    let mut first = span(1, 0, 1_795_298_340_000_000_001, 1_795_298_340_001_234_568);
    first.attributes = [
        attribute("a", r#"{"intValue":5}"#),
        attribute("b", r#"{"stringValue":"x"}"#),
        attribute("b", r#"{"stringValue":"y"}"#),
    ]
    .join(",");
    let index =
        index_of_spans(&[first, span(2, 1, 1_795_298_340_000_000_011, 1_795_298_340_000_000_012)]);
    let (text, _) = exported(&index, Format::Chrome, all_rows(&index));
    assert!(text.contains(r#""ts":0.000,"dur":1234.567"#), "{text}");
    assert!(text.contains(r#""ts":0.010,"dur":0.001"#), "{text}");
    assert!(text.contains(r#""attr.a":5,"attr.b":["x","y"]"#), "{text}");
    let empty = exported(&index, Format::Chrome, Vec::new()).0;
    let empty: Json = serde_json::from_str(&empty).unwrap();
    assert_eq!(empty["traceEvents"], serde_json::json!([]));
}

#[test]
fn v101_a_span_with_very_many_attributes_takes_no_longer_than_many_with_few() {
    let mut wide = span(1, 0, 1, 2);
    let attributes = (0..60_000).map(|key| attribute(&format!("k{key}"), r#"{"intValue":5}"#));
    wide.attributes = attributes.collect::<Vec<_>>().join(",");
    let index = index_of_spans(&[wide]);
    let begun = std::time::Instant::now();
    let (text, _) = exported(&index, Format::Chrome, all_rows(&index));
    let took = begun.elapsed();
    assert!(text.contains(r#""attr.k0":5,"attr.k1":5,"#));
    assert!(took.as_secs() < 5, "{took:?}");
}

#[test]
fn a_large_export_comes_in_pieces() {
    let spans: Vec<TestSpan> = (1..5000).map(|id| span(id, 0, id, id + 5)).collect();
    let index = index_of_spans(&spans);
    let rows =
        search(&index, &parse("span=0").unwrap(), &std::sync::atomic::AtomicBool::new(false)).rows;
    let columns = || fields::read_list(fields::DEFAULT).unwrap();
    for format in [Format::Csv, Format::Chrome] {
        let mut export = Export::new(&index, format, rows.clone(), columns());
        let mut sizes = Vec::new();
        while let Some(piece) = export.next(&index) {
            sizes.push(piece.len());
        }
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size < PIECE + 1000), "{sizes:?}");
    }
}
