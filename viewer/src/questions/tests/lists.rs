use super::*;
use crate::test_spans::{Random, attribute, index_of_spans, span};

/// A span of the trace with this number, which is its root if it has no parent.
fn of_trace(trace: u64, id: u64, start: u64, end: u64) -> TestSpan {
    let mut span = span(id, u64::from(id > 1), start, end);
    span.trace = (u128::from(trace) << 64) | 7;
    span
}

#[test]
fn v44_v45_a_list_names_the_root_and_what_is_in_the_trace() {
    let mut failed = span(2, 1, 20, 30);
    failed.status = 2;
    failed.service = "orders".into();
    let mut orphan = of_trace(9, 5, 60, 70);
    orphan.parent = 4;
    let index = index_of_spans(&[failed, span(1, 0, 10, 50), orphan]);
    let answer = ask(&index, "traces?sort=start&order=asc");
    let expected = serde_json::json!({
        "generation": 1, "traces": 2, "matchedSpans": 3, "notSearched": 0, "items": [
            {"id": "4bf92f3577b34da6a3ce929d0e0e4736", "key": 0, "service": "shop", "name": "span 1",
             "start": "10", "duration": 40, "spans": 2, "errors": 1, "services": ["orders", "shop"],
             "serviceCount": 2, "blocks": 0, "matched": 2, "marks": []},
            {"id": "00000000000000090000000000000007", "key": 1, "service": "shop", "name": "span 5",
             "start": "60", "duration": 10, "spans": 1, "errors": 0, "services": ["shop"],
             "serviceCount": 1, "blocks": 0, "matched": 1, "marks": ["parent missing"]},
        ]
    });
    assert_eq!(answer, expected);
}

