use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    questions::{
        critical_path::check,
        skeleton::{LIMITS, Limits, piece},
        tree::Tree,
    },
    test_spans::{Random, attribute, index_of_many, index_of_spans, span},
    tree::{Visited, critical_path},
};

/// A piece of a skeleton, as the page reads it.
#[derive(Debug)]
struct Piece {
    rows: u32,
    from: u32,
    all: u32,
    spans: u32,
    tick: u32,
    generation: u32,
    start: u64,
    end: u64,
    columns: Vec<Vec<u32>>,
    texts: Value,
}

fn read(bytes: &[u8]) -> Piece {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!((&bytes[..4], number(4)), (&b"OLSK"[..], 1));
    let rows = number(8) as usize;
    let (arrays, texts) = (number(48) as usize, number(52) as usize);
    assert_eq!((arrays, bytes.len()), (rows * 28, 64 + arrays + texts));
    let mut columns: Vec<Vec<u32>> = (0..6)
        .map(|column| (0..rows).map(|row| number(64 + column * rows * 4 + row * 4)).collect())
        .collect();
    for column in 0..2 {
        let from = 64 + rows * 24 + column * rows * 2;
        let short =
            |row: usize| u16::from_le_bytes(bytes[from + row * 2..][..2].try_into().unwrap());
        columns.push((0..rows).map(|row| short(row).into()).collect());
    }
    Piece {
        rows: number(8),
        from: number(12),
        all: number(16),
        spans: number(20),
        tick: number(24),
        generation: number(28),
        start: long(32),
        end: long(40),
        columns,
        texts: serde_json::from_slice(&bytes[64 + arrays..]).unwrap(),
    }
}

fn skeleton(index: &Index, cache: &mut Cache, question: &str) -> Result<Piece, u16> {
    let reply = reply(index, cache, 1, question);
    match reply.kind {
        Kind::Binary => Ok(read(&reply.body)),
        _ => Err(reply.status),
    }
}

fn tree_of(index: &Index) -> Tree {
    let with = Parameters::default();
    let is_cancelled = AtomicBool::new(false);
    let asked =
        Asked { index, reading: Reading::default(), with: &with, is_cancelled: &is_cancelled };
    Tree::new(&asked, 0, 3).unwrap_or_else(|_| panic!())
}

#[test]
fn v59_a_skeleton_has_the_rows_of_the_tree_with_times_names_and_marks() {
    let mut root = span(1, 0, 1000, 2000);
    root.status = 2;
    let mut elsewhere = span(2, 1, 900, 2100);
    elsewhere.service = "orders".into();
    elsewhere.more = r#","events":[{"name":"e"}],"links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"0000000000000001"}]"#.into();
    let mut circle = span(7, 7, 1500, 1600);
    circle.name = "span 1".into();
    let index = index_of_spans(&[
        root,
        elsewhere,
        span(3, 2, 1000, 900),
        span(4, 99, 1200, 1300),
        span(5, 99, 1250, 1700),
        circle,
        span(6, 1, 0, 0),
    ]);
    let piece =
        skeleton(&index, &mut Cache::default(), "skeleton?trace=4bf92f3577b34da6a3ce929d0e0e4736")
            .unwrap();
    assert_eq!((piece.rows, piece.from, piece.all, piece.spans, piece.tick), (8, 0, 8, 7, 1));
    assert_eq!((piece.start, piece.end, piece.generation), (900, 2100, 1));
    let [starts, durations, sizes, depths, rows, names, resources, flags] =
        <[Vec<u32>; 8]>::try_from(piece.columns).unwrap();
    assert_eq!(depths, [0, 1, 1, 2, 0, 1, 1, 0]);
    assert_eq!(rows, [0, 6, 1, 2, u32::MAX, 3, 4, 5]);
    assert_eq!(sizes, [4, 1, 2, 1, 3, 1, 1, 1]);
    assert_eq!(starts, [100, 0, 0, 100, 300, 300, 350, 600]);
    assert_eq!(durations, [1000, 0, 1200, 0, 500, 100, 450, 100]);
    assert_eq!(resources, [0, 0, 1, 0, 0, 0, 0, 0]);
    let server = 2 << 12;
    assert_eq!(
        flags,
        [
            1 | server,
            512 | server,
            16 | 32 | 64 | 1024 | 2048 | server,
            64 | 256 | server,
            4,
            server,
            server,
            8 | server
        ]
    );
    let told = ["span 1", "span 6", "span 2", "span 3", "0000000000000063", "span 4", "span 5"];
    assert_eq!(piece.texts["names"], serde_json::json!(told));
    assert_eq!(
        piece.texts["resources"],
        serde_json::json!([{"service": "shop"}, {"service": "orders"}])
    );
    assert_eq!(names, [0, 1, 2, 3, 4, 5, 6, 0]);
}

