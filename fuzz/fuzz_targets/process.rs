//! Rules × batches: an input says which rules there are, in which order, and what the spans hold. Nothing panics, each span is
//! left or filtered, and what the first rule takes is in neither body.
//!
//! `cargo +nightly fuzz run process -- -timeout=5`
#![no_main]

mod support;

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use offloop::span::{Entry, Node, Text};
use support::{SECRET, batch_of, bodies, compiled, holds, rule};

const KEYS: [&str; 8] = ["secret", "a", "b.c", "url", "db.system", "ключ", "text", ""];
const TEXTS: [&str; 12] = [
    "", "mysql", "redis", "ada@example.com", "4111 1111 1111 1111", "https://u:p@h/?sig=x", "{\"a\":[1,\"x\"]}",
    "{\"a\"", "select 'x' -- y", "eyJhbGciOiJIUzI1NiJ9.x.y", "€😀", "Bearer abcDEF123",
];
const PATTERNS: [&str; 8] = ["*", "a", "**.a", "b.*", "?", "url", "text", "**.ключ"];

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte as usize % limit
    }

    fn pick(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }

    fn rule(&mut self) -> Vec<String> {
        let key = self.pick(&PATTERNS);
        let words: &[&str] = match self.below(11) {
            0 => return rule(&[], &["email", "creditCard", "jwt", "bearer"], &["mask"]),
            1 => return rule(&[], &["urlCredentials", "ipv6", "iban"], &["hash"]),
            2 => &["mask"],
            3 => &["hash"],
            4 => &["delete"],
            5 => &["truncate", "3"],
            6 => &["sql", "auto"],
            7 => &["url", "1", "a"],
            8 => &["json", "1", "$.a", "0", "false"],
            9 => &["json", "0", "1", "**.a", "true", "1", "$.*"],
            _ => &["allow"],
        };
        rule(&[key], &[], words)
    }

    fn condition(&mut self) -> Vec<String> {
        let (key, text) = (self.pick(&KEYS), self.pick(&TEXTS));
        let test: &[&str] = match self.below(3) {
            0 => &["attribute", key, "exists", "true"],
            1 => &["not", "1", "attribute", key, "exists", "false"],
            _ => &["attribute", key, "any", "1", "text", text],
        };
        ["drop", "1"].iter().chain(test).map(|word| (*word).to_owned()).collect()
    }

    fn value(&mut self, tape: &mut Vec<Entry<'static>>, key: &'static str, depth: usize) {
        let text = if key == "secret" { SECRET } else { self.pick(&TEXTS) };
        let count = self.below(4) as u32;
        let node = match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Node::Number(4_111_111_111_111_111.0),
            1 => Node::Bytes(text.as_bytes()),
            2 => Node::Bool(true),
            5 => Node::Array(count),
            6 => Node::Map(count),
            _ => Node::Text(Text::utf8(text)),
        };
        tape.push(Entry { key: Text::utf8(key), node });
        if let Node::Array(count) | Node::Map(count) = node {
            for _ in 0..count {
                let inner = if matches!(node, Node::Map(_)) { self.pick(&KEYS) } else { "" };
                self.value(tape, inner, depth - 1);
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let mut rules = vec![rule(&["**.secret"], &[], &["mask"])];
    rules.extend((0..input.below(5)).map(|_| input.rule()));
    let at = input.below(rules.len());
    rules.swap(0, at);
    let drop: Vec<_> = (0..input.below(2)).map(|_| input.condition()).collect();
    let process = compiled(&drop, &rules, &[]);
    let mut tape = Vec::new();
    let counts: Vec<u32> = (0..1 + input.below(3)).map(|_| input.below(6) as u32).collect();
    for count in &counts {
        for _ in 0..*count {
            let key = input.pick(&KEYS);
            input.value(&mut tape, key, 3);
        }
    }
    let arena = Bump::new();
    let mut batch = batch_of(tape, &counts);
    let processed = process.apply(&mut batch, &arena);
    assert_eq!(batch.spans.len() + processed.filtered as usize, counts.len());
    for body in bodies(&batch) {
        assert!(!holds(&body, SECRET), "{rules:?}");
    }
});
