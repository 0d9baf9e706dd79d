use std::time::Instant;

use super::{identities::Identities, *};
use crate::{
    account::Skipped,
    parse::{LONGEST_VALUE, LineParser, Part},
    source::Input,
    span_flags::Flags,
    test_spans::{TRACE, TestSpan, attribute, index_of, index_of_spans, index_with, lines, span},
};

#[test]
fn v22_a_span_that_is_there_already_is_shown_once_and_counted() {
    let spans = [span(1, 0, 10, 20), span(2, 1, 12, 18)];
    let text = lines(&spans);
    let index = index_of(&(text.clone() + &text + &text));
    assert_eq!((index.spans.len(), index.files[0].duplicates, index.files[0].shown), (2, 4, 2));
    assert_eq!(index.files[0].counts.seen, 6);
    assert_eq!(index.traces[0].spans, 2);
    assert!(index.spans.iter().all(|span| !span.flags.has(Flags::ID_TWICE)));
}

#[test]
fn v22_two_spans_with_one_id_are_both_shown_and_marked() {
    let mut other = span(1, 0, 10, 20);
    other.name = "another".into();
    let mut third = span(1, 0, 10, 21);
    third.name = "another".into();
    let spans = [span(1, 0, 10, 20), other.clone(), third, span(2, 0, 10, 20), other];
    let index = index_of_spans(&spans);
    let marked: Vec<bool> =
        index.spans.iter().map(|span| span.flags.has(Flags::ID_TWICE)).collect();
    assert_eq!(marked, [true, true, true, false]);
    assert_eq!(index.files[0].duplicates, 1);
    assert_eq!(index.row_of(TRACE, 1), Some(0));
}

