//! What the parser accepts and what its values print as, against what V8 does with the same text.

use bumpalo::Bump;

use super::{MAX_DEPTH, Parser, Problem, Text};
use crate::drift::print::{print, print_canonical};

/// Printed, canonical, and whether the printed text stands in the source.
fn both(source: &[u8]) -> Result<(String, String, bool), Problem> {
    let arena = Bump::new();
    let has_surrogates = source.windows(2).any(|two| two[0] == 0xed && two[1] >= 0xa0);
    let text = Text { bytes: arena.alloc_slice_copy(source), has_surrogates };
    let document = Parser::new(&arena).parse(text)?;
    let (mut printed, mut canonical) = (Vec::new(), Vec::new());
    print(document.value, &mut printed);
    print_canonical(document.value, &mut canonical);
    if let Some(text) = document.text {
        assert_eq!(text, printed, "what is kept is what is printed");
        assert!(!document.is_sorted || text == canonical);
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ok((text(printed), text(canonical), document.text.is_some()))
}

fn printed(source: &str) -> String {
    both(source.as_bytes()).unwrap().0
}

fn canonical(source: &str) -> String {
    both(source.as_bytes()).unwrap().1
}

#[test]
fn what_json_stringify_has_printed_is_kept_as_it_is() {
    for source in [
        "null",
        "\"\"",
        "[]",
        "{}",
        "[[],{},[{}]]",
        r#"{"a":1,"b":[true,false,null],"c":{"d":"é€😀"}}"#,
        r#"["\"\\\b\f\n\r\t","\u0000\u001f","\ud800","x\udfffy"]"#,
        "[0,-1,1.5,1e+21,1e-7,123456789012345680000]",
    ] {
        assert_eq!(both(source.as_bytes()), Ok((source.to_owned(), source.to_owned(), true)));
    }
}

#[test]
fn what_was_written_otherwise_is_printed_as_v8_prints_it() {
    for (source, expected) in [
        (" [ 1 , 2 ]\t", "[1,2]"),
        ("\r\n{ \"a\" : 1 }", r#"{"a":1}"#),
        (r#""\u0041\/\u00e9\u2028""#, "\"A/é\u{2028}\""),
        (r#""\u001F\u0008""#, r#""\u001f\b""#),
        (r#""\uD83D\uDE00""#, "\"😀\""),
        (r#""\uDE00\uD83D""#, r#""\ude00\ud83d""#),
        (r#""\uD800\uD800\uDC00""#, "\"\\ud800\u{10000}\""),
        ("[1.0,1e2,-0,0.10,9007199254740993,1e400]", "[1,100,0,0.1,9007199254740992,null]"),
    ] {
        assert_eq!(printed(source), expected);
    }
}

#[test]
fn f40_lone_surrogates_survive_raw_and_escaped_and_find_their_other_half() {
    assert_eq!(both(b"\"x\xed\xa0\x80y\"").unwrap().0, r#""x\ud800y""#);
    assert_eq!(both(b"\"\xed\xa0\xbd\\ude00\"").unwrap().0, "\"😀\"", "raw, then escaped");
    assert_eq!(both(b"\"\\ud83d\xed\xb8\x80\"").unwrap().0, "\"😀\"", "escaped, then raw");
    let source = b"{\"\xed\x95\x9c\":1,\"\\ud55c\":2,\"\xed\xa0\x80\":3}";
    assert_eq!(both(source).unwrap().0, "{\"한\":2,\"\\ud800\":3}", "one key, written in two ways");
}

#[test]
fn f42_the_last_of_equal_keys_wins_in_the_place_of_the_first() {
    assert_eq!(printed(r#"{"a":1,"b":2,"a":3,"\u0061":4}"#), r#"{"a":4,"b":2}"#);
    assert_eq!(printed(r#"{"b":1,"2":2,"1":3,"2":4}"#), r#"{"1":3,"2":4,"b":1}"#);
    assert_eq!(printed(r#"[{"a":1,"b":2},{"a":1,"a":2}]"#), r#"[{"a":1,"b":2},{"a":2}]"#);
}

#[test]
fn r102_keys_are_ordered_as_v8_orders_them() {
    let source = r#"{"b":1,"10":2,"9":3,"01":4,"4294967294":5,"4294967295":6,"a":7,"-1":8,"":9}"#;
    let enumerated =
        r#"{"9":3,"10":2,"4294967294":5,"b":1,"01":4,"4294967295":6,"a":7,"-1":8,"":9}"#;
    let sorted = r#"{"9":3,"10":2,"4294967294":5,"":9,"-1":8,"01":4,"4294967295":6,"a":7,"b":1}"#;
    assert_eq!((printed(source), canonical(source)), (enumerated.to_owned(), sorted.to_owned()));
    // UTF-16: surrogates come before U+E000; of the lone ones 0xD800 before the pair, 0xDC00 behind it.
    let source = "{\"\u{ffff}\":1,\"\u{e000}\":2,\"\u{10000}\":3,\"\\udc00\":4,\"\\ud800\":5,\"\u{d7ff}\":6}";
    let sorted = "{\"\u{d7ff}\":6,\"\\ud800\":5,\"\u{10000}\":3,\"\\udc00\":4,\"\u{e000}\":2,\"\u{ffff}\":1}";
    assert_eq!(canonical(source), sorted);
    // An escape sorts as what it stands for, not as a backslash.
    assert_eq!(canonical(r#"{"a\"":1,"a!":2,"a\n":3,"a":4}"#), r#"{"a":4,"a\n":3,"a!":2,"a\"":1}"#);
}

#[test]
fn r102_proto_is_printed_and_not_hashed() {
    let source = r#"{"b":1,"__proto__":{"x":1},"a":[{"__proto__":null}]}"#;
    assert_eq!(printed(source), source);
    assert_eq!(canonical(source), r#"{"a":[{}],"b":1}"#);
}

#[test]
fn rows_of_one_shape_keep_their_own_values() {
    let row = |n: u32| format!(r#"{{"z":{n},"a":{{"y":{n},"x":[{n}]}},"m":"{n}"}}"#);
    let sorted = |n: u32| format!(r#"{{"a":{{"x":[{n}],"y":{n}}},"m":"{n}","z":{n}}}"#);
    let all = |one: &dyn Fn(u32) -> String| {
        format!("[{}]", (0..40).map(one).collect::<Vec<_>>().join(","))
    };
    assert_eq!(canonical(&all(&row)), all(&sorted));
    // Keys that begin like the expected ones, or end elsewhere.
    let source =
        r#"[{"ab":1,"b":2},{"a":3,"b":4},{"ab" :5,"bc":6},{"ab":7},{"ab":8,"b":9,"c":10}]"#;
    assert_eq!(printed(source), source.replace(" :", ":"));
}

#[test]
fn f39_everything_that_is_not_json_is_refused() {
    for source in [
        "",
        " ",
        "\u{feff}1",
        "nul",
        "nulll",
        "True",
        "'a'",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12",
        "\"\\u12g4\"",
        "\"\u{1}\"",
        "\"a\nb\"",
        "\"\t\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "}",
        "{]",
        "[}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "1 2",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "0x10",
        "NaN",
        "-Infinity",
        "\u{a0}1",
        "1\u{c}",
        "[1]]",
        "undefined",
        "//",
        "{\"a\":}",
        "{,}",
        "\"\\ud800",
        "\u{0}",
    ] {
        assert_eq!(both(source.as_bytes()), Err(Problem::NotJson), "{source:?}");
    }
}

#[test]
fn r12_depth_has_a_limit_and_its_edge_is_where_it_says() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [MAX_DEPTH - 1, MAX_DEPTH] {
        assert_eq!(printed(&nested(depth)), nested(depth));
    }
    for source in [nested(MAX_DEPTH + 1), "[".repeat(1_000_000), "{\"a\":".repeat(200_000)] {
        assert_eq!(both(source.as_bytes()), Err(Problem::TooDeep));
    }
}
