//! Which spans are dropped, and what rules do to attributes afterwards.

use super::build::*;
use crate::handoff::RawBatch;
use crate::otlp::Protocol;
use crate::span::owned::OwnedSpan;
use crate::transform::{Format, transform};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

fn spans() -> Vec<Made> {
    let span = |name: &str, kind: f64, status_code: f64, millis: f64, route: &str| Made {
        name: name.to_owned(),
        kind,
        status_code,
        millis,
        scope_name: format!("scope of {name}"),
        attributes: members(&[
            ("http.route", route.into()),
            ("n", Value::Number(millis)),
            ("m", Value::Map(members(&[("http.route", "/inner".into())]))),
        ]),
        resource: members(&[("service.name", "shop".into())]),
        ..Made::default()
    };
    vec![
        span("GET /health", 2.0, 0.0, 1.0, "/health"),
        span("GET /pay", 2.0, 2.0, 900.0, "/pay"),
        span("redis GET", 3.0, 1.0, 2.0, "/pay"),
    ]
}

/// Names of the spans that a condition leaves.
fn left(condition: &[&str]) -> Vec<&'static str> {
    let rule = [&["drop"], condition].concat();
    let text = json(&compiled(&[&rule], &[], &[]), &spans());
    let names = ["GET /health", "GET /pay", "redis GET"];
    names.into_iter().filter(|name| text.contains(&format!("\"name\":\"{name}\""))).collect()
}

#[test]
fn p54_a_condition_drops_the_spans_that_meet_all_of_it() {
    let (health, pay, redis) = ("GET /health", "GET /pay", "redis GET");
    for (condition, expected) in [
        (&["1", "name", "2", "GET /health", "*x*"][..], vec![pay, redis]),
        (&["1", "name", "1", "GET *"], vec![redis]),
        (&["1", "scopeName", "1", "*redis*"], vec![health, pay]),
        (&["1", "kind", "2", "3", "4"], vec![health, pay]),
        (&["1", "status", "1", "2"], vec![health, redis]),
        (&["1", "durationMillis", "", "2"], vec![pay, redis]),
        (&["1", "durationMillis", "1", "900"], vec![health, pay]),
        (&["1", "attribute", "http.route", "any", "1", "text", "/h*"], vec![pay, redis]),
        (&["1", "attribute", "n", "any", "2", "number", "2", "boolean", "true"], vec![health, pay]),
        (&["1", "attribute", "n", "range", "100", ""], vec![health, redis]),
        (&["1", "attribute", "nothing", "exists", "true"], vec![health, pay, redis]),
        (&["1", "attribute", "http.route", "any", "1", "text", "/inner"], vec![health, pay, redis]),
        (&["1", "attribute", "nothing", "exists", "false"], vec![]),
        (&["1", "resource", "service.name", "any", "1", "text", "shop"], vec![]),
        (&["1", "not", "1", "name", "1", "GET *"], vec![health, pay]),
        (&["2", "name", "1", "GET *", "status", "1", "2"], vec![health, redis]),
    ] {
        assert_eq!(left(condition), expected, "{condition:?}");
    }
}

