use foldhash::quality::RandomState;

use super::{direct::DirectReader, facts::attributes, request::RequestReader, *};
use crate::{account::Skipped, span_flags::Flags, value::Value};

fn parse_with(line: &[u8], has_end: bool, longest: usize) -> Part {
    let key = RandomState::default();
    let mut part = Part::new(key.clone());
    LineParser::default().parse(line, 0, has_end, longest, &mut part);
    let mut by_tape = Part::new(key);
    LineParser::by_tape().parse(line, 0, has_end, longest, &mut by_tape);
    assert_eq!(facts(&part), facts(&by_tape), "{}", String::from_utf8_lossy(line));
    let counts = &part.counts;
    assert_eq!(counts.lines, counts.parsed + counts.skipped_lines(), "{counts:?}");
    assert_eq!(counts.seen, part.spans.len() as u64 + counts.bad, "{counts:?}");
    part
}

fn parsed(line: &str) -> Part {
    parse_with(line.as_bytes(), true, LONGEST_VALUE)
}

/// A way of writing the same request.
#[derive(Clone, Copy, Debug, Default)]
struct Flavour {
    int_texts: bool,
    time_numbers: bool,
    enum_names: bool,
    snake_case: bool,
    old_scopes: bool,
    unknown_members: bool,
    ids: usize,
    no_parent: usize,
}

impl Flavour {
    fn all() -> Vec<Flavour> {
        let bit = |number: usize, bit: usize| number >> bit & 1 == 1;
        (0..64 * 9)
            .map(|number| Flavour {
                int_texts: bit(number, 0),
                time_numbers: bit(number, 1),
                enum_names: bit(number, 2),
                snake_case: bit(number, 3),
                old_scopes: bit(number, 4),
                unknown_members: bit(number, 5),
                ids: number / 64 % 3,
                no_parent: number / 192,
            })
            .collect()
    }

    fn write(self) -> String {
        let trace = [
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "4BF92F3577B34DA6A3CE929D0E0E4736",
            "S/kvNXezTaajzpKdDg5HNg==",
        ];
        let span = ["00f067aa0ba902b7", "00F067AA0BA902B7", "APBnqgupArc="];
        let parent = ["", "\"parentSpanId\":\"\",", "\"parentSpanId\":\"0000000000000000\","]
            [self.no_parent];
        let quoted = |number: &str, is_text: bool| {
            if is_text { format!("\"{number}\"") } else { number.into() }
        };
        let time = |number| quoted(number, !self.time_numbers);
        let (kind, code) = if self.enum_names {
            ("\"SPAN_KIND_SERVER\"", "\"STATUS_CODE_ERROR\"")
        } else {
            ("2", "2")
        };
        let more = if self.unknown_members { "\"new\":{\"a\":[1,{}]}," } else { "" };
        let (scopes, scope) = if self.old_scopes {
            ("instrumentationLibrarySpans", "instrumentationLibrary")
        } else {
            ("scopeSpans", "scope")
        };
        let attributes = format!(
            r#"[{{{more}"key":"n","value":{{"intValue":{}}}}},{{"key":"d","value":{{"doubleValue":0.5}}}},{{"key":"b","value":{{"boolValue":true}}}},
            {{"key":"list","value":{{"arrayValue":{{"values":[{{"stringValue":"a"}},{{"intValue":{}}}]}}}}}},
            {{"key":"map","value":{{"kvlistValue":{{"values":[{{"key":"x","value":{{"stringValue":"y"}}}}]}}}}}}]"#,
            quoted("5", self.int_texts),
            quoted("-7", self.int_texts)
        );
        let text = format!(
            r#"{{{more}"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
            "{scopes}":[{{"{scope}":{{"name":"http","version":"1.0"}},"spans":[
            {{{more}"traceId":"{}","spanId":"{}",{parent}"name":"GET /cart","kind":{kind},
            "startTimeUnixNano":{},"endTimeUnixNano":{},"attributes":{attributes},
            "events":[{{"timeUnixNano":{},"name":"miss","attributes":[{{"key":"key","value":{{"stringValue":"k"}}}}]}}],
            "status":{{"code":{code}}},"links":[{{"traceId":"{}","spanId":"{}"}}]}}]}}]}}]}}"#,
            trace[self.ids],
            span[self.ids],
            time("1795298340007999999"),
            time("1795298340008000000"),
            time("1795298340007999999"),
            trace[self.ids],
            span[self.ids],
        );
        if self.snake_case { snake_case(&text) } else { text }
    }
}

