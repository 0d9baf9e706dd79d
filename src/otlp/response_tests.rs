use super::*;

#[test]
fn protobuf_partial_success_is_read_and_logged_as_stock_does() {
    let body = [0x0a, 0x09, 0x08, 5, 0x12, 5, b'a', b'"', b'b', b'c', b'd'];
    let partial = partial_success(Protocol::HttpProtobuf, &body).unwrap().unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (5, "a\"bcd"));
    assert_eq!(partial.json, "{\"rejectedSpans\":5,\"errorMessage\":\"a\\\"bcd\"}");
    assert_eq!(partial_success(Protocol::HttpProtobuf, &[]), Ok(None));
    assert_eq!(partial_success(Protocol::HttpProtobuf, &[0x0a, 0]), Ok(None));
    assert!(partial_success(Protocol::HttpProtobuf, &[0xff, 0xff, 0xff]).is_err());
}

#[test]
fn fields_that_are_not_known_are_passed_over_whatever_their_type() {
    let unknown: [&[u8]; 4] = [
        &[0x18, 0x96, 0x01],
        &[0x21, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0x2a, 2, 0x08, 9],
        &[0x35, 1, 2, 3, 4],
    ];
    for field in unknown {
        let message = [field, &[0x08, 5], field, &[0x12, 2, b'n', b'o'], field].concat();
        let body = [field, &[0x0a, message.len() as u8], &message, field].concat();
        let partial = partial_success(Protocol::HttpProtobuf, &body).unwrap().unwrap();
        assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (5, "no"));
        for length in 1..field.len() {
            let body = &body[..body.len() - length];
            assert!(partial_success(Protocol::HttpProtobuf, body).is_err(), "{field:?} - {length}");
        }
    }
}

#[test]
fn json_partial_success_keeps_what_the_server_sent() {
    let body = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#;
    let partial = partial_success(Protocol::HttpJson, body).unwrap().unwrap();
    assert_eq!(partial.rejected_spans, 3);
    assert_eq!(partial.json, r#"{"rejectedSpans":"3","errorMessage":"no"}"#);
    assert_eq!(partial.error_message, "no");
    assert_eq!(partial_success(Protocol::HttpJson, b"{}"), Ok(None));
    for (body, error) in [
        (&b"<html>"[..], "Unexpected token in JSON at byte 0"),
        (b"{\"a\"<", "Unexpected token in JSON at byte 4"),
        (b"\"a\n\"", "Unexpected token in JSON at byte 2"),
        (b"{\"a\":", "Unexpected end of JSON input"),
    ] {
        assert_eq!(partial_success(Protocol::HttpJson, body), Err(error.to_owned()));
    }
}

#[test]
fn json_is_read_as_json_parse_reads_it() {
    let of = |body: &[u8]| partial_success(Protocol::HttpJson, body).unwrap().unwrap();
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    let with = |member: &str, message: &str| {
        format!(
            "{{{member}\"partialSuccess\":{{\"rejectedSpans\":\"3\",\"errorMessage\":\"{message}\"}}}}"
        )
    };
    let said =
        |message: &str| format!("{{\"rejectedSpans\":\"3\",\"errorMessage\":\"{message}\"}}");
    for (body, json) in [
        (with("", "bad \\ud83d"), said("bad \\ud83d")),
        (with("", "\\ud83d\\ude00 \\ude00\\ud83d"), said("😀 \\ude00\\ud83d")),
        (with("", "\\ud83d\\u0041\\/"), said("\\ud83dA/")),
        (with("", "\\b\\t\\n\\f\\r\\\"\\\\"), said("\\b\\t\\n\\f\\r\\\"\\\\")),
        ("\u{feff}".to_owned() + &with("", "x"), said("x")),
        (with(&format!("\"x\":{nested},"), "n"), said("n")),
        (with("\"x\":1e999, \"y\":-0.5E+3,\"z\":{\"a\":[{},[]]},", "n"), said("n")),
        (with("\"partialSuccess\":{\"rejectedSpans\":9},", "n"), said("n")),
        (with("", "n").replace("partial", "\\u0070artial"), said("n")),
    ] {
        let partial = of(body.as_bytes());
        assert_eq!((partial.rejected_spans, partial.json), (3, json), "{body:.200}");
    }
    let damaged = with("", "bad ??").replace("??", "\u{1}\u{2}").into_bytes();
    let damaged: Vec<u8> = damaged
        .into_iter()
        .map(|byte| if byte < 3 { 0xe9 + 0x0b * (byte - 1) } else { byte })
        .collect();
    assert_eq!(of(&damaged).json, said("bad \u{fffd}\u{fffd}"));
    for (body, json) in [
        (
            "{\"rejectedSpans\":3,\"x\":[1.0, {\"a\" :null}]}",
            "{\"rejectedSpans\":3,\"x\":[1,{\"a\":null}]}",
        ),
        ("{\"yes\":true , \"no\":[false]}", "{\"yes\":true,\"no\":[false]}"),
        (
            "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":[5]}",
            "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":[5]}",
        ),
        ("\"x\"", "\"x\""),
        ("[1e999]", "[null]"),
    ] {
        assert_eq!(of(format!("{{\"partialSuccess\":{body}}}").as_bytes()).json, json);
    }
}

