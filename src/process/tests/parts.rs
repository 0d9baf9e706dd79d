//! Where rules look, and what stands in for what they take.

use bumpalo::Bump;

use super::build::*;
use crate::{
    process::rule::MOST_PATH_BYTES,
    span::{Node, Text, owned::OwnedSpan},
};

const CARD: &str = "4111 1111 1111 1111";
const MAIL: &str = "ada@example.com";

#[test]
fn p25_keys_take_whole_values_match_takes_parts_and_both_take_parts_under_keys() {
    let given: &[(&str, Value)] =
        &[("a", format!("to {MAIL}").as_str().into()), ("b", MAIL.into())];
    assert_eq!(attributes(&[on(&["a"], &["mask"])], given), format!("a=[redacted] b={MAIL}"));
    assert_eq!(attributes(&[searching(&["email"], "mask")], given), "a=to [redacted] b=[redacted]");
    let both = RuleWords { detectors: vec!["email"], ..on(&["a"], &["mask"]) };
    assert_eq!(attributes(&[both], given), format!("a=to [redacted] b={MAIL}"));
}

/// Puts a secret somewhere.
type Plant = fn(&mut Made, Members);

#[test]
fn p26_every_part_is_searched_unless_a_rule_says_which() {
    let secret = || vec![("k".to_owned(), Value::from(MAIL))];
    let plants: [(&str, Plant); 10] = [
        ("attributes", |span, secret| span.attributes = secret),
        ("events", |span, secret| span.event = secret),
        ("links", |span, secret| span.link = secret),
        ("resource", |span, secret| span.resource = secret),
        ("scope", |span, secret| span.scope = secret),
        ("scope", |span, _| span.scope_name = MAIL.to_owned()),
        ("name", |span, _| span.name = MAIL.to_owned()),
        ("status", |span, _| span.status = MAIL.to_owned()),
        ("eventName", |span, _| span.event_name = MAIL.to_owned()),
        ("traceState", |span, _| {
            span.trace_state = format!("a={MAIL}");
            span.link_state = format!("b={MAIL}");
        }),
    ];
    let has_secret = |bodies: &[Vec<u8>]| {
        let is_in = |body: &Vec<u8>| body.windows(MAIL.len()).any(|part| part == MAIL.as_bytes());
        bodies.iter().map(is_in).collect::<Vec<_>>()
    };
    for (part, plant) in plants {
        let mut span = Made::default();
        plant(&mut span, secret());
        let spans = [span];
        assert_eq!(has_secret(&encoded(&batch(&spans))), [true, true], "{part}");
        let all = redacting(&[searching(&["email"], "mask")]);
        assert_eq!(has_secret(&bodies(&all, &spans).0), [false, false], "{part}");
        let own = redacting(&[searching(&["email"], "mask").within(&[part])]);
        assert_eq!(has_secret(&bodies(&own, &spans).0), [false, false], "{part} alone");
        let others: Vec<&'static str> = PARTS.into_iter().filter(|other| *other != part).collect();
        let others = redacting(&[searching(&["email"], "mask").within(&others)]);
        assert_eq!(has_secret(&bodies(&others, &spans).0), [true, true], "all but {part}");
    }
}

#[test]
fn p28_inside_maps_a_key_is_its_path() {
    let headers = Value::Map(members(&[
        ("authorization", "secret".into()),
        ("host", "h".into()),
        ("list", Value::List(vec![Value::Map(members(&[("authorization", "secret".into())]))])),
    ]));
    let given: &[(&str, Value)] = &[
        ("request", Value::Map(members(&[("headers", headers)]))),
        ("a.b", Value::Map(members(&[("c", "x".into())]))),
        ("authorization", "top".into()),
    ];
    let rest = "host:h,list:[{authorization:secret}]}}";
    assert_eq!(
        attributes(&[on(&["request.headers.authorization", "a.b.c"], &["mask"])], given),
        format!(
            "request={{headers:{{authorization:[redacted],{rest} a.b={{c:[redacted]}} authorization=top"
        )
    );
    assert_eq!(
        attributes(&[on(&["**.authorization"], &["delete"])], given),
        "request={headers:{host:h,list:[{}]}} a.b={c:x}"
    );
    assert_eq!(
        attributes(&[on(&["authorization"], &["mask"])], given),
        format!(
            "request={{headers:{{authorization:secret,{rest} a.b={{c:x}} authorization=[redacted]"
        )
    );
}

