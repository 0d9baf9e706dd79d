use std::collections::HashMap;

use super::*;
use crate::{
    index::{Index, Span},
    test_spans::{Random, TestSpan, index_of_many, index_of_spans, span},
};

fn forest_of(index: &Index) -> Forest {
    Forest::of_all(index)
}

/// Each line of the tree: level and id; a missing parent with a minus.
fn drawn(index: &Index) -> Vec<(u32, i64)> {
    let forest = forest_of(index);
    let entry = |entry: Entry| match entry {
        Entry::MissingParent { id } => (0, -(id as i64)),
        Entry::Span { place, depth, .. } => (depth, forest.span(index, place).unwrap().id as i64),
    };
    order(index, &forest).into_iter().map(entry).collect()
}

fn circles(index: &Index) -> Vec<u64> {
    let forest = forest_of(index);
    let of = |entry: Entry| match entry {
        Entry::Span { place, mark: Mark::Circle, .. } => {
            forest.span(index, place).map(|span| span.id)
        }
        _ => None,
    };
    order(index, &forest).into_iter().filter_map(of).collect()
}

#[test]
fn v52_v53_children_come_by_their_start_below_their_parents() {
    let index = index_of_spans(&[
        span(4, 2, 30, 35),
        span(3, 1, 20, 90),
        span(2, 1, 10, 80),
        span(1, 0, 1, 100),
        span(5, 2, 15, 25),
        span(6, 77, 40, 50),
        span(7, 77, 38, 50),
        span(8, 0, 60, 70),
        span(9, 3, 20, 20),
    ]);
    let expected =
        [(0, 1), (1, 2), (2, 5), (2, 4), (1, 3), (2, 9), (0, -77), (1, 7), (1, 6), (0, 8)];
    assert_eq!(drawn(&index), expected);
}

#[test]
fn v54_a_circle_is_opened_at_its_earliest_span() {
    let index = index_of_spans(&[
        span(1, 3, 50, 60),
        span(2, 1, 40, 45),
        span(3, 2, 45, 50),
        span(4, 2, 41, 42),
        span(5, 5, 10, 20),
        span(6, 5, 12, 13),
    ]);
    assert_eq!(drawn(&index), [(0, 5), (1, 6), (0, 2), (1, 4), (1, 3), (2, 1)]);
    assert_eq!(circles(&index), [5, 2]);
}

/// Spans with any parent at all: themselves, each other, nobody, somebody who is not there.
fn random_spans(random: &mut Random, count: u64) -> Vec<TestSpan> {
    (1..=count)
        .map(|id| {
            let parent = match random.below(10) {
                0 => 0,
                1 => 1000 + random.below(3),
                _ => 1 + random.below(count),
            };
            let start = 1 + random.below(50);
            span(id, parent, start, start + random.below(40))
        })
        .collect()
}

