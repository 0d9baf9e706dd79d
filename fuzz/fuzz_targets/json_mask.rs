//! Texts of JSON: what serde_json reads is masked as its tree is, and what nobody can read keeps no secret.
//!
//! `cargo +nightly fuzz run json_mask -- -timeout=5 -dict=fuzz_targets/support/json.dict`
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::sync::LazyLock;
use support::{SECRET, compiled, masked, planted, repeated, rule};

/// Without a path in it, nothing stays; a path at any depth; detectors alone.
static KEEP: LazyLock<offloop::process::Process> =
    LazyLock::new(|| compiled(&[], &[rule(&["text"], &[], &["json", "0", "0", "true", "1", "$.ok"])], &[]));
static MASK: LazyLock<offloop::process::Process> =
    LazyLock::new(|| compiled(&[], &[rule(&["text"], &[], &["json", "1", "**.t", "0", "false"])], &[]));

fuzz_target!(|bytes: &[u8]| {
    let Some(text) = planted(bytes) else { return };
    let kept = masked(&KEEP, &text, "");
    let out = masked(&MASK, &text, "");
    if !text.contains([':', '{']) && !text.trim().is_empty() {
        assert!(!kept.contains(SECRET), "{text:?}: {kept:?}");
    }
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        let expected = without(&value, false);
        match serde_json::from_str::<Value>(&out) {
            Ok(left) => assert!(is_masked(&left, &expected), "{text:?}: {out:?}"),
            Err(error) => panic!("{text:?} has become {out:?}: {error}"),
        }
        assert!(serde_json::from_str::<Value>(&kept).is_ok(), "{text:?}: {kept:?}");
    }
    if let Some(text) = repeated(&text) {
        masked(&MASK, &text, "");
        masked(&KEEP, &text, "");
    }
});

/// The tree with the marker in the place of what is called `t`.
fn without(value: &Value, is_taken: bool) -> Value {
    match value {
        Value::Array(items) if !is_taken => items.iter().map(|item| without(item, false)).collect(),
        Value::Object(members) if !is_taken => {
            members.iter().map(|(key, value)| (key.clone(), without(value, key == "t"))).collect()
        }
        _ if is_taken => Value::from("[redacted]"),
        other => other.clone(),
    }
}

/// What the rule says, or more: texts that are documents are entered.
fn is_masked(left: &Value, expected: &Value) -> bool {
    match (left, expected) {
        (Value::Array(left), Value::Array(expected)) => {
            left.len() == expected.len()
                && left.iter().zip(expected).all(|(left, expected)| is_masked(left, expected))
        }
        (Value::Object(left), Value::Object(expected)) => {
            left.len() == expected.len()
                && left.iter().all(|(key, left)| {
                    expected.get(key).is_some_and(|expected| is_masked(left, expected))
                })
        }
        (Value::String(left), Value::String(expected)) => {
            left == expected || expected.trim_start().starts_with(['{', '['])
        }
        (left, expected) => left == expected,
    }
}