#[test]
fn p29_a_rule_that_takes_a_map_takes_all_of_it_and_keeps_its_types_if_asked() {
    let map = Value::Map(members(&[
        ("t", "x".into()),
        ("n", Value::Number(5.0)),
        ("b", Value::Bool(true)),
        ("l", Value::List(vec!["y".into(), Value::Empty, Value::Bytes(vec![1])])),
    ]));
    let given: &[(&str, Value)] = &[("m", map), ("n", Value::Number(7.5))];
    assert_eq!(attributes(&[on(&["*"], &["mask"])], given), "m=[redacted] n=[redacted]");
    assert_eq!(
        attributes(&[on(&["m", "n"], &["mask"]).typed()], given),
        "m={t:[redacted],n:0,b:false,l:[[redacted],null,b\"W3JlZGFjdGVkXQ==\"]} n=0"
    );
    let hashed = attributes(&[on(&["m"], &["hash"]).typed()], given);
    assert!(
        hashed.starts_with("m={t:h") && hashed.ends_with("b\"W3JlZGFjdGVkXQ==\"]} n=7.5"),
        "{hashed}"
    );
}

#[test]
fn p31_a_masked_value_is_the_marker_whatever_it_was() {
    let given: &[(&str, Value)] = &[
        ("t", "x".into()),
        ("n", Value::Number(5.0)),
        ("b", Value::Bool(true)),
        ("y", Value::Bytes(vec![1, 2])),
        ("e", Value::Empty),
        ("l", Value::List(vec![])),
        ("kept", "x".into()),
    ];
    let rule = on(&["*"], &["mask"]).except(&["kept"]);
    let marked: Vec<String> =
        ["t", "n", "b", "y", "e", "l"].iter().map(|key| format!("{key}=[redacted]")).collect();
    assert_eq!(attributes(&[rule], given), format!("{} kept=x", marked.join(" ")));
}

#[test]
fn p32_keys_are_searched_too() {
    let map = Value::Map(members(&[
        (MAIL, "1".into()),
        ("[redacted]", "2".into()),
        ("bob@example.com", "3".into()),
        ("plain", "4".into()),
    ]));
    let process = redacting(&[searching(&["email"], "mask")]);
    let given: &[(&str, Value)] = &[("m", map), (MAIL, "gone".into()), ("k", "v".into())];
    assert_eq!(
        shown(&process, given),
        "m={[redacted]#2:1,[redacted]:2,[redacted]#3:3,plain:4} k=v"
    );
    assert_eq!(process.rules()[0].1, 3);
}

#[test]
fn p33_a_card_that_is_a_number_is_found() {
    let given: &[(&str, Value)] = &[
        ("card", Value::Number(4_111_111_111_111_111.0)),
        ("other", Value::Number(4_111_111_111_111_112.0)),
        ("long", Value::Number(6_304_000_000_000_000_000.0)),
        ("fraction", Value::Number(0.411_111_111_111_111_1)),
    ];
    let shown = attributes(&[searching(&["creditCard"], "mask")], given);
    assert_eq!(
        shown,
        "card=[redacted] other=4111111111111112 long=[redacted] fraction=0.4111111111111111"
    );
}

#[test]
fn p34_bytes_are_searched_as_bytes_and_go_as_a_whole() {
    let given: &[(&str, Value)] = &[
        ("y", Value::Bytes([b"\xff\x00".as_slice(), MAIL.as_bytes(), b"\x00"].concat())),
        ("z", Value::Bytes(vec![1, 2, 3])),
    ];
    assert_eq!(attributes(&[searching(&["email"], "mask")], given), "y=[redacted] z=b\"AQID\"");
}