/// Names of members in the other spelling. Texts that are no names have no capital behind a small letter.
fn snake_case(text: &str) -> String {
    let names = [
        "resourceSpans",
        "scopeSpans",
        "instrumentationLibrarySpans",
        "instrumentationLibrary",
        "traceId",
        "spanId",
        "parentSpanId",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
        "arrayValue",
        "kvlistValue",
    ];
    names.iter().fold(text.to_owned(), |text, name| {
        let mut snake = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        text.replace(&format!("\"{name}\""), &format!("\"{snake}\""))
    })
}

#[test]
fn v14_every_way_of_writing_a_span_means_the_same() {
    let expected = [
        "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 0000000000000000 1795298340007999999 1 \"GET /cart\" server error Flags(786) \
         [\"n=Int(5)\", \"d=Double(0.5)\", \"b=Bool(true)\", \"list=Text(\\\"a\\\")\", \"list=Int(-7)\", \
         \"map.x=Text(\\\"y\\\")\", \"event.name=Text(\\\"miss\\\")\", \"event.key=Text(\\\"k\\\")\"] http 1.0 \
         [\"service.name=Text(\\\"shop\\\")\"] line 0 ordinal 0",
    ];
    for flavour in Flavour::all() {
        let part = parsed(&flavour.write());
        assert_eq!(facts(&part)[..1], expected, "{flavour:?}");
        let links: Vec<(u32, u128, u64)> =
            part.links.iter().map(|link| (link.span, link.trace, link.id)).collect();
        assert_eq!(links, [(0, part.spans[0].trace, part.spans[0].id)], "{flavour:?}");
    }
}