#[test]
fn v23_spans_without_a_trace_id_are_one_group_and_have_no_parents() {
    let mut spans = [span(1, 0, 10, 20), span(2, 1, 12, 18), span(2, 1, 12, 18)];
    for span in &mut spans {
        span.trace = 0;
    }
    let index = index_of_spans(&spans);
    assert_eq!((index.spans.len(), index.traces.len(), index.traces[0].spans), (3, 1, 3));
    assert_eq!(index.parent_row(&index.spans[1]), None);
    assert_eq!(index.rows_of(0).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn v24_a_span_without_a_start_does_not_move_its_trace() {
    let index =
        index_of_spans(&[span(1, 0, 1000, 2000), span(2, 1, 0, 5000), span(3, 1, 1500, 2500)]);
    assert_eq!((index.traces[0].start, index.traces[0].end), (1000, 2500));
    assert!(index.spans[1].flags.has(Flags::NO_START));
}

#[test]
fn v34_equal_resources_and_scopes_are_one_in_whatever_order() {
    let with = |attributes: &str, name: &str| {
        span(7, 0, 10, 20)
            .line()
            .replacen(r#"{"key":"service.name","value":{"stringValue":"shop"}}"#, attributes, 1)
            .replace("0000000000000007", name)
    };
    let a = r#"{"key":"a","value":{"intValue":1}}"#;
    let b = r#"{"key":"service.name","value":{"stringValue":"shop"}}"#;
    let text = [
        with(&format!("{a},{b}"), "0000000000000001"),
        with(&format!("{b},{a}"), "0000000000000002"),
        with(b, "0000000000000003"),
        with(r#"{"key":"service.name","value":{"stringValue":""}}"#, "0000000000000004"),
        with("", "0000000000000005"),
    ];
    let index = index_of(&text.join("\n"));
    let resources: Vec<u32> = index.spans.iter().map(|span| span.resource).collect();
    assert_eq!(resources, [0, 0, 1, 2, 3]);
    let services: Vec<&str> = resources.iter().map(|resource| index.service(*resource)).collect();
    assert_eq!(services, ["shop", "shop", "shop", UNKNOWN_SERVICE, UNKNOWN_SERVICE]);
    assert_eq!(index.scopes.len(), 1);
}

#[test]
fn v30_long_values_take_no_memory() {
    let spans: Vec<_> = (1..=200)
        .map(|id| {
            let mut span = span(id, 0, 10, 20);
            span.attributes = attribute(
                "payload",
                &format!("{{\"stringValue\":\"{}{id}\"}}", "x".repeat(45_000)),
            );
            span
        })
        .collect();
    let index = index_of_spans(&spans);
    // Nine million bytes of text.
    assert!(index.memory() < 200 * 1000, "{}", index.memory());
    assert!(matches!(index.attribute(7, "payload"), Some(Value::Long { bytes: 45_001, .. })));
}

#[test]
fn v32_values_are_left_out_before_the_memory_is_used_up() {
    let spans: Vec<_> = (1..=3000)
        .map(|id| {
            let mut span = span(id, 0, 10, 20);
            let text = format!("{{\"stringValue\":\"{}{id}\"}}", "x".repeat(200));
            span.attributes =
                attribute("user", &text) + "," + &attribute("route", r#"{"stringValue":"/cart"}"#);
            span
        })
        .collect();
    let text = lines(&spans);
    let all = index_of(&text);
    assert_eq!((all.values_left_out, all.is_full), (0, false));
    let index = index_with(&text, all.memory() * 4 / 5);
    assert!(
        index.values_left_out > 0 && !index.is_full,
        "{} {}",
        index.values_left_out,
        index.is_full
    );
    assert_eq!(index.spans.len(), 3000);
    assert_eq!(index.attribute(2999, "user"), Some(Value::InFile));
    assert_eq!(index.attribute(2999, "route"), Some(Value::Text("/cart")));
    assert_eq!(index.attribute(0, "user"), all.attribute(0, "user"));
    assert!(index_with(&text, all.memory() / 10).is_full);
}

/// Ids whose hashes would meet in one place of a table with a known key: multiples of a power of two.
fn ids_that_meet(count: u64) -> Vec<u64> {
    (1..=count).map(|number| number << 40).collect()
}

#[test]
fn v33_ids_that_were_chosen_to_meet_take_no_longer() {
    const COUNT: u64 = 30_000;
    let seconds = |ids: Vec<u64>| {
        let mut identities = Identities::new(&RandomState::default());
        let mut spans = Vec::new();
        let template = index_of_spans(&[span(1, 0, 10, 20)]).spans[0].clone();
        let started = Instant::now();
        for (row, id) in ids.into_iter().enumerate() {
            let content = identities::Content { start: 10, duration: 10, name: 1 };
            identities.see(&spans, (0, id), content, row as u32);
            spans.push(Span { id, ..template.clone() });
        }
        started.elapsed().as_secs_f64()
    };
    let fastest = |ids: fn(u64) -> Vec<u64>| {
        (0..3).map(|_| seconds(ids(COUNT))).fold(f64::INFINITY, f64::min)
    };
    let (plain, chosen) = (fastest(|count| (1..=count).collect()), fastest(ids_that_meet));
    // A table whose rows all meet takes a thousand times as long.
    assert!(chosen < plain * 10.0, "{chosen} s instead of {plain} s");
}

/// An index of several files, each with these spans.
fn index_of_files(files: &[&[TestSpan]]) -> Index {
    let key = RandomState::default();
    let mut index = Index::new(&key, u64::MAX);
    for (file, spans) in (0..).zip(files) {
        index.files.push(FileState::new(Input::StandardInput));
        take_in(&mut index, file, &lines(spans), &key);
    }
    index
}

fn take_in(index: &mut Index, file: u32, text: &str, key: &RandomState) {
    let mut part = Part::new(key.clone());
    let mut offset = 0;
    for line in text.lines() {
        LineParser::default().parse(line.as_bytes(), offset, true, LONGEST_VALUE, &mut part);
        offset += line.len() as u64 + 1;
    }
    index.merge(part, file);
}

/// What can be asked about the spans that are there, without the numbers of rows.
fn content_of(index: &Index) -> Vec<String> {
    let mut spans: Vec<String> = index
        .shown()
        .map(|(row, span)| {
            let trace = &index.traces[span.trace as usize];
            format!(
                "{:032x} {:016x} {} {:?} {} {} {} {:?}",
                trace.id,
                span.id,
                index.name(span),
                (span.start, span.duration, span.flags, trace.spans, trace.start, trace.end),
                index.parent_row(span).is_some(),
                index.row_of(trace.id, span.id).is_some(),
                index.rows_of(span.trace).filter(|other| *other == row).count(),
                index
                    .links
                    .iter()
                    .filter(|link| link.row == row)
                    .map(|link| link.id)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    spans.sort();
    spans
}

#[test]
fn v93_an_index_that_has_forgotten_a_file_is_one_that_never_had_it() {
    let linked = |mut span: TestSpan, to: u64| {
        span.more = format!(r#","links":[{{"traceId":"{TRACE:032x}","spanId":"{to:016x}"}}]"#);
        span
    };
    let renamed = |mut span: TestSpan, name: &str| {
        span.name = name.into();
        span
    };
    let other_trace = |mut span: TestSpan| {
        span.trace = 7;
        span
    };
    let first = [span(1, 0, 10, 90), linked(span(2, 1, 20, 95), 1), other_trace(span(9, 0, 1, 2))];
    let second =
        [span(3, 2, 30, 40), renamed(span(1, 0, 10, 90), "another"), linked(span(4, 3, 1, 2), 2)];
    let mut index = index_of_files(&[&first, &second]);
    assert!(index.spans[0].flags.has(Flags::ID_TWICE) && index.spans[4].flags.has(Flags::ID_TWICE));
    assert!(index.forget_file(0).is_empty());
    assert_eq!(content_of(&index), content_of(&index_of_files(&[&second])));
    assert_eq!((index.span_count(), index.trace_count(), index.files[0].shown), (3, 1, 0));
    assert_eq!(index.span(0), None);
    assert_eq!(index.name(index.span(3).unwrap()), "span 3", "rows keep their numbers");
    assert_eq!(index.row_of(7, 9), None);
    // What comes anew gets new rows, in traces that are known.
    let key = index.dictionary.key().clone();
    take_in(&mut index, 0, &lines(&first), &key);
    assert_eq!(content_of(&index), content_of(&index_of_files(&[&second, &first])));
    assert_eq!(index.trace_count(), 2);
}

#[test]
fn v93_a_copy_of_what_was_forgotten_has_to_be_read_anew() {
    let spans = [span(1, 0, 10, 90), span(2, 1, 20, 80)];
    let mut index = index_of_files(&[&spans, &spans[..1], &[span(3, 0, 1, 2)]]);
    assert_eq!(index.files[1].duplicates, 1);
    assert!(index.forget_file(2).is_empty());
    assert_eq!(index.forget_file(0), [1]);
    assert!(index.forget_file(1).is_empty());
    let key = index.dictionary.key().clone();
    take_in(&mut index, 1, &lines(&spans[..1]), &key);
    assert_eq!((index.span_count(), index.files[1].shown, index.files[1].duplicates), (1, 1, 0));
}

#[test]
fn v17_a_line_that_was_cut_goes_with_its_account() {
    let mut index = index_of_files(&[&[span(1, 0, 10, 90)]]);
    let line = span(2, 1, 20, 80).line();
    let key = index.dictionary.key().clone();
    for _ in 0..3 {
        let before = (content_of(&index), index.files[0].counts.clone(), index.files[0].shown);
        index.files[0].begin_cut(1000);
        let mut part = Part::new(key.clone());
        let cut = &line.as_bytes()[..line.len() - 3];
        LineParser::default().parse(cut, 1000, false, LONGEST_VALUE, &mut part);
        index.merge(part, 0);
        assert_eq!((index.span_count(), index.files[0].counts.skipped(Skipped::Cut)), (2, 1));
        assert!(index.forget_cut(0).is_empty());
        assert_eq!(
            before,
            (content_of(&index), index.files[0].counts.clone(), index.files[0].shown)
        );
        assert!(index.forget_cut(0).is_empty());
    }
}
