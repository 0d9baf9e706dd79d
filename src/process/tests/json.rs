//! Values inside of texts of JSON.

use crate::process::{
    detect::{Detector, Hit, find},
    json::{JsonRule, Leaves, Masked, mask},
};

/// Leaves with a marker, tokens that can be told, and e-mail addresses to search for.
struct Plain {
    hits: usize,
    marker: &'static str,
}

impl Default for Plain {
    fn default() -> Self {
        Plain { hits: 0, marker: "[\"x\"]" }
    }
}

impl Leaves for Plain {
    fn marker(&self) -> &[u8] {
        self.marker.as_bytes()
    }

    fn token(&mut self, value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"t:");
        out.extend_from_slice(value);
    }

    fn is_searching(&self) -> bool {
        true
    }

    fn patterns(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let mut hits = Vec::new();
        find(text, Detector::Email.bit() | Detector::CreditCard.bit(), &mut hits);
        let mut copied = 0;
        for Hit { range, .. } in &hits {
            out.extend_from_slice(&text[copied..range.start]);
            out.extend_from_slice(b"@@");
            copied = range.end;
        }
        out.extend_from_slice(&text[copied..]);
        !hits.is_empty()
    }

    fn hit(&mut self) {
        self.hits += 1;
    }
}

fn rule(mask: &[&str], hash: &[&str], keep: Option<&[&str]>, keep_type: bool) -> JsonRule {
    JsonRule::new(mask, hash, keep, keep_type).unwrap()
}

fn masked(text: &str, rule: &JsonRule) -> (String, Masked) {
    let mut out = Vec::new();
    let result = mask(text.as_bytes(), rule, &mut Plain::default(), &mut out);
    let out = match result {
        Masked::Unchanged => text.to_owned(),
        _ => String::from_utf8(out).unwrap(),
    };
    (out, result)
}

const MARKER: &str = r#""[\"x\"]""#;

