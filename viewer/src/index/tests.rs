use std::time::Instant;

use super::{identities::Identities, *};
use crate::{
    span_flags::Flags,
    test_spans::{TRACE, attribute, index_of, index_of_spans, index_with, lines, span},
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