#[test]
fn rejected_spans_are_what_number_reads() {
    for (text, number) in [
        ("3.0", 3),
        ("1e0", 1),
        ("\" 3\"", 3),
        ("\"\\ufeff3\\n\"", 3),
        ("\"0x10\"", 16),
        ("\"0x\"", 0),
        ("\"0xg\"", 0),
        ("\"+5.\"", 5),
        ("\".5e1\"", 5),
        ("\"\"", 0),
        ("\"inf\"", 0),
        ("\"1_0\"", 0),
        ("\"3 4\"", 0),
        ("null", 0),
        ("{\"low\":3}", 0),
        ("-2", -2),
        ("9223372036854775808", i64::MAX),
        ("1e999", i64::MAX),
        ("\"Infinity\"", i64::MAX),
        ("\"-Infinity\"", i64::MIN),
        ("\"99999999999999999999999\"", i64::MAX),
    ] {
        let body = format!("{{\"partialSuccess\":{{\"rejectedSpans\":{text}}}}}");
        let partial = partial_success(Protocol::HttpJson, body.as_bytes()).unwrap().unwrap();
        assert_eq!(partial.rejected_spans, number, "{text}");
    }
}

#[test]
fn what_json_parse_refuses_is_no_response() {
    for body in [
        "\u{feff}",
        " ",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "0x1",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\n\"",
        "{} x",
        "[}",
        "{]",
        "NaN",
        "\u{a0}1",
        "{a:1}",
        "'a'",
        "\"\\",
        "\"\\u00\u{e9}\"",
    ] {
        assert!(partial_success(Protocol::HttpJson, body.as_bytes()).is_err(), "{body}");
    }
    for body in [
        "null",
        " [ 1 , -0 ] ",
        "5",
        "\"x\"",
        "{\"partialSuccess\":null}",
        "{\"partialSuccess\":[]}",
        "{\"partialSuccess\":{}}",
        "{\"partialSuccess\":true, \"x\":false}",
    ] {
        assert_eq!(partial_success(Protocol::HttpJson, body.as_bytes()), Ok(None), "{body}");
    }
}

#[test]
fn what_a_receiver_says_without_an_end_is_cut_before_it_is_shown() {
    let endless = |byte: u8| {
        let message = [byte].repeat(1_000_000);
        let mut partial = vec![0x08, 1, 0x12];
        put_varint(&mut partial, message.len());
        partial.extend(message);
        let mut body = vec![0x0a];
        put_varint(&mut body, partial.len());
        body.extend(partial);
        partial_success(Protocol::HttpProtobuf, &body).unwrap().unwrap()
    };
    for byte in [b'x', 0x1b, 0xff, b'"'] {
        let partial = endless(byte);
        assert!(partial.error_message.len() <= 1_024, "{byte}");
        assert!(partial.json.len() < 8_000, "{byte}: {}", partial.json.len());
        assert_eq!(partial.rejected_spans, 1);
    }
    let escapes = "\\u001b".repeat(100_000);
    let more: String = (0..1_000).map(|n| format!(",\"m{n}\":{{\"x\":[1,2,3]}}")).collect();
    let body = format!("{{\"partialSuccess\":{{\"errorMessage\":\"{escapes}\"{more}}}}}");
    let partial = partial_success(Protocol::HttpJson, body.as_bytes()).unwrap().unwrap();
    assert!(partial.json.len() < 8_000, "{}", partial.json.len());
}

fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn of_json(partial_success_json: &str) -> PartialSuccess {
    let body = format!("{{\"partialSuccess\":{partial_success_json}}}");
    partial_success(Protocol::HttpJson, body.as_bytes()).unwrap().unwrap()
}

#[test]
fn a_message_that_is_short_is_shown_with_its_lists_and_a_longer_one_without() {
    let of = |letters: usize| of_json(&format!("{{\"a\":[],\"b\":\"{}\"}}", "x".repeat(letters)));
    // Each member takes its name, its value and two bytes around them.
    let most = SHOWN_BYTES - 1 - "\"a\":[],".len() - "\"b\":\"\",".len();
    assert_eq!(of(most).json, format!("{{\"a\":[],\"b\":\"{}\"}}", "x".repeat(most)));
    assert_eq!(of(most + 1).json, format!("{{\"b\":\"{}\"}}", "x".repeat(most + 1)));
    let long_list = "1,".repeat(SHOWN_BYTES);
    assert_eq!(of_json(&format!("{{\"a\":[{long_list}1],\"b\":2}}")).json, "{\"b\":2}");
    let long_name = "n".repeat(SHOWN_BYTES + 1);
    let shown = format!("{{\"{}\":1}}", &long_name[1..]);
    assert_eq!(of_json(&format!("{{\"{long_name}\":1,\"a\":[]}}")).json, shown);
    // So many members would not be short, were they not of one name.
    let repeated = |times: usize| format!("{{{}\"a\":[]}}", "\"a\":1,".repeat(times - 1));
    assert_eq!(of_json(&repeated(MOST_MEMBERS)).json, "{\"a\":[]}");
    assert_eq!(of_json(&repeated(MOST_MEMBERS + 1)).json, "{\"a\":1}");
}

#[test]
fn a_text_is_kept_as_far_as_it_is_shown() {
    for (letters, kept) in [(SHOWN_BYTES, SHOWN_BYTES), (SHOWN_BYTES + 9, SHOWN_BYTES)] {
        let partial = of_json(&format!("{{\"errorMessage\":\"{}\"}}", "x".repeat(letters)));
        assert_eq!(partial.error_message, "x".repeat(kept));
        assert_eq!(partial.json, format!("{{\"errorMessage\":\"{}\"}}", "x".repeat(kept)));
    }
    assert_eq!(of_json("{\"errorMessage\":[1]}").error_message, "");
    // What was cut is no number, whatever is left of it.
    let cut = format!("{{\"rejectedSpans\":\"{}5\"}}", " ".repeat(SHOWN_BYTES));
    assert_eq!(of_json(&cut).rejected_spans, 0);
    let cut = format!("{{\"rejectedSpans\":\"5{}\"}}", " ".repeat(SHOWN_BYTES));
    assert_eq!(of_json(&cut).rejected_spans, 0);
}

#[test]
fn no_more_is_kept_of_a_list_than_is_shown() {
    let text = "y".repeat(600);
    for item in [format!("\"{text}\""), format!("{{\"{text}\":1}}"), "12".to_owned()] {
        let list = [item.as_str()].repeat(1_000).join(",");
        let json = of_json(&format!("[{list}]")).json;
        assert!((SHOWN_BYTES..2 * SHOWN_BYTES).contains(&json.len()), "{}", json.len());
        assert!(format!("[{list}]").starts_with(&json));
    }
}