#[test]
fn p34_what_is_no_text_does_not_pass_an_action_for_texts() {
    let json: &[&str] = &["json", "1", "**.pin", "0", "false"];
    let keep: &[&str] = &["json", "0", "0", "true", "1", "$.id"];
    let bytes = |text: &str| Value::Bytes(text.into());
    for (action, given, expected) in [
        (json, bytes(r#"{"pin":1234}"#), "k=[redacted]"),
        (json, bytes(r#"{"id":1}"#), "k=b\"eyJpZCI6MX0=\""),
        (json, Value::Bytes(vec![0xff]), "k=[redacted]"),
        (json, Value::Map(members(&[("pin", Value::Number(1234.0))])), "k=[redacted]"),
        (json, Value::Number(7.0), "k=7"),
        (keep, Value::Number(1234.0), "k=[redacted]"),
        (keep, Value::Bool(true), "k=[redacted]"),
        (keep, Value::List(vec![Value::Number(1234.0)]), "k=[[redacted]]"),
        (&["sql", "mysql"], bytes("a = 'x'"), "k=[redacted]"),
        (&["sql", "mysql"], Value::Number(7.0), "k=7"),
        (&["url", "0"], bytes("https://u:p@h/"), "k=[redacted]"),
    ] {
        assert_eq!(attributes(&[on(&["k"], action)], &[("k", given)]), expected, "{action:?}");
    }
}

#[test]
fn p35_half_surrogate_pairs_neither_split_a_find_nor_hide_one() {
    let text =
        [b"\xed\xa0\x80 ".as_slice(), MAIL.as_bytes(), b" \xed\xbf\xbf4111111111111111"].concat();
    let spans = [Made { attributes: members(&[("k", "x".into())]), ..Made::default() }];
    let mut batch = batch(&spans);
    batch.tape[0].node = Node::Text(Text { bytes: &text, has_surrogates: true });
    let process = redacting(&[searching(&["email", "creditCard"], "mask")]);
    let arena = Bump::new();
    process.apply(&mut batch, &arena);
    let Node::Text(found) = batch.tape[0].node else { panic!("{:?}", batch.tape[0].node) };
    assert_eq!(found.bytes, b"\xed\xa0\x80 [redacted] \xed\xbf\xbf[redacted]");
    assert!(found.has_surrogates);
}

#[test]
fn p22_spans_that_native_code_makes_go_through_the_same_rules() {
    let span = OwnedSpan {
        name: format!("blocked by {MAIL}"),
        attributes: vec![(
            "code.stacktrace".to_owned(),
            format!("at f{MAIL} (x.js:1)").as_str().into(),
        )],
        ..OwnedSpan::default()
    };
    let process = redacting(&[searching(&["email"], "mask")]);
    let mut batch = span.batch();
    let arena = Bump::new();
    process.apply(&mut batch, &arena);
    for body in encoded(&batch) {
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("blocked by [redacted]") && !text.contains(MAIL), "{text}");
    }
}

#[test]
fn p41_tokens_are_the_same_under_every_key_and_spare_what_a_rule_spares() {
    let rules =
        || [on(&["a", "b"], &["hash"]).unless(&["*@internal"]), searching(&["creditCard"], "hash")];
    let given: &[(&str, Value)] = &[
        ("a", MAIL.into()),
        ("b", MAIL.into()),
        ("a", "x@internal".into()),
        ("c", CARD.into()),
        ("d", format!("<{CARD}>").as_str().into()),
    ];
    let shown = attributes(&rules(), given);
    let tokens: Vec<&str> = shown.split(' ').map(|pair| &pair[2..]).collect();
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(tokens[2], "x@internal");
    assert_eq!(format!("<{}>", tokens[3]), tokens[4]);
    assert_eq!(tokens[0].len(), 38);
    let numbers: &[(&str, Value)] = &[("a", Value::Number(12.5)), ("b", "12.5".into())];
    let shown = attributes(&rules(), numbers);
    assert_eq!(shown[2..40], shown[43..], "{shown}");
}

#[test]
fn p30_a_key_is_judged_once_in_a_batch() {
    let span =
        Made { attributes: members(&[("a", "1".into()), ("b", "2".into())]), ..Made::default() };
    let process = redacting(&[on(&["x"], &["mask"])]);
    let spans = vec![span; 300];
    let arena = Bump::new();
    let mut batch = batch(&spans);
    // As the decoder has it: a key that comes again is the same text.
    let keys = [batch.tape[0].key, batch.tape[1].key];
    batch.tape.iter_mut().enumerate().for_each(|(at, entry)| entry.key = keys[at % 2]);
    process.apply(&mut batch, &arena);
    assert_eq!(process.account.keys_judged(), 2);
}

#[test]
fn p30_keys_without_number_and_without_end_stay_linear() {
    let many: Members = (0..20_000).map(|at| (format!("key {at}"), Value::from("x"))).collect();
    let long = "k".repeat(1 << 20);
    let nested = Value::Map((0..20_000).map(|at| (format!("n{at}"), Value::from(MAIL))).collect());
    let span = Made {
        attributes: many,
        event: vec![(long.clone(), nested)],
        link: vec![("short".to_owned(), Value::Map(vec![(long, Value::from(MAIL))]))],
        ..Made::default()
    };
    let rules: Vec<RuleWords> = (0..50)
        .map(|at| RuleWords { name: format!("r{at}"), ..on(&[&format!("**.k{at}*z")], &["mask"]) })
        .collect();
    let process = redacting(&rules);
    let text = json(&process, &[span]);
    // A path that is too long to be compared is not trusted.
    assert!(!text.contains(MAIL) && MOST_PATH_BYTES < 1 << 20);
    assert_eq!(process.fail_closed()[2], ("depth", 2));
}