#[test]
fn v59_pieces_put_together_are_the_whole_tree() {
    let mut random = Random(8);
    for count in [1, 40, 300] {
        let spans: Vec<TestSpan> = (1..=count)
            .map(|id| {
                let start = 1000 + random.below(5000);
                let mut span = span(id, random.below(id), start, start + random.below(500));
                span.name = format!("name {}", random.below(count / 2 + 1));
                span.service = format!("service {}", random.below(20));
                span
            })
            .collect();
        let index = index_of_spans(&spans);
        let tree = tree_of(&index);
        let whole = read(&piece(&index, &tree, 0, &Limits { first: 9999, ..LIMITS }));
        let limits = Limits { first: 7, next: 31, all: 1_000_000 };
        let (mut from, mut names, mut resources) = (0, Vec::new(), Vec::new());
        let mut columns = vec![Vec::new(); 8];
        loop {
            let next = read(&piece(&index, &tree, from, &limits));
            if next.rows == 0 {
                break;
            }
            assert_eq!((next.from, next.all, next.generation), (from, whole.all, 3));
            from += next.rows;
            names.extend(list(&next.texts["names"]).clone());
            resources.extend(list(&next.texts["resources"]).clone());
            // Nothing is named before it is told.
            assert!(next.columns[5].iter().all(|name| (*name as usize) < names.len()));
            assert!(next.columns[6].iter().all(|number| (*number as usize) < resources.len()));
            for (column, more) in columns.iter_mut().zip(next.columns) {
                column.extend(more);
            }
        }
        assert_eq!(columns, whole.columns);
        assert_eq!(Value::from(names), whole.texts["names"]);
        assert_eq!(Value::from(resources), whole.texts["resources"]);
        // The size of a subtree is what the depths say.
        let (sizes, depths) = (&columns[2], &columns[3]);
        for (row, depth) in depths.iter().enumerate() {
            let below = depths[row + 1..].iter().take_while(|other| *other > depth).count();
            assert_eq!(sizes[row] as usize, below + 1);
        }
    }
}

static CLOCK: Mutex<Option<Instant>> = Mutex::new(None);

fn set_clock() -> Instant {
    CLOCK.lock().unwrap().unwrap()
}

#[test]
fn v59_v96_a_tree_stays_until_it_is_asked_for_anew_a_second_later() {
    *CLOCK.lock().unwrap() = Some(Instant::now());
    let pass = |millis| {
        let mut clock = CLOCK.lock().unwrap();
        *clock = clock.map(|now| now + Duration::from_millis(millis));
    };
    let mut index = index_of_spans(&[span(1, 0, 10, 50)]);
    let mut cache = Cache::default();
    cache.now = set_clock;
    let first = skeleton(&index, &mut cache, "skeleton?trace=key:0").unwrap();
    append(&mut index, &[span(2, 1, 20, 30)]);
    pass(900);
    let early = skeleton(&index, &mut cache, "skeleton?trace=key:0").unwrap();
    assert_eq!((early.generation, early.all), (first.generation, 1));
    pass(200);
    let same = format!("skeleton?trace=key:0&from=1&generation={}", first.generation);
    assert_eq!(skeleton(&index, &mut cache, &same).unwrap().all, 1);
    let second = skeleton(&index, &mut cache, "skeleton?trace=key:0").unwrap();
    assert_eq!((second.generation, second.all), (first.generation + 1, 2));
    // What is asked about the tree before is refused, and the page begins anew.
    assert_eq!(skeleton(&index, &mut cache, &same).unwrap_err(), 409);
    let path = format!("critical-path?trace=key:0&generation={}", first.generation);
    assert_eq!(ask_at(&index, &mut cache, 1, &path).0, 409);
    // Without another span it stays, however long that takes.
    pass(60_000);
    let last = skeleton(&index, &mut cache, "skeleton?trace=key:0").unwrap();
    assert_eq!(last.generation, second.generation);
}

#[test]
fn v60_of_a_tree_that_is_too_large_the_first_rows_are_given() {
    let index = index_of_many((1..=500).map(|id| span(id, id - 1, 10 + id, 2000 - id)));
    let tree = tree_of(&index);
    let limits = Limits { first: 30, next: 100, all: 200 };
    let first = read(&piece(&index, &tree, 0, &limits));
    assert_eq!((first.rows, first.all, first.spans), (30, 500, 500));
    assert_eq!(first.columns[2][..3], [200, 199, 198]);
    let last = read(&piece(&index, &tree, 130, &limits));
    assert_eq!((last.from, last.rows), (130, 70));
    assert_eq!(read(&piece(&index, &tree, 200, &limits)).rows, 0);
    assert_eq!(read(&piece(&index, &tree, 4_000_000_000, &limits)).rows, 0);
    assert_eq!(LIMITS.all, 2_000_000);
    // Others see all of it.
    assert_eq!(
        ask(&index, "find?trace=key:0&text=span 500")["positions"],
        serde_json::json!([499])
    );
    assert_eq!(ask(&index, "traces?filter=name=\"span 500\"")["matchedSpans"], 1);
}

