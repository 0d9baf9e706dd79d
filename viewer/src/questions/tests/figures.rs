use std::collections::HashMap;

use super::*;
use crate::{
    query::parse,
    test_spans::{Random, attribute, index_of_spans, span},
};

fn random_spans(random: &mut Random, count: u64) -> Vec<TestSpan> {
    (1..=count)
        .map(|id| {
            let start = 1_795_298_340_000_000_000 + random.below(5_000_000);
            let duration = 1 << random.below(40);
            let mut span = span(id, random.below(id), start, start + duration + random.below(duration));
            span.trace += u128::from(random.below(5));
            span.status = random.below(3) as u8;
            span.service = format!("service {}", random.below(3));
            span.name = format!("GET /{}", random.below(4));
            let value = match random.below(5) {
                0 => format!(r#"{{"intValue":{}}}"#, random.below(3)),
                1 => format!(r#"{{"boolValue":{}}}"#, random.below(2) == 0),
                2 => format!(r#"{{"doubleValue":{}.5}}"#, random.below(3)),
                3 => r#"{"arrayValue":{"values":[{"stringValue":"x"},{"stringValue":"y"},{"stringValue":"x"}]}}"#.into(),
                _ => format!(r#"{{"stringValue":"a \\\"{}\\\" , 5"}}"#, random.below(3)),
            };
            span.attributes = [
                attribute("odd", &value),
                attribute("name", r#"{"stringValue":"5"}"#),
                attribute("http.route", &format!(r#"{{"stringValue":"/cart/{}"}}"#, random.below(3))),
            ]
            .join(",");
            span.more = r#","events":[{"name":"exception"}]"#.into();
            span
        })
        .collect()
}

fn times(spans: &[TestSpan]) -> impl Iterator<Item = u64> {
    spans.iter().map(|span| span.end - span.start)
}

#[test]
fn v47_the_sums_of_a_histogram_are_those_of_the_spans() {
    let mut random = Random(3);
    for count in [1, 2, 50, 300] {
        let spans = random_spans(&mut random, count);
        let index = index_of_spans(&spans);
        let answer = ask(&index, "histogram");
        let buckets = list(&answer["buckets"]);
        assert!(buckets.len() <= 120);
        assert_eq!(sum(&answer["buckets"], "count"), count);
        let errors = spans.iter().filter(|span| span.status == 2).count();
        assert_eq!(sum(&answer["buckets"], "errors"), errors as u64);
        let mut before = None;
        for bucket in buckets {
            let (from, to) = (bucket["from"].as_u64().unwrap(), bucket["to"].as_u64().unwrap());
            assert!(before.is_none_or(|before| before == from) && from < to, "{bucket}");
            before = Some(to);
            // The filter that dragging sets finds the same spans.
            let here = times(&spans).filter(|time| (from..to).contains(time)).count();
            assert_eq!(bucket["count"].as_u64().unwrap(), here as u64);
            let filter = format!("histogram?filter=duration>={from}ns duration<{to}ns");
            assert_eq!(sum(&ask(&index, &filter)["buckets"], "count"), here as u64, "{bucket}");
        }
    }
    let none = ask(&index_of_spans(&[span(1, 0, 5, 9)]), "histogram?filter=status=error");
    assert_eq!(none["buckets"], serde_json::json!([]));
}

#[test]
fn v48_the_sums_of_a_timeline_are_those_of_the_spans() {
    let mut random = Random(4);
    for (count, buckets) in [(1, 1), (2, 120), (300, 7), (300, 1000)] {
        let mut spans = random_spans(&mut random, count);
        let mut block = span(900, 0, spans[0].start, spans[0].start + 5);
        block.name = "event-loop-blocked".into();
        block.scope = "offloop/event-loop-monitor".into();
        let mut timeless = span(901, 0, 0, 0);
        timeless.name = "GET /".into();
        let chosen = spans.len();
        spans.extend([block, timeless]);
        let index = index_of_spans(&spans);
        let answer = ask(&index, &format!("timeline?buckets={buckets}&filter=name~GET"));
        let told = list(&answer["buckets"]);
        assert!(told.len() as u64 <= buckets, "{}", told.len());
        assert_eq!(sum(&answer["buckets"], "count"), chosen as u64);
        let errors = spans[..chosen].iter().filter(|span| span.status == 2).count();
        assert_eq!(sum(&answer["buckets"], "errors"), errors as u64);
        assert_eq!(sum(&answer["buckets"], "blocks"), 1);
        let longest = told.iter().map(|bucket| bucket["longest"].as_u64().unwrap()).max();
        assert_eq!(longest, times(&spans[..chosen]).max());
        let time = |member: &str| answer[member].as_str().unwrap().parse::<u64>().unwrap();
        let starts = spans[..chosen].iter().map(|span| span.start);
        assert_eq!(Some(time("from")), starts.clone().min());
        assert!(starts.max().unwrap() < time("to"));
        let width = (time("to") - time("from")) / told.len() as u64;
        for (place, bucket) in told.iter().enumerate() {
            let from = time("from") + place as u64 * width;
            let here =
                spans[..chosen].iter().filter(|span| (from..from + width).contains(&span.start));
            assert_eq!(bucket["count"].as_u64().unwrap(), here.count() as u64);
        }
    }
}

#[test]
fn v50_facets_count_spans_and_their_terms_find_them() {
    let mut random = Random(9);
    let spans = random_spans(&mut random, 200);
    let index = index_of_spans(&spans);
    for filter in ["", "status=error", "http.route=/cart/1 odd=true"] {
        let answer = ask(&index, &format!("facets?filter={filter}"));
        let keys = list(&answer["keys"]);
        let named: Vec<&str> = keys.iter().map(|key| key["key"].as_str().unwrap()).collect();
        for key in ["service", "name", "kind", "status", "odd", "http.route", "event.name"] {
            assert!(named.contains(&key), "{key}: {named:?}");
        }
        for key in keys {
            let values = list(&key["values"]);
            let counts: Vec<u64> =
                values.iter().map(|value| value["count"].as_u64().unwrap()).collect();
            assert!(counts.is_sorted_by(|one, other| one >= other), "{key}");
            for value in values {
                let term = value["term"].as_str().unwrap_or_else(|| panic!("{value}"));
                assert!(parse(term).is_ok(), "{term}");
                let found = ask(&index, &format!("traces?filter={filter} {term}"));
                assert_eq!(found["matchedSpans"], value["count"], "{filter}: {term}");
            }
        }
    }
    // By the definition, from what was written.
    let mut routes: HashMap<&str, u64> = HashMap::new();
    for span in &spans {
        let route = ["/cart/0", "/cart/1", "/cart/2"]
            .into_iter()
            .find(|route| span.attributes.contains(route));
        *routes.entry(route.unwrap()).or_default() += 1;
    }
    let answer = ask(&index, "facets");
    let facet = list(&answer["keys"]).iter().find(|key| key["key"] == "http.route").unwrap();
    for value in list(&facet["values"]) {
        assert_eq!(value["count"].as_u64().unwrap(), routes[value["value"].as_str().unwrap()]);
    }
    assert_eq!(facet["count"], 200);
    // An array with one element twice is one span.
    let odd = list(&answer["keys"]).iter().find(|key| key["key"] == "odd").unwrap();
    let arrays = spans.iter().filter(|span| span.attributes.contains("arrayValue")).count();
    let x = list(&odd["values"]).iter().find(|value| value["value"] == "x").unwrap();
    assert_eq!(x["count"], arrays as u64);
    // A key that is the name of a field is asked for as an attribute.
    let name = list(&answer["keys"]).iter().rfind(|key| key["key"] == "name").unwrap();
    assert_eq!(name["values"][0]["term"], "attr.name=\"5\"");
}

#[test]
fn v46_the_figures_of_a_filter_are_those_of_its_spans_alone() {
    let mut random = Random(6);
    let spans = random_spans(&mut random, 300);
    let index = index_of_spans(&spans);
    let answer = ask(&index, "latency?by=service&filter=status=error&limit=500");
    for item in list(&answer["items"]) {
        let mine = spans
            .iter()
            .filter(|span| span.status == 2 && span.service == item["name"].as_str().unwrap());
        let mut times: Vec<u64> = mine.map(|span| span.end - span.start).collect();
        times.sort_unstable();
        assert_eq!(item["count"], times.len() as u64);
        assert_eq!(item["errors"], times.len() as u64);
        assert_eq!(item["longest"], times[times.len() - 1]);
        for (member, percent) in [("p50", 50), ("p95", 95), ("p99", 99)] {
            assert_eq!(item[member], times[(times.len() * percent).div_ceil(100) - 1]);
        }
    }
    let all = ask(&index, "latency?by=http.route&limit=2");
    assert_eq!((list(&all["items"]).len(), &all["more"]), (2, &Value::from(1)));
}

#[test]
fn an_answer_of_the_same_generation_is_not_computed_again_and_one_of_the_next_is() {
    let mut index = index_of_spans(&[span(1, 0, 10, 50)]);
    let mut cache = Cache::default();
    let mut count = |index: &Index, generation| {
        let (_, answer) = ask_at(index, &mut cache, generation, "latency?filter=name~span");
        (sum(&answer["items"], "count"), sum(&answer["items"], "self"))
    };
    assert_eq!(count(&index, 1), (1, 40));
    append(&mut index, &[span(2, 1, 20, 30)]);
    assert_eq!(count(&index, 1), (1, 40));
    assert_eq!(count(&index, 2), (2, 40));
}