#[test]
fn p48_values_under_a_path_are_masked_and_everything_else_keeps_its_bytes() {
    let secret =
        rule(&["$.user.password", "**.token", "$.list[*].id"], &["$.user.id"], None, false);
    for (text, expected) in [
        (
            r#"{ "user" : {"password":"a", "name" : 1.50e3} }"#,
            r#"{ "user" : {"password":M, "name" : 1.50e3} }"#,
        ),
        (
            r#"{"user":{"pass\u0077ord":{"a":[1,"}"]},"x":null}}"#,
            r#"{"user":{"pass\u0077ord":M,"x":null}}"#,
        ),
        (
            r#"{"a":[{"token":[1]},{"token":true}],"token":2}"#,
            r#"{"a":[{"token":M},{"token":M}],"token":M}"#,
        ),
        (
            r#"{"list":[{"id":1},{"id":"b","c":3}],"id":7}"#,
            r#"{"list":[{"id":M},{"id":M,"c":3}],"id":7}"#,
        ),
        (r#"{"user":{"id":"a\nb"}}"#, r#"{"user":{"id":"t:a\nb"}}"#),
        (
            r#"{"user":{"id":12,"password":1,"password":2}}"#,
            r#"{"user":{"id":"t:12","password":M,"password":M}}"#,
        ),
        (r#"[]"#, "[]"),
        (r#"{"other":"user.password"}"#, r#"{"other":"user.password"}"#),
    ] {
        let (out, _) = masked(text, &secret);
        assert_eq!(out, expected.replace('M', MARKER), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
    }
}

#[test]
fn p48_a_list_of_what_stays_masks_every_other_scalar() {
    let keep = rule(&["**.pin"], &[], Some(&["$.ok", "$.list[*].id"]), false);
    let (out, _) =
        masked(r#"{"ok":{"a":1,"pin":2},"no":3,"list":[{"id":4,"x":"y"}],"n":null}"#, &keep);
    let expected = r#"{"ok":{"a":1,"pin":M},"no":M,"list":[{"id":4,"x":M}],"n":M}"#;
    assert_eq!(out, expected.replace('M', MARKER));
    let typed = rule(&["$.a"], &["$.b"], None, true);
    let (out, _) =
        masked(r#"{"a":{"t":"x","n":5,"b":true,"z":null,"l":["y"]},"b":["s",9]}"#, &typed);
    let expected = r#"{"a":{"t":M,"n":0,"b":false,"z":null,"l":[M]},"b":["t:s",0]}"#;
    assert_eq!(out, expected.replace('M', MARKER));
}

#[test]
fn p114_a_document_that_was_cut_never_shows_the_secret() {
    let text =
        r#"{"a":{"password":"S3CRET-1","x":[1,{"password":"S3CRET-2","b":"\u0053"}]},"c":true}"#;
    let rule = rule(&["**.password"], &[], None, false);
    for cut in 0..text.len() {
        let (out, result) = masked(&text[..cut], &rule);
        assert!(!out.contains("S3C"), "{out}");
        assert_eq!(result, Masked::Broken, "{cut}");
        assert!(out.ends_with("[\"x\"]"), "{out}");
    }
    for text in [
        "",
        "S3CRET",
        "12 S3CRET",
        "\"S3CRET",
        "{S3CRET",
        "[1] S3CRET",
        "{\"a\":S3CRET}",
        "[\"\\qS3CRET\"]",
        "[1,]S3CRET",
    ] {
        let (out, result) = masked(text, &rule);
        assert!(!out.contains("S3CRET") && result == Masked::Broken, "{text} {out}");
    }
    let (out, _) = masked(r#"{"a":1,"password":2,"b":nope}"#, &rule);
    assert_eq!(out, r#"{"a":1,"password":M,"b":["x"]"#.replace('M', MARKER));
}

#[test]
fn p114_masking_again_what_was_cut_changes_nothing() {
    let rule = rule(&["a.b"], &[], None, false);
    let texts =
        ["[", "[1", "[1,", "[[", "{", r#"{"a""#, r#"{"a":[1,"#, r#"["[1,"]"#, "[1] x", "[x", "1x"];
    for marker in ["[redacted]", "{gone}", "***", "[[[", "\"gone\""] {
        for text in texts.into_iter().chain([marker]) {
            let again = |text: &str| {
                let mut out = Vec::new();
                let leaves = &mut Plain { marker, ..Plain::default() };
                match mask(text.as_bytes(), &rule, leaves, &mut out) {
                    Masked::Unchanged => text.to_owned(),
                    _ => String::from_utf8(out).unwrap(),
                }
            };
            let once = again(text);
            assert_eq!(again(&once), once, "{text} {marker}");
        }
    }
    let (once, _) = masked("[redacted", &rule);
    assert_eq!(once, "[[\"x\"]");
}

#[test]
fn p49_what_is_nested_too_deeply_is_the_marker() {
    let rule = rule(&["$.a"], &[], None, false);
    let (out, result) = masked(&("[".repeat(100_000) + "\"S3CRET\""), &rule);
    assert_eq!(result, Masked::TooDeep);
    assert!(!out.contains("S3CRET"));
    let deep = "[".repeat(512) + &"]".repeat(512);
    assert_eq!(masked(&deep, &rule), (deep.clone(), Masked::Unchanged));
}

#[test]
fn p51_texts_are_searched_after_unescaping_and_documents_in_them_are_entered() {
    let rule = rule(&["**.password"], &[], None, false);
    for (text, expected) in [
        (r#"{"m":"to ada\u0040example.com!"}"#, r#"{"m":"to @@!"}"#),
        (r#"{"ada@example.com":1,"bob@example.com":2}"#, r#"{M:1,N:2}"#),
        (r#"{"card":4111111111111111}"#, r#"{"card":"@@"}"#),
        (
            r#"{"body":"{\"password\":\"p\",\"m\":\"a@b.de\"}"}"#,
            r#"{"body":"{\"password\":I,\"m\":\"@@\"}"}"#,
        ),
        (r#"{"body":"{\"password\":\"p"}"#, r#"{"body":"{\"password\":[\"x\"]"}"#),
        (r#"{"body":"[info] ada@example.com"}"#, r#"{"body":"[info] @@"}"#),
        (r#""ada@example.com""#, r#""@@""#),
    ] {
        let (out, _) = masked(text, &rule);
        let expected = expected
            .replace('M', MARKER)
            .replace('N', r#""[\"x\"]#2""#)
            .replace('I', r#"\"[\\\"x\\\"]\""#);
        assert_eq!(out, expected, "{text}");
    }
}

#[test]
fn p52_hostile_texts_are_read_in_linear_time() {
    let rule = rule(&["**.password", "a.**.b", "*.*.*"], &["**.x"], Some(&["**.y"]), false);
    let keys: String = (0..200_000).map(|at| format!("\"k{at}\":1,")).collect();
    for text in [
        "\"".to_owned() + &"a".repeat(4 << 20),
        format!("{{{keys}\"z\":2}}"),
        "[".to_owned() + &"{\"a\":".repeat(400_000),
        "[\"\\ud800\",\"\u{2028}\",\"\u{0}\"]".to_owned(),
        "[".to_owned() + &"\"[\",".repeat(300_000) + "1]",
    ] {
        masked(&text, &rule);
    }
    let mut out = Vec::new();
    mask(b"[\"\xed\xa0\x80a@b.de\", \"\\ud800a@b.de\"]", &rule, &mut Plain::default(), &mut out);
    assert!(!out.is_empty());
}

/// The same on a parsed value.
fn reference(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(reference),
        serde_json::Value::Object(members) => members.iter_mut().for_each(|(key, value)| {
            if key == "p" {
                *value = "[\"x\"]".into();
            } else {
                reference(value);
            }
        }),
        _ => {}
    }
}

fn random(state: &mut u64, depth: usize) -> serde_json::Value {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let pick = (*state >> 33) as usize;
    match pick % if depth == 0 { 5 } else { 7 } {
        0 => serde_json::Value::Null,
        1 => pick.is_multiple_of(3).into(),
        2 => (pick as f64 / 8.0).into(),
        3 => format!("t\"{}\\\n\u{e9}\u{1f600}", pick % 10).into(),
        4 => (pick % 1000).into(),
        5 => (0..pick / 7 % 4).map(|_| random(state, depth - 1)).collect::<Vec<_>>().into(),
        _ => (0..pick / 7 % 4)
            .map(|at| {
                (["p", "q", "r\n"][(pick / 31 + at) % 3].to_owned(), random(state, depth - 1))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[test]
fn p49_masking_a_text_is_masking_what_it_says() {
    let rule = rule(&["**.p"], &[], None, false);
    let mut state = 3;
    for _ in 0..20_000 {
        let mut value = random(&mut state, 4);
        let text = if state % 2 == 0 {
            serde_json::to_string(&value).unwrap()
        } else {
            serde_json::to_string_pretty(&value).unwrap()
        };
        let (out, result) = masked(&text, &rule);
        assert_ne!(result, Masked::Broken, "{text}");
        reference(&mut value);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), value, "{text}");
        assert_eq!(masked(&out, &rule).0, out, "again");
    }
}