#[test]
fn a_long_trace_is_told_in_ticks() {
    let second = 1_000_000_000;
    let start = 1_795_298_340 * second;
    let spans = [
        span(1, 0, start, start + 3600 * second),
        span(2, 1, start + 5 * second, start + 3599 * second),
    ];
    let piece =
        skeleton(&index_of_spans(&spans), &mut Cache::default(), "skeleton?trace=key:0").unwrap();
    assert_eq!(piece.tick, 839);
    assert!(3600 * second / 838 > u32::MAX.into());
    for (row, span) in spans.iter().enumerate() {
        let (from, length) = (u64::from(piece.columns[0][row]), u64::from(piece.columns[1][row]));
        assert_eq!(from, (span.start - start) / 839);
        assert_eq!(from + length, (span.end - start) / 839);
    }
}

#[test]
fn v57_v58_the_path_of_each_root_adds_up_or_an_error_is_told() {
    let index = index_of_spans(&[
        span(1, 0, 100, 200),
        span(2, 1, 110, 150),
        span(3, 1, 140, 190),
        span(4, 2, 120, 130),
        span(5, 77, 300, 340),
        span(6, 5, 310, 320),
    ]);
    let answer = ask(&index, "critical-path?trace=key:0");
    let expected = serde_json::json!([
        {"position": 0, "pieces": [[0, 0, 40], [3, 40, 50], [0, 90, 10]]},
        {"position": 5, "pieces": [[5, 200, 10], [6, 210, 10], [5, 220, 20]]},
    ]);
    assert_eq!((&answer["roots"], &answer["omitted"]), (&expected, &Value::from(0)), "{answer}");
    assert_eq!(answer["error"], Value::Null);
}

#[test]
fn v58_a_path_that_does_not_add_up_is_an_error() {
    let index = index_of_spans(&[span(1, 0, 100, 200), span(2, 1, 110, 150)]);
    let tree = tree_of(&index);
    let mut pieces = critical_path(&index, &tree.forest, 0, &mut Visited::new(&tree.forest));
    assert_eq!((pieces.len(), check(&index, &tree, 0, &pieces)), (3, Ok(())));
    pieces.pop();
    let error = check(&index, &tree, 0, &pieces).unwrap_err();
    assert!(error.contains("the span 0000000000000001 cannot be computed"), "{error}");
    pieces.clear();
    assert!(check(&index, &tree, 0, &pieces).is_err());
}

#[test]
fn v51_v57_of_a_path_with_very_many_pieces_the_longest_are_told() {
    let children = (2..30_000).map(|id| span(id, 1, id * 100, id * 100 + 40 + id % 50));
    let index = index_of_many(std::iter::once(span(1, 0, 1, 4_000_000)).chain(children));
    let answer = ask(&index, "critical-path?trace=key:0");
    let pieces = list(&answer["roots"][0]["pieces"]);
    let omitted = answer["omitted"].as_u64().unwrap() as usize;
    assert!(pieces.len() > 15_000 && pieces.len() <= 20_000, "{}", pieces.len());
    assert_eq!(pieces.len() + omitted, 2 * 29_998 + 1);
    let shortest = pieces.iter().map(|piece| piece[2].as_u64().unwrap()).min().unwrap();
    assert!(shortest >= 50, "{shortest}");
    let starts: Vec<u64> = pieces.iter().map(|piece| piece[1].as_u64().unwrap()).collect();
    assert!(starts.is_sorted());
}

#[test]
fn a_text_is_found_at_its_positions_in_the_tree() {
    let mut odd = span(3, 1, 30, 40);
    odd.attributes = attribute("note", r#"{"stringValue":"Declined by the bank"}"#);
    let mut elsewhere = span(9, 0, 30, 40);
    elsewhere.trace += 1;
    elsewhere.name = "declined".into();
    let index = index_of_spans(&[odd, span(2, 1, 20, 30), span(1, 0, 10, 50), elsewhere]);
    let found = |text: &str| ask(&index, &format!("find?trace=key:0&text={text}"));
    assert_eq!(found("declined")["positions"], serde_json::json!([2]));
    assert_eq!(found("span")["positions"], serde_json::json!([0, 1, 2]));
    assert_eq!(found("0000000000000002")["positions"], serde_json::json!([1]));
    assert_eq!(
        (&found("nothing")["count"], &found("span")["count"]),
        (&Value::from(0), &Value::from(3))
    );
}
