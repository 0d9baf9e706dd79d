//! Conditions on spans as they came: what `drop` and `where` ask. They read raw values; nothing of those leaves here.

use super::glob::Globs;
use crate::span::{Attributes, Node, Span, SpanBatch, Text};

/// All tests must hold.
#[derive(Debug)]
pub(super) struct Condition(pub(super) Vec<Test>);

/// One member of a condition.
#[derive(Debug)]
pub(super) enum Test {
    Name(Globs),
    ScopeName(Globs),
    /// Codes of OTLP.
    Status(Vec<f64>),
    /// Numbers of OTLP.
    Kind(Vec<f64>),
    DurationMillis(Range),
    Attribute(Box<[u8]>, ValueTest),
    Resource(Box<[u8]>, ValueTest),
    Not(Condition),
}

/// Both limits are outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) over: Option<f64>,
    pub(super) under: Option<f64>,
}

impl Range {
    fn has(&self, number: f64) -> bool {
        self.over.is_none_or(|over| number > over) && self.under.is_none_or(|under| number < under)
    }
}

/// What is asked of one attribute.
#[derive(Debug)]
pub(super) enum ValueTest {
    Exists(bool),
    Range(Range),
    AnyOf(Vec<Simple>),
}

/// A value to compare with.
#[derive(Debug)]
pub(super) enum Simple {
    /// With `*` and `?`.
    Text(Globs),
    Number(f64),
    Bool(bool),
}

impl Condition {
    pub(super) fn holds(&self, batch: &SpanBatch<'_>, span: &Span<'_>) -> bool {
        self.0.iter().all(|test| test.holds(batch, span))
    }
}

impl Test {
    fn holds(&self, batch: &SpanBatch<'_>, span: &Span<'_>) -> bool {
        match self {
            Test::Name(names) => matches(names, span.name),
            Test::ScopeName(names) => {
                let scope = batch.scopes.get(span.scope as usize);
                matches(names, scope.and_then(|scope| scope.name))
            }
            Test::Status(codes) => codes.contains(&span.status_code),
            Test::Kind(kinds) => kinds.contains(&span.kind),
            Test::DurationMillis(range) => {
                let nanos = span.end.unix_nanos().saturating_sub(span.start.unix_nanos());
                range.has(nanos as f64 / 1e6)
            }
            Test::Attribute(key, test) => test.holds(value(batch, &span.attributes, key)),
            Test::Resource(key, test) => {
                let resource = batch.resources.get(span.resource as usize);
                test.holds(resource.and_then(|resource| value(batch, &resource.attributes, key)))
            }
            Test::Not(condition) => !condition.holds(batch, span),
        }
    }
}

fn matches(names: &Globs, text: Option<Text<'_>>) -> bool {
    names.matches(text.unwrap_or_default().bytes)
}

/// The top-level value under `key`; of several the last, as readers of OTLP take it.
fn value<'b, 'a>(
    batch: &'b SpanBatch<'a>,
    attributes: &Attributes,
    key: &[u8],
) -> Option<&'b Node<'a>> {
    let mut entries = batch.entries(attributes).iter();
    let mut found = None;
    let mut nested = 0u64;
    entries.by_ref().for_each(|entry| {
        if nested == 0 {
            if entry.key.bytes == key {
                found = Some(&entry.node);
            }
        } else {
            nested -= 1;
        }
        if let Node::Array(count) | Node::Map(count) = entry.node {
            nested += u64::from(count);
        }
    });
    found
}

impl ValueTest {
    fn holds(&self, node: Option<&Node<'_>>) -> bool {
        match (self, node) {
            (ValueTest::Exists(wanted), node) => node.is_some() == *wanted,
            (ValueTest::Range(range), Some(Node::Number(number))) => range.has(*number),
            (ValueTest::AnyOf(values), Some(node)) => values.iter().any(|value| value.is(node)),
            _ => false,
        }
    }
}

impl Simple {
    fn is(&self, node: &Node<'_>) -> bool {
        match (self, node) {
            (Simple::Text(globs), Node::Text(text)) => globs.matches(text.bytes),
            (Simple::Number(wanted), Node::Number(number)) => wanted == number,
            (Simple::Bool(wanted), Node::Bool(value)) => wanted == value,
            _ => false,
        }
    }
}