#[test]
fn v43_one_span_meets_all_terms_of_spans_and_the_trace_those_of_traces() {
    let mut slow = of_trace(1, 1, 10, 500);
    slow.attributes = attribute("route", r#"{"stringValue":"/cart"}"#);
    let mut failed = of_trace(1, 2, 20, 30);
    failed.status = 2;
    let mut both = of_trace(2, 1, 10, 500);
    both.attributes = attribute("route", r#"{"stringValue":"/cart"}"#);
    both.status = 2;
    let index =
        index_of_spans(&[slow, failed, both, of_trace(2, 2, 20, 30), of_trace(2, 3, 20, 30)]);
    let found = |filter: &str| {
        let answer = ask(&index, &format!("traces?order=asc&filter={filter}"));
        let items = list(&answer["items"]);
        let keys: Vec<u64> = items.iter().map(|item| item["key"].as_u64().unwrap()).collect();
        (
            keys,
            answer["matchedSpans"].as_u64().unwrap(),
            items.iter().map(|item| item["matched"].as_u64().unwrap()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(found("route=/cart"), (vec![0, 1], 2, vec![1, 1]));
    // No span of the first trace is an error at /cart.
    assert_eq!(found("route=/cart status=error"), (vec![1], 1, vec![1]));
    assert_eq!(found("trace.spans>2"), (vec![1], 3, vec![3]));
    assert_eq!(found("status=error trace.spans<3"), (vec![0], 1, vec![1]));
    assert_eq!(found("status=error trace.spans>3"), (vec![], 0, vec![]));
}

#[test]
fn v44_pages_neither_skip_nor_repeat_while_spans_arrive() {
    let mut random = Random(17);
    for sort in ["start", "duration", "spans", "errors", "name"] {
        for order in ["asc", "desc"] {
            let first: Vec<TestSpan> = (0..200)
                .map(|trace| of_trace(trace, 2, 1000 + random.below(500), 1600 + random.below(99)))
                .collect();
            let mut index = index_of_spans(&first);
            let mut cache = Cache::default();
            let (mut seen, mut cursor, mut generation) = (Vec::new(), String::new(), 1);
            loop {
                let limit = 1 + random.below(40);
                let question = format!("traces?sort={sort}&order={order}&limit={limit}{cursor}");
                let (status, answer) = ask_at(&index, &mut cache, generation, &question);
                assert_eq!(status, 200);
                assert_eq!(answer["traces"], 200);
                seen.extend(
                    list(&answer["items"]).iter().map(|item| item["key"].as_u64().unwrap()),
                );
                let Some(next) = answer["cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
                // New traces, and roots and errors of those that are in the list.
                generation += 1;
                let more: Vec<TestSpan> = (0..random.below(30))
                    .map(|number| {
                        let trace = random.below(240);
                        let id = if random.below(2) == 0 { 1 } else { 1000 * generation + number };
                        let mut span = of_trace(trace, id, 500 + random.below(900), 2000);
                        span.status = random.below(3) as u8;
                        span
                    })
                    .collect();
                append(&mut index, &more);
            }
            let mut sorted = seen.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..200).collect::<Vec<u64>>(), "{sort} {order}");
        }
    }
}

#[test]
fn v44_every_order_is_what_it_says() {
    let spans: Vec<TestSpan> = (0..30)
        .map(|trace| {
            let mut span = of_trace(trace, 1, 100 + trace * 7 % 30, 300 + trace * 11 % 30);
            span.name = format!("name {}", trace * 13 % 30);
            span.status = (trace % 3) as u8;
            span
        })
        .collect();
    let index = index_of_spans(&spans);
    for (sort, member) in [
        ("start", "start"),
        ("duration", "duration"),
        ("spans", "spans"),
        ("errors", "errors"),
        ("name", "name"),
    ] {
        let answer = ask(&index, &format!("traces?sort={sort}&order=asc&limit=500"));
        let keys: Vec<String> =
            list(&answer["items"]).iter().map(|item| item[member].to_string()).collect();
        let mut sorted = keys.clone();
        sorted.sort_by_key(|key| (key.trim_matches('"').parse::<u64>().unwrap_or(0), key.clone()));
        assert_eq!(keys, sorted, "{sort}");
        assert_eq!(keys.len(), 30);
        let back = ask(&index, &format!("traces?sort={sort}&order=desc&limit=500"));
        let mut keys: Vec<String> =
            list(&back["items"]).iter().map(|item| item[member].to_string()).collect();
        keys.reverse();
        assert_eq!(keys, sorted, "{sort}");
    }
}

#[test]
fn v44_an_order_that_is_not_kept_any_more_is_said() {
    let spans: Vec<TestSpan> = (0..9).map(|trace| of_trace(trace, 1, 10, 20)).collect();
    let index = index_of_spans(&spans);
    let mut cache = Cache::default();
    let (_, first) = ask_at(&index, &mut cache, 1, "traces?limit=2");
    let question = format!("traces?limit=2&cursor={}", first["cursor"].as_str().unwrap());
    assert_eq!(ask_at(&index, &mut cache, 1, &question).0, 200);
    for _ in 0..8 {
        ask_at(&index, &mut cache, 1, "traces?limit=2");
    }
    assert_eq!(ask_at(&index, &mut cache, 1, &question).0, 409);
}

#[test]
fn v51_no_answer_is_larger_than_a_mebibyte_whatever_the_spans_hold() {
    let spans: Vec<TestSpan> = (0..3000)
        .map(|id| {
            let mut span = of_trace(id / 2, id, 100 + id, 200 + id * 3);
            // Characters that JSON writes with six bytes.
            span.name = format!("{}{id}", r"\u0001".repeat(240));
            span.service = format!("{}{}", r"\u0002".repeat(240), id % 700);
            let value = format!(r#"{{"stringValue":"{}{id}"}}"#, r"\u0003".repeat(240));
            let keys = (0..3).map(|key| attribute(&format!("{key} {}", id % 200), &value));
            span.attributes = keys.collect::<Vec<_>>().join(",");
            span
        })
        .collect();
    let index = index_of_spans(&spans);
    let question = |name: &str| ask(&index, name);
    assert!(list(&question("traces?limit=500")["items"]).len() > 50);
    assert!(question("latency")["more"].as_u64().unwrap() > 2000);
    assert!(list(&question("facets")["keys"]).len() > 5);
    question("histogram");
    question("timeline?buckets=1000");
    question("files");
    // A page that is shorter than asked for goes on where it ended.
    let mut cache = Cache::default();
    let (_, first) = ask_at(&index, &mut cache, 1, "traces?limit=500");
    let (told, cursor) = (list(&first["items"]).len(), first["cursor"].as_str().unwrap());
    assert!(told < 500);
    let (_, second) = ask_at(&index, &mut cache, 1, &format!("traces?limit=500&cursor={cursor}"));
    let last = first["items"][told - 1]["start"].as_str().unwrap().parse::<u64>().unwrap();
    let next = second["items"][0]["start"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(next < last, "{next} {last}");
}

#[test]
fn a_wrong_question_is_refused_with_a_sentence() {
    let index = index_of_spans(&[span(1, 0, 10, 50)]);
    for (question, status) in [
        ("traces?limit=501", 400),
        ("traces?limit=-1", 400),
        ("traces?sort=size", 400),
        ("traces?order=up", 400),
        ("traces?filter=duration>5", 400),
        ("traces?cursor=x", 400),
        ("traces?cursor=9.1", 409),
        ("latency?filter=a=", 400),
        ("histogram?filter=(", 200),
        ("timeline?buckets=5000", 400),
        ("skeleton", 400),
        ("skeleton?trace=00", 404),
        ("skeleton?trace=key:7", 404),
        ("skeleton?trace=key:0&generation=9", 409),
        ("critical-path?trace=4bf92f3577b34da6a3ce929d0e0e4737", 404),
        ("find?trace=key:0", 400),
        ("held-up?row=0", 404),
        ("held-up", 400),
        ("held-up?row=x", 400),
        ("nothing", 404),
    ] {
        let (actual, reply) = ask_at(&index, &mut Cache::default(), 1, question);
        assert_eq!(actual, status, "{question}: {reply}");
        assert_eq!(reply["error"].is_string(), status != 200, "{question}: {reply}");
    }
    let (_, wrong) = ask_at(&index, &mut Cache::default(), 1, "traces?filter=a=1 duration>5");
    assert_eq!(wrong["column"], 14);
}

#[test]
fn who_has_gone_is_not_answered() {
    let index = index_of_spans(&[span(1, 0, 10, 50)]);
    let is_cancelled = AtomicBool::new(true);
    let with = Parameters::default();
    let asked = Asked {
        index: &index,
        reading: Reading::default(),
        with: &with,
        is_cancelled: &is_cancelled,
    };
    for question in ["traces", "latency", "histogram", "timeline", "facets"] {
        assert_eq!(answer(question, &asked, &mut Cache::default()).status, 499, "{question}");
    }
}
