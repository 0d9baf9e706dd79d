use super::*;
use crate::{
    index::Index,
    test_spans::{Random, TestSpan, attribute, index_of_spans, span},
};

fn block(id: u64, parent: u64, start: u64, end: u64, function: &str, is_ongoing: bool) -> TestSpan {
    let mut block = span(id, parent, start, end);
    block.name = "event-loop-blocked".into();
    block.scope = "offloop/event-loop-monitor".into();
    let text = |text: &str| format!("{{\"stringValue\":\"{text}\"}}");
    block.attributes = [
        attribute("event_loop.block.cpu_ms", r#"{"doubleValue":1.5}"#),
        attribute("event_loop.block.gc_ms", r#"{"intValue":2}"#),
        attribute("event_loop.block.cause", &text("cpu")),
        attribute("event_loop.block.ongoing", &format!("{{\"boolValue\":{is_ongoing}}}")),
        attribute("code.function.name", &text(function)),
        attribute("code.file.path", &text("/app/shop.js")),
        attribute("code.line.number", r#"{"intValue":12}"#),
    ]
    .join(",");
    block
}

fn with_link(mut from: TestSpan, to: u64) -> TestSpan {
    from.more = format!(r#","links":[{{"traceId":"{:032x}","spanId":"{to:016x}"}}]"#, from.trace);
    from
}

#[test]
fn v63_an_ongoing_block_goes_when_its_end_is_there() {
    let mut impostor = span(9, 0, 10, 20);
    impostor.name = "event-loop-blocked".into();
    let spans = [
        block(1, 0, 100, 150, "parse", true),
        with_link(block(2, 0, 100, 400, "parse", false), 1),
        block(3, 0, 500, 600, "render", true),
        with_link(span(4, 0, 500, 600), 3),
        impostor,
    ];
    let index = index_of_spans(&spans);
    assert_eq!(blocks::block_rows(&index), [1, 2]);
}

#[test]
fn v63_a_block_counts_once_by_its_end_or_while_that_is_missing() {
    let spans = [
        block(1, 0, 100, 150, "parse", true),
        with_link(block(2, 0, 100, 400, "parse", false), 1),
        block(3, 0, 500, 600, "render", true),
        with_link(span(4, 0, 500, 600), 3),
    ];
    let index = index_of_spans(&spans);
    assert_eq!(with_blocks_once(&index, index.rows().collect()), [1, 2, 3]);
    // A filter may have left the end out.
    assert_eq!(with_blocks_once(&index, vec![0, 2]), [0, 2]);
    let own = vec![0; 4];
    let rows = with_blocks_once(&index, index.rows().collect());
    let groups = latency(&index, &By::Operation, &mut rows.into_iter(), &own);
    let blocks = groups.iter().find(|group| group.name == "event-loop-blocked").unwrap();
    assert_eq!((blocks.count, blocks.p50, blocks.longest), (2, 100, 300));
}

#[test]
fn v64_blocks_are_counted_by_their_line_of_code() {
    let spans = [
        block(1, 0, 100, 150, "parse", false),
        block(2, 0, 200, 400, "parse", false),
        block(3, 0, 500, 600, "render", false),
    ];
    let lines = block_lines(&index_of_spans(&spans));
    let facts: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.at.function.as_str(),
                line.at.place.as_str(),
                line.count,
                line.total,
                line.longest,
                line.last,
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("parse", "/app/shop.js:12", 2, 250, 200, 200),
            ("render", "/app/shop.js:12", 1, 100, 100, 500)
        ]
    );
    assert_eq!(
        (lines[0].cpu, lines[0].gc, lines[0].at.cause.as_str()),
        (3_000_000, 4_000_000, "cpu")
    );
}

fn groups(index: &Index, by: &By) -> Vec<Group> {
    let own = crate::tree::self_times(index, &crate::tree::Forest::of_all(index));
    latency(index, by, &mut index.rows(), &own)
}

/// By the definition: every span against every block.
fn naive_held_up(index: &Index, row: u32) -> Vec<(u64, u32)> {
    let block = index.span(row).unwrap();
    let mut ancestors = Vec::new();
    let mut next = index.parent_row(block);
    while let Some(row) = next.filter(|row| !ancestors.contains(row)) {
        ancestors.push(row);
        next = index.parent_row(index.span(row).unwrap());
    }
    let mut open: Vec<(u64, u32)> = (0..index.spans.len() as u32)
        .filter(|other| {
            !ancestors.contains(other) && !blocks::rows_of_reports(index).contains(other)
        })
        .filter_map(|other| {
            let span = index.span(other).unwrap();
            let overlap = span.end().min(block.end()).checked_sub(span.start.max(block.start))?;
            (span.resource == block.resource && overlap > 0).then_some((overlap, other))
        })
        .collect();
    open.sort_by_key(|(overlap, row)| (std::cmp::Reverse(*overlap), *row));
    open
}

#[test]
fn v65_a_block_that_was_reported_while_it_went_on_is_not_open_beside_itself() {
    let spans = [
        block(1, 0, 100, 150, "parse", true),
        with_link(block(2, 0, 100, 400, "parse", false), 1),
        span(3, 0, 120, 200),
    ];
    let index = index_of_spans(&spans);
    let held = held_up(&index, &blocks::block_rows(&index));
    assert_eq!(held[0].open.iter().map(|open| open.row).collect::<Vec<_>>(), [2]);
}

#[test]
fn v65_what_was_open_in_the_same_process_is_found_and_the_ancestors_are_apart() {
    let mut random = Random(0xfeed_beef_1234_5678);
    for _ in 0..200 {
        let mut spans = Vec::new();
        for id in 1..=20 {
            let start = 1 + random.below(100);
            let mut made = match random.below(5) {
                0 => block(id, random.below(20), start, start + random.below(60), "parse", false),
                _ => span(id, random.below(20), start, start + random.below(60)),
            };
            made.service = format!("service {}", random.below(2));
            made.trace += u128::from(random.below(2));
            spans.push(made);
        }
        let index = index_of_spans(&spans);
        let rows = blocks::block_rows(&index);
        for (row, held) in rows.iter().zip(held_up(&index, &rows)) {
            let open: Vec<(u64, u32)> =
                held.open.iter().map(|open| (open.overlap, open.row)).collect();
            assert_eq!(open, naive_held_up(&index, *row), "{spans:#?}");
            assert!(
                held.ancestors.iter().all(|ancestor| open.iter().all(|(_, row)| row != ancestor))
            );
        }
    }
}

#[test]
fn v46_spans_are_grouped_by_what_is_asked_for() {
    let mut spans: Vec<TestSpan> = (1..=100).map(|id| span(id, 0, 1000, 1000 + id)).collect();
    for (number, span) in spans.iter_mut().enumerate() {
        span.name = if number < 90 { "GET /cart".into() } else { "GET /slow".into() };
        span.service = if number % 2 == 0 { "shop".into() } else { "orders".into() };
        span.status = if number == 99 { 2 } else { 0 };
        span.attributes = attribute("n", &format!("{{\"intValue\":{}}}", number % 4));
    }
    let index = index_of_spans(&spans);
    let of = |by: By| -> Vec<(String, u64, u64, u64)> {
        groups(&index, &by)
            .iter()
            .map(|group| {
                (
                    group.service.clone().unwrap_or_default() + "|" + &group.name,
                    group.count,
                    group.errors,
                    group.p50,
                )
            })
            .collect()
    };
    let operations = of(By::Operation);
    assert_eq!(operations[0], ("orders|GET /cart".into(), 45, 0, 46));
    assert_eq!(operations.iter().map(|group| group.1).sum::<u64>(), 100);
    assert_eq!(of(By::Service), [("|orders".into(), 50, 1, 50), ("|shop".into(), 50, 0, 49)]);
    assert_eq!(of(By::Kind), [("|server".into(), 100, 1, 50)]);
    assert_eq!(of(By::File), [("|standard input".into(), 100, 1, 50)]);
    assert_eq!(
        of(By::Key("n".into())).iter().map(|group| (group.0.as_str(), group.1)).collect::<Vec<_>>(),
        [("|3", 25), ("|2", 25), ("|1", 25), ("|0", 25)]
    );
    assert_eq!(of(By::Key("service.name".into())).len(), 2);
    assert_eq!(of(By::Key("missing".into())), []);
}

#[test]
fn v46_percentiles_are_those_of_a_sorted_list() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    for _ in 0..50 {
        let mut durations: Vec<u64> =
            (0..1 + random.below(300)).map(|_| random.below(1000)).collect();
        let spans: Vec<TestSpan> = durations
            .iter()
            .zip(1..)
            .map(|(duration, id)| span(id, 0, 5000, 5000 + duration))
            .collect();
        let groups = groups(&index_of_spans(&spans), &By::Service);
        durations.sort_unstable();
        // The definition: the smallest value that so many per cent are not above.
        let not_above =
            |value: u64| durations.iter().filter(|duration| **duration <= value).count();
        let rank = |percent: usize| {
            *durations
                .iter()
                .find(|value| not_above(**value) * 100 >= percent * durations.len())
                .unwrap()
        };
        assert_eq!([groups[0].p50, groups[0].p95, groups[0].p99], [50, 95, 99].map(rank));
    }
}

#[test]
fn v45_the_root_is_the_earliest_span_without_a_parent() {
    let index = index_of_spans(&[span(1, 2, 5, 50), span(2, 0, 10, 50), span(3, 0, 12, 20)]);
    assert_eq!(root(&index, 0), (1, true));
    let index = index_of_spans(&[span(1, 77, 15, 50), span(2, 77, 10, 50)]);
    assert_eq!(root(&index, 0), (1, false));
    assert_eq!(services(&index, 0).len(), 1);
}