/// The same by the definition: parents are looked for in all spans, and the function calls itself.
fn naive(index: &Index) -> Vec<(u32, i64)> {
    let mut spans: Vec<&Span> = index.spans.iter().collect();
    spans.sort_by_key(|span| span.start);
    let exists = |id: u64| spans.iter().any(|span| span.id == id);
    fn walk(spans: &[&Span], span: &Span, level: u32, out: &mut Vec<(u32, i64)>) {
        if out.iter().any(|(_, id)| *id == span.id as i64) {
            return;
        }
        out.push((level, span.id as i64));
        for child in spans.iter().filter(|child| child.parent == span.id && child.id != span.id) {
            walk(spans, child, level + 1, out);
        }
    }
    let mut out = Vec::new();
    let mut tops: Vec<(u64, u64, u64)> = Vec::new();
    for (row, span) in index.spans.iter().enumerate() {
        let is_missing = span.parent != 0 && !exists(span.parent);
        if span.parent == 0 || span.parent == span.id || is_missing {
            tops.push((span.start, row as u64, if is_missing { span.parent } else { 0 }));
        }
    }
    let first_of = |missing: u64| tops.iter().filter(|top| top.2 == missing).map(|top| top.1).min();
    let start_of = |missing: u64| tops.iter().filter(|top| top.2 == missing).map(|top| top.0).min();
    let mut keys: Vec<(u64, u64, u64)> = tops
        .iter()
        .map(|top| {
            if top.2 == 0 {
                *top
            } else {
                (start_of(top.2).unwrap(), first_of(top.2).unwrap(), top.2)
            }
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    for (_, row, missing) in keys {
        if missing == 0 {
            walk(&spans, &index.spans[row as usize], 0, &mut out);
            continue;
        }
        out.push((0, -(missing as i64)));
        for span in spans.iter().filter(|span| span.parent == missing) {
            walk(&spans, span, 1, &mut out);
        }
    }
    for span in &index.spans {
        // Up as many times as there are spans: then it is in the circle.
        let parent =
            |id: u64| spans.iter().find(|span| span.id == id).map_or(id, |span| span.parent);
        if out.iter().any(|(_, id)| *id == span.id as i64) {
            continue;
        }
        let mut inside = span.id;
        for _ in 0..index.spans.len() {
            inside = parent(inside);
        }
        let mut circle = vec![inside];
        while parent(*circle.last().unwrap()) != inside {
            circle.push(parent(*circle.last().unwrap()));
        }
        let earliest = index
            .spans
            .iter()
            .filter(|span| circle.contains(&span.id))
            .min_by_key(|span| span.start);
        walk(&spans, earliest.unwrap(), 0, &mut out);
    }
    out
}

#[test]
fn v52_v54_random_graphs_are_drawn_as_by_the_definition() {
    let mut random = Random(0x5eed_1234_5678_9abc);
    for _ in 0..500 {
        let count = 1 + random.below(14);
        let spans = random_spans(&mut random, count);
        let index = index_of_spans(&spans);
        assert_eq!(drawn(&index), naive(&index), "{spans:#?}");
    }
}

#[test]
fn v52_a_chain_and_a_fan_of_any_length_need_no_stack() {
    // A function that calls itself so often needs more than the stack below.
    const COUNT: u64 = 50_000;
    let build = |parent: fn(u64) -> u64| {
        index_of_many((1..=COUNT).map(|id| span(id, parent(id), id, COUNT * 2 - id)))
    };
    let check = move || {
        for (parent, deepest) in
            [((|id| id - 1) as fn(u64) -> u64, COUNT as u32 - 1), (|id| u64::from(id > 1), 1)]
        {
            let index = build(parent);
            let forest = forest_of(&index);
            let entries = order(&index, &forest);
            assert_eq!(entries.len() as u64, COUNT);
            let depth =
                |entry: &Entry| matches!(entry, Entry::Span { depth, .. } if *depth == deepest);
            assert!(entries.last().is_some_and(depth));
            let total: u64 = critical_path(&index, &forest, 0, &mut Visited::new(&forest))
                .iter()
                .map(|piece| piece.end - piece.start)
                .sum();
            assert_eq!(total, index.spans[0].duration);
            assert_eq!(self_times(&index, &forest).len() as u64, COUNT);
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap().join().unwrap();
}

#[test]
fn v49_self_time_is_what_no_child_covers() {
    let of = |spans: &[TestSpan]| {
        let index = index_of_spans(spans);
        self_times(&index, &forest_of(&index))[0]
    };
    let root = span(1, 0, 100, 200);
    assert_eq!(of(std::slice::from_ref(&root)), 100);
    assert_eq!(of(&[root.clone(), span(2, 1, 110, 130), span(3, 1, 120, 140)]), 70);
    assert_eq!(of(&[root.clone(), span(2, 1, 50, 110), span(3, 1, 190, 300)]), 80);
    assert_eq!(of(&[root.clone(), span(2, 1, 50, 300), span(3, 1, 120, 130)]), 0);
    assert_eq!(of(&[root, span(2, 1, 110, 150), span(3, 1, 120, 130), span(4, 1, 300, 400)]), 60);
}

#[test]
fn v49_self_times_of_a_tree_without_overlap_are_its_root() {
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..100 {
        // Each span is cut from the free time behind the last child of its parent.
        let mut spans = vec![span(1, 0, 1000, 1000 + random.below(1_000_000))];
        let mut free: HashMap<u64, (u64, u64)> =
            HashMap::from([(1, (spans[0].start, spans[0].end))]);
        for id in 2..2 + random.below(30) {
            let parent = 1 + random.below(id - 1);
            let (from, to) = free[&parent];
            let start = from + random.below(to - from + 1);
            let end = start + random.below(to - start + 1);
            free.insert(parent, (end, to));
            free.insert(id, (start, end));
            spans.push(span(id, parent, start, end));
        }
        let index = index_of_spans(&spans);
        let total: u64 = self_times(&index, &forest_of(&index)).iter().sum();
        assert_eq!(total, index.spans[0].duration, "{spans:#?}");
    }
}

/// Ids and lengths of the pieces.
fn path(spans: &[TestSpan]) -> Vec<(u64, u64)> {
    let index = index_of_spans(spans);
    let forest = forest_of(&index);
    let pieces = critical_path(&index, &forest, 0, &mut Visited::new(&forest));
    let id = |place| forest.span(&index, place).unwrap().id;
    pieces.iter().map(|piece| (id(piece.place), piece.end - piece.start)).collect()
}

#[test]
fn v57_the_path_goes_backwards_through_the_children_that_ended_last() {
    let root = span(1, 0, 100, 200);
    assert_eq!(
        path(&[root.clone(), span(2, 1, 110, 150), span(3, 1, 120, 190)]),
        [(1, 20), (3, 70), (1, 10)]
    );
    assert_eq!(
        path(&[root.clone(), span(2, 1, 110, 150), span(3, 1, 150, 190)]),
        [(1, 10), (2, 40), (3, 40), (1, 10)]
    );
    assert_eq!(
        path(&[root.clone(), span(2, 1, 150, 300), span(3, 2, 160, 290)]),
        [(1, 50), (2, 10), (3, 40)]
    );
    assert_eq!(path(&[root.clone(), span(2, 1, 50, 100)]), [(1, 100)]);
    assert_eq!(path(&[root, span(2, 1, 50, 120)]), [(2, 20), (1, 80)]);
}

#[test]
fn v57_the_pieces_are_in_order_and_together_as_long_as_the_root() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..500 {
        let count = 1 + random.below(14);
        let spans = random_spans(&mut random, count);
        let index = index_of_spans(&spans);
        let forest = forest_of(&index);
        for (place, root) in index.spans.iter().enumerate() {
            let pieces = critical_path(&index, &forest, place as u32, &mut Visited::new(&forest));
            let mut at = root.start;
            for piece in &pieces {
                assert!(piece.start == at && piece.end > piece.start, "{pieces:?} {spans:#?}");
                at = piece.end;
            }
            assert_eq!(at, root.end(), "{pieces:?} {spans:#?}");
        }
    }
}