#[test]
fn v15_lines_of_other_signals_are_counted_by_signal() {
    let part = parsed(r#"{"resourceLogs":[{}]}"#);
    assert_eq!((part.counts.skipped(Skipped::OtherSignal), part.counts.logs), (1, 1));
    let part = parsed(r#"{"resource_metrics":[]}"#);
    assert_eq!((part.counts.skipped(Skipped::OtherSignal), part.counts.metrics), (1, 1));
    let part = parsed(r#"{"resourceProfiles":[]}"#);
    assert_eq!((part.counts.skipped(Skipped::OtherSignal), part.counts.profiles), (1, 1));
    let both = one_span("{}").replacen('{', r#"{"resourceLogs":[],"#, 1);
    let part = parsed(&both);
    assert_eq!((part.counts.parsed, part.counts.logs, part.spans.len()), (1, 1, 1));
    assert_eq!(parsed(r#"{"a":1}"#).counts.skipped(Skipped::NotOtlp), 1);
    assert_eq!(parsed("[1]").counts.skipped(Skipped::NotOtlp), 1);
    assert_eq!(parsed("hello").counts.skipped(Skipped::NotJson), 1);
    assert_eq!(parsed(" \t\r").counts.lines, 0);
}

/// A request with one span that has one attribute with this value.
fn one_span(value: &str) -> String {
    request(&[span(0, &format!(r#""attributes":[{{"key":"k","value":{value}}}]"#))])
}

fn request(spans: &[String]) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeSpans":[{{"scope":{{"name":"http"}},"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    )
}

fn span(number: usize, members: &str) -> String {
    format!(
        r#"{{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"{:016x}","name":"span {number}","startTimeUnixNano":"1000","endTimeUnixNano":"2000",{members},"links":[{{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"0000000000000001"}}]}}"#,
        number + 1
    )
}

fn value_of(value: &str) -> Vec<String> {
    let part = parsed(&one_span(value));
    attributes(&part, part.attributes_of(0))
}

#[test]
fn v29_arrays_are_several_attributes_and_maps_are_flat_down_to_eight_levels() {
    assert_eq!(
        value_of(r#"{"arrayValue":{"values":[{"intValue":1},{"stringValue":"x"}]}}"#),
        ["k=Int(1)", "k=Text(\"x\")"]
    );
    assert_eq!(value_of(r#"{"arrayValue":{}}"#), [""; 0]);
    assert_eq!(value_of("{}"), ["k=Empty"]);
    assert_eq!(value_of("null"), ["k=Empty"]);
    assert_eq!(value_of(r#"{"bytesValue":"AQID"}"#), ["k=Text(\"AQID\")"]);
    let deep = |levels: usize| {
        let open = r#"{"kvlistValue":{"values":[{"key":"a","value":"#.repeat(levels);
        value_of(&format!("{open}{{\"intValue\":1}}{}", "}]}}".repeat(levels)))
    };
    assert_eq!(deep(8), [format!("k{}=Int(1)", ".a".repeat(8))]);
    assert_eq!(deep(9), [""; 0]);
}

#[test]
fn v20_odd_numbers_are_what_they_can_be() {
    let expected = [
        (r#"{"intValue":9223372036854775807}"#, "k=Int(9223372036854775807)"),
        (r#"{"intValue":"-9223372036854775808"}"#, "k=Int(-9223372036854775808)"),
        (r#"{"intValue":18446744073709551615}"#, "k=Double(1.8446744073709552e19)"),
        (r#"{"intValue":12345678901234567890123}"#, "k=Double(1.2345678901234568e22)"),
        (r#"{"doubleValue":"NaN"}"#, "k=Double(NaN)"),
        (r#"{"doubleValue":"-Infinity"}"#, "k=Double(-inf)"),
        (r#"{"doubleValue":null}"#, "k=Empty"),
        (r#"{"intValue":1,"intValue":2}"#, "k=Int(2)"),
        (r#"{"stringValue":7}"#, "k=Text(\"\")"),
    ];
    for (value, attribute) in expected {
        assert_eq!(value_of(value), [attribute], "{value}");
    }
}

#[test]
fn v20_of_a_member_that_is_there_twice_the_last_wins() {
    let part = parsed(&request(&[span(0, r#""name":"first","name":"last""#)]));
    assert_eq!(part.dictionary.text(part.spans[0].name), "last");
}

#[test]
fn v24_times_are_exact_and_odd_ones_are_marked() {
    let of = |start: &str, end: &str| {
        let line = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"spanId":"0000000000000001","name":"x","startTimeUnixNano":{start},"endTimeUnixNano":{end}}}]}}]}}]}}"#
        );
        let part = parsed(&line);
        let span = &part.spans[0];
        (
            span.start,
            span.duration,
            span.flags.has(Flags::NO_START),
            span.flags.has(Flags::ENDS_EARLY),
        )
    };
    assert_eq!(
        of("\"9007199254740993\"", "\"9007199254740994\""),
        (9_007_199_254_740_993, 1, false, false)
    );
    assert_eq!(of("18446744073709551614", "18446744073709551615"), (u64::MAX - 1, 1, false, false));
    assert_eq!(of("1.5e18", "\"1.5e18\""), (1_500_000_000_000_000_000, 0, false, false));
    assert_eq!(of("2000", "1000"), (2000, 0, false, true));
    assert_eq!(of("0", "1000"), (0, 0, true, false));
    assert_eq!(of("\"soon\"", "1000"), (0, 0, true, false));
    assert_eq!(of("-5", "1000"), (0, 0, true, false));
}

#[test]
fn v23_a_trace_id_that_is_none_is_zero() {
    for id in ["", "00000000000000000000000000000000", "4bf9", "xyz"] {
        let line = request(&[span(0, "\"a\":1")]).replace("4bf92f3577b34da6a3ce929d0e0e4736", id);
        assert_eq!(parsed(&line).spans[0].trace, 0, "{id}");
    }
}

/// Ways of making one span unreadable; the first find what they replace in every span.
fn damages(number: usize) -> Vec<Vec<u8>> {
    let good =
        span(number, r#""attributes":[{"key":"k","value":{"stringValue":"v"}}],"flags":257"#);
    let with = |from: &str, to: &str| good.replacen(from, to, 1).into_bytes();
    let mut invalid = good.clone().into_bytes();
    let at = good.find("stringValue\":\"v").unwrap() + 14;
    invalid[at] = 0xff;
    let mut control = good.clone().into_bytes();
    control[at] = 0;
    vec![
        with("257", "1e400"),
        with("257", "NaN"),
        with("257", "nul"),
        with("\"v\"", "\"\\q\""),
        with("\"v\"", "\"v"),
        with("\"name\":\"", "\"name\":"),
        with("}}],", "}]],"),
        with("}}],", "}],"),
        with("\"flags\":257", "\"flags\":257]"),
        good.as_bytes()[..good.len() - 1].to_vec(),
        with("\"flags\":257", &format!("\"deep\":{}{}", "[".repeat(1100), "]".repeat(1100))),
        invalid,
        control,
    ]
}

#[test]
fn v19_one_bad_span_costs_one_span() {
    const SPANS: usize = 512;
    let good: Vec<String> = (0..SPANS).map(|number| span(number, "\"flags\":257")).collect();
    let line = request(&good);
    let head = line.find("[{\"traceId\"").unwrap() + 1;
    let tail = &line[line.rfind("]}]}]}").unwrap()..];
    for bad in [0, 255, SPANS - 1] {
        for (kind, damage) in damages(bad).iter().enumerate() {
            let mut spans: Vec<&[u8]> = good.iter().map(String::as_bytes).collect();
            spans[bad] = damage;
            let damaged =
                [&line.as_bytes()[..head], &spans.join(&b","[..]), tail.as_bytes()].concat();
            let part = parse_with(&damaged, true, LONGEST_VALUE);
            let ids: Vec<u64> = part.spans.iter().map(|span| span.id).collect();
            let expected: Vec<u64> =
                (1..=SPANS as u64).filter(|id| *id != bad as u64 + 1).collect();
            assert_eq!(ids, expected, "damage {kind} of span {bad}");
            assert_eq!(
                (part.counts.bad, part.counts.parsed),
                (1, 1),
                "damage {kind} of span {bad}"
            );
            let last = part.spans.last().unwrap();
            assert_eq!(
                attributes(&part, &part.resources[last.resource as usize]),
                ["service.name=Text(\"shop\")"]
            );
        }
    }
}

#[test]
fn v19_a_line_without_any_readable_span_is_no_json() {
    let part = parsed(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":]}]}]}"#);
    assert_eq!((part.spans.len(), part.counts.bad), (0, 1));
    let part = parsed("{\"resourceSpans\":[nothing");
    assert_eq!((part.counts.skipped(Skipped::NotJson), part.counts.seen), (1, 0));
    let hostile = "[".repeat(100_000) + &"}".repeat(100_000);
    assert_eq!(parsed(&hostile).counts.lines, 1);
    let hostile = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[".to_owned()
        + &"{\"traceId\"".repeat(20_000);
    assert_eq!(parsed(&hostile).spans.len(), 0);
}

#[test]
fn v17_a_line_that_was_cut_shows_its_whole_spans() {
    let spans: Vec<String> = (0..4).map(|number| span(number, "\"flags\":257")).collect();
    let line = request(&spans);
    let ends: Vec<usize> =
        spans.iter().map(|span| line.find(span.as_str()).unwrap() + span.len()).collect();
    for cut in 1..line.len() {
        let part = parse_with(&line.as_bytes()[..cut], false, LONGEST_VALUE);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(part.spans.len(), whole, "cut at {cut}");
        assert_eq!((part.counts.skipped(Skipped::Cut), part.counts.bad), (1, 0), "cut at {cut}");
    }
    let part = parse_with(line.as_bytes(), false, LONGEST_VALUE);
    assert_eq!((part.spans.len(), part.counts.parsed), (4, 1));
}

#[test]
fn v21_a_lone_surrogate_costs_nothing_but_itself() {
    let spans = [
        span(0, "\"flags\":1"),
        span(
            1,
            r#""name":"half \ud83d","attributes":[{"key":"\udead","value":{"stringValue":"\ud83d\ude00\ud83d"}}]"#,
        ),
    ];
    let part = parsed(&request(&spans));
    assert_eq!((part.spans.len(), part.counts.bad), (2, 0));
    assert_eq!(part.dictionary.text(part.spans[1].name), "half \u{fffd}");
    assert_eq!(attributes(&part, part.attributes_of(1)), ["\u{fffd}=Text(\"😀\u{fffd}\")"]);
}

#[test]
fn v30_of_a_long_text_the_beginning_is_kept_unless_all_is_asked_for() {
    let text = "x".repeat(300);
    let line = one_span(&format!("{{\"stringValue\":\"{text}\"}}"));
    let part = parse_with(line.as_bytes(), true, LONGEST_VALUE);
    let value = part.dictionary.value(part.attributes_of(0)[0].value);
    assert!(
        matches!(value, Value::Long { bytes: 300, start, .. } if start.len() == 64),
        "{value:?}"
    );
    let part = parse_with(line.as_bytes(), true, WHOLE_VALUES);
    assert_eq!(part.dictionary.value(part.attributes_of(0)[0].value), Value::Text(&text));
}

#[test]
fn v16_random_damage_never_breaks_the_account() {
    let spans: Vec<String> = (0..6)
        .map(|number| span(number, r#""attributes":[{"key":"k","value":{"intValue":"5"}}]"#))
        .collect();
    let line = request(&spans).into_bytes();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..4_000 {
        let mut damaged = line.clone();
        for _ in 0..=random(3) {
            let at = random(damaged.len());
            match random(4) {
                0 => damaged[at] = random(256) as u8,
                1 => drop(damaged.drain(at..(at + random(40)).min(damaged.len()))),
                2 => damaged.insert(at, b"\"{}[],:\\"[random(8)]),
                _ => damaged.truncate(at + 1),
            }
            if damaged.is_empty() {
                damaged.push(b'{');
            }
        }
        assert!(crate::check_line(&damaged));
        let part = parse_with(&damaged, round % 2 == 0, LONGEST_VALUE);
        assert!(part.spans.len() <= 6 + 1, "{}", String::from_utf8_lossy(&damaged));
    }
}

/// Whether a line is read in one pass.
fn is_direct(line: &str) -> bool {
    let mut part = Part::new(RandomState::default());
    let mut reader = RequestReader { part: &mut part, longest: LONGEST_VALUE, line: 0, ordinal: 0 };
    let is_direct = DirectReader::new(line, &mut String::new(), &mut reader).request().is_some();
    // What both ways make of it is compared there.
    parsed(line);
    is_direct
}

#[test]
fn v14_what_exporters_write_is_read_in_one_pass() {
    let fixtures = concat!(
        include_str!("../../tests/fixtures/spans/traces-1.jsonl"),
        include_str!("../../tests/fixtures/real/traces-1.jsonl"),
    );
    let mut lines: Vec<String> = fixtures.lines().map(str::to_owned).collect();
    let plain = Flavour::all().into_iter().filter(|way| !way.old_scopes && !way.unknown_members);
    // Maps are for the tape.
    let map = r#"{"kvlistValue":{"values":[{"key":"x","value":{"stringValue":"y"}}]}}"#;
    let without_map = |line: String| line.replace(&snake_case(map), "{}").replace(map, "{}");
    lines.extend(plain.map(Flavour::write).map(without_map));
    for value in [
        r#"{"stringValue":"\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00 ü😀"}"#,
        r#" { "intValue" : -7 } "#,
        r#"{"intValue":"-7"}"#,
        r#"{"doubleValue":-1.5e-7}"#,
        r#"{"arrayValue":{"values":[{"stringValue":"a"},{"boolValue":false},{}]}}"#,
        r#"{"arrayValue":{}}"#,
        "{}",
    ] {
        lines.push(one_span(value));
    }
    for members in [
        r#""name":"a","droppedAttributesCount":0,"events":[{"timeUnixNano":"1","name":"e","attributes":[{"key":"k","value":{"stringValue":"v"}}]}]"#,
        r#""name":"a","events":[{"attributes":[{"key":"k","value":{}}],"name":"e"},{}]"#,
        r#""name":"a","links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","attributes":[]}]"#,
        r#""name":"a","new":{"a":[1,"\u0000",null,true,-0.0,1E+2]}"#,
    ] {
        lines.push(request(&[format!("{{{members}}}")]));
    }
    for line in &lines {
        assert!(is_direct(line), "{line}");
    }
    assert!(lines.len() > 100, "{}", lines.len());
}

#[test]
fn v14_what_nearly_stands_where_it_stood_before_is_read_anew() {
    let span = |name: &str, members: &str, value: &str| {
        let attributes =
            format!(r#"[{{"key":"k","value":{value}}},{{"key":"l","value":{{"intValue":1}}}}]"#);
        format!(r#"{{"name":"{name}",{members},"attributes":{attributes}}}"#)
    };
    let members = [
        r#""kind":2,"status":{"code":0},"links":[],"flags":25"#,
        r#""kind":3,"status":{"code":2},"links":[],"flags":257"#,
        r#""kind":3,"status":{"code":2},"links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}],"flags":2"#,
        r#""kind":"SPAN_KIND_CLIENT","status":{},"links":[],"flags":"2""#,
        r#""kind":33,"status":{"code":22},"links":[ ],"flags":[{"a":1}]"#,
    ];
    let values = [
        r#"{"stringValue":"GET"}"#,
        r#"{"stringValue":"GET "}"#,
        r#"{"stringValue":"GET\""}"#,
        r#"{"intValue":20}"#,
        r#"{"intValue":200}"#,
        r#"{"doubleValue":0.5}"#,
        r#"{"doubleValue":0.50000000000000011}"#,
        r#"{"arrayValue":{"values":[{"intValue":1},{"intValue":2}]}}"#,
        "{}",
    ];
    // Each behind each, and behind itself.
    let pairs =
        |count: usize| (0..count * count).flat_map(move |pair| [pair / count, pair % count]);
    let by_members = pairs(members.len()).map(|place| span("a", members[place], values[0]));
    let by_value = pairs(values.len()).map(|place| span("b", members[0], values[place]));
    let spans: Vec<String> = by_members.chain(by_value).collect();
    let line = request(&spans);
    assert!(is_direct(&line), "{line}");
    let part = parsed(&line);
    assert_eq!(part.spans.len(), spans.len());
    let kinds: Vec<&str> = part.spans[..10].iter().map(|span| span.flags.kind()).collect();
    let expected = ["server", "server", "server", "client", "server", "client", "server", "client"];
    assert_eq!(kinds, [&expected[..], &["server", "unspecified"]].concat());

    // A member that is there twice is noticed also where it is the one that stood there before.
    for twice in [
        r#""kind":2,"kind":3,"status":{"code":0},"links":[],"flags":1"#,
        r#""kind":2,"status":{"code":0},"links":[{"spanId":"00f067aa0ba902b7","traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}],"links":[],"flags":1"#,
    ] {
        let line =
            request(&[twice, twice, members[0], twice].map(|each| span("a", each, values[0])));
        assert!(!is_direct(&line), "{line}");
        parsed(&line);
    }
}

#[test]
fn v20_numbers_are_those_of_the_standard_library() {
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..4_000 {
        let mut digits = |most| {
            (0..=random(most)).map(|_| char::from(b'0' + random(10) as u8)).collect::<String>()
        };
        let (whole, places) = (digits(19), digits(20));
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        let sign = ["", "-"][places.len() % 2];
        let exponent = ["", "", "e7", "E-3"][whole.len() % 4];
        let text = format!("{sign}{whole}.{places}{exponent}");
        let part = parsed(&one_span(&format!(r#"{{"doubleValue":{text}}}"#)));
        let value = part.dictionary.value(part.attributes[0].value);
        assert_eq!(value, Value::Double(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn v14_v20_what_needs_looking_back_is_read_by_way_of_a_tape() {
    let values = [
        r#"{"kvlistValue":{"values":[]}}"#,
        r#"{"intValue":1,"stringValue":"a"}"#,
        r#"{"intValue":01}"#,
        r#"{"intValue":-0}"#,
        r#"{"intValue":18446744073709551616}"#,
        r#"{"doubleValue":1.}"#,
        r#"{"doubleValue":1e400}"#,
        r#"{"stringValue":"\ud83d"}"#,
        r#"{"stringValue":"\ude00\ud83d"}"#,
        "{\"stringValue\":\"\t\"}",
        r#"{"stringValue":null}"#,
    ];
    let members = [
        r#""name":"a","name":"b""#,
        r#""name":7"#,
        r#""events":[{"name":"e"}],"name":"a","attributes":[]"#,
        r#""startTimeUnixNano":"1""#,
        r#""name":"a","attributes":null"#,
        r#""name":"a","attributes":[{"value":{"intValue":1},"key":"k"}]"#,
        r#""n\u0061me":"a""#,
    ];
    let spans = members.map(|members| request(&[span(1, "\"kind\":2"), format!("{{{members}}}")]));
    let whole = [
        "",
        "[]",
        "{}",
        "{} {}",
        r#"{"resourceSpans":[]} x"#,
        r#"{"resourceSpans":[]"#,
        r#"{"resourceSpans":[],"resourceSpans":[]}"#,
        r#"{"resourceSpans":[],"resourceLogs":[]}"#,
        "\u{feff}{\"resourceSpans\":[]}",
    ];
    let lines = values.map(one_span).into_iter().chain(spans).chain(whole.map(str::to_owned));
    for line in lines {
        assert!(!is_direct(&line), "{line}");
    }
}