#[test]
fn p21_a_condition_sees_a_value_that_a_rule_redacts_and_nothing_of_it_leaves() {
    let drop: &[&str] = &["drop[0]", "1", "attribute", "password", "any", "1", "text", "hunter2"];
    let attribute: &[&str] = &[
        "attributes[0]",
        "1",
        "attributes",
        "true",
        "1",
        "attribute",
        "password",
        "any",
        "1",
        "text",
        "letmein",
        "upsert",
        "weak",
        "boolean",
        "true",
    ];
    let process = compiled(&[drop], &[on(&["password"], &["mask"])], &[attribute]);
    let span = |password: &str| Made {
        attributes: members(&[("password", password.into())]),
        ..Made::default()
    };
    let (bodies, processed) = bodies(&process, &[span("hunter2"), span("letmein"), span("good")]);
    assert_eq!(processed.filtered, 1);
    for body in bodies {
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches("[redacted]").count(), 2);
        assert_eq!(text.matches("weak").count(), 1);
        assert!(!text.contains("hunter2") && !text.contains("letmein"), "{text}");
    }
    assert_eq!(process.rules().iter().map(|(_, hits)| *hits).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn p20_attribute_rules_insert_update_upsert_rename_copy_and_delete_in_their_order() {
    let map = Value::Map(members(&[("x", "1".into()), ("y", "2".into())]));
    let given: &[(&str, Value)] = &[("a", "1".into()), ("m", map), ("b", "2".into())];
    let all = "m={x:1,y:2}";
    for (rule, expected) in [
        (&["insert", "c", "text", "3"][..], format!("a=1 {all} b=2 c=3")),
        (&["insert", "a", "text", "3"], format!("a=1 {all} b=2")),
        (&["update", "c", "text", "3"], format!("a=1 {all} b=2")),
        (&["update", "m", "number", "3"], "a=1 m=3 b=2".to_owned()),
        (&["upsert", "a", "boolean", "true"], format!("a=true {all} b=2")),
        (&["upsert", "c", "boolean", "true"], format!("a=1 {all} b=2 c=true")),
        (&["rename", "m", "n"], "a=1 n={x:1,y:2} b=2".to_owned()),
        (&["rename", "m", "b"], "a=1 b={x:1,y:2}".to_owned()),
        (&["rename", "b", "a"], format!("a=2 {all}")),
        (&["rename", "c", "a"], format!("a=1 {all} b=2")),
        (&["rename", "a", "a"], format!("a=1 {all} b=2")),
        (&["copy", "m", "n"], format!("a=1 {all} b=2 n={{x:1,y:2}}")),
        (&["copy", "b", "m"], "a=1 m=2 b=2".to_owned()),
        (&["delete", "m"], "a=1 b=2".to_owned()),
        (&["delete", "c"], format!("a=1 {all} b=2")),
    ] {
        let words = [&["attributes[0]", "1", "attributes", "false"], rule].concat();
        assert_eq!(shown(&compiled(&[], &[], &[&words]), given), expected, "{rule:?}");
    }
    let copy = ["one", "1", "attributes", "false", "copy", "a", "c"];
    let delete = ["two", "1", "attributes", "false", "delete", "a"];
    let masked = compiled(&[], &[on(&["a"], &["mask"])], &[&copy, &delete]);
    assert_eq!(shown(&masked, &given[..1]), "c=[redacted]");
}

#[test]
fn p20_rules_reach_events_links_resource_and_scope() {
    let rule: &[&str] = &[
        "attributes[0]",
        "5",
        "attributes",
        "events",
        "links",
        "resource",
        "scope",
        "false",
        "insert",
        "added",
        "text",
        "v",
    ];
    let text = json(&compiled(&[], &[], &[rule]), &[Made::default()]);
    assert_eq!(text.matches("\"added\"").count(), 5, "{text}");
}

#[test]
fn p17_what_spans_share_is_processed_once() {
    let process = redacting(&[on(&["service.name"], &["mask"])]);
    let spans: Vec<Made> = std::iter::repeat_n(spans().remove(0), 500).collect();
    let (bodies, _) = bodies(&process, &spans);
    assert!(bodies.iter().all(|body| !String::from_utf8_lossy(body).contains("shop")));
    assert_eq!(process.rules()[0].1, 1);
}

#[test]
fn p60_a_panic_in_any_phase_leaves_nothing_to_send() {
    let span = || OwnedSpan { name: "secret".to_owned(), ..OwnedSpan::default() };
    let whole = transform(Format::Otlp(Protocol::HttpJson), Some(Arc::new(redacting(&[]))));
    assert!(whole(RawBatch::made(span())).is_ok());
    for phase in 0..4 {
        let mut process = redacting(&[]);
        process.fault = Some(phase);
        let broken = transform(Format::Otlp(Protocol::HttpJson), Some(Arc::new(process)));
        let result = catch_unwind(AssertUnwindSafe(|| broken(RawBatch::made(span()))));
        assert!(result.is_err(), "phase {phase}");
    }
}

#[test]
fn p55_the_transform_tells_how_many_spans_a_rule_has_dropped() {
    let drop: &[&str] = &["drop[0]", "1", "name", "1", "noise"];
    let process = Arc::new(compiled(&[drop], &[], &[]));
    let transform = transform(Format::Otlp(Protocol::HttpProtobuf), Some(process));
    let made =
        |name: &str| RawBatch::made(OwnedSpan { name: name.to_owned(), ..OwnedSpan::default() });
    let encoded = transform(made("noise")).unwrap();
    assert_eq!(
        (encoded.spans, encoded.filtered, encoded.invalid, encoded.body.len()),
        (0, 1, 0, 0)
    );
    assert_eq!(encoded.lines, ["process: drop[0] has its first hit"]);
    let encoded = transform(made("other")).unwrap();
    assert_eq!((encoded.spans, encoded.filtered, encoded.invalid), (1, 0, 0));
}

#[test]
fn p2_words_that_are_no_rules_are_refused() {
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let compile = |text: &str, key| crate::process::Process::compile(&words(text), key).is_ok();
    let mask = "m 0 1 1 r 1 name false false 1 k 0 0 0 mask 0";
    assert!(compile(mask, None));
    let hash = mask.replace("mask", "hash");
    assert!(compile(&hash, Some(KEY)) && !compile(&hash, None));
    for end in 0..mask.split(' ').count() {
        let cut: Vec<&str> = mask.split(' ').take(end).collect();
        assert!(!compile(&cut.join(" "), None), "{cut:?}");
    }
    for wrong in [
        format!("{mask} more"),
        mask.replace("name", "nowhere"),
        mask.replace("mask", "burn"),
        mask.replace("1 k", "0"),
        mask.replace("1 k", "99999 k"),
        "m 1 d 1 attribute k any 1 text".to_owned(),
    ] {
        assert!(!compile(&wrong, None), "{wrong}");
    }
}
