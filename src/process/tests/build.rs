//! Batches and rules for the tests.

use bumpalo::Bump;

use crate::{
    otlp::{self, Protocol},
    process::{Process, Processed},
    span::{Attributes, Entry, Event, HrTime, Link, Node, Resource, Scope, Span, SpanBatch, Text},
};

/// A value that owns its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Empty,
    Bool(bool),
    Number(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Members),
}

pub(super) type Members = Vec<(String, Value)>;

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

pub(super) fn members(pairs: &[(&str, Value)]) -> Members {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// Everything about a span that has a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) resource: Members,
    pub(super) scope: Members,
    pub(super) scope_name: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) trace_state: String,
    pub(super) attributes: Members,
    pub(super) event_name: String,
    pub(super) event: Members,
    pub(super) link_state: String,
    pub(super) link: Members,
    pub(super) kind: f64,
    pub(super) status_code: f64,
    pub(super) millis: f64,
}

/// One batch; spans with the same resource share it.
pub(super) fn batch(spans: &[Made]) -> SpanBatch<'_> {
    let mut batch = SpanBatch::default();
    let mut seen: Vec<&Members> = Vec::new();
    for made in spans {
        let resource = match seen.iter().position(|members| **members == made.resource) {
            Some(at) => at,
            None => {
                seen.push(&made.resource);
                let attributes = push(&mut batch.tape, &made.resource);
                batch.resources.push(Resource { attributes, schema_url: None });
                seen.len() - 1
            }
        };
        let attributes = push(&mut batch.tape, &made.scope);
        batch.scopes.push(Scope {
            name: Some(Text::utf8(&made.scope_name)),
            version: Some(Text::utf8("1.0")),
            schema_url: None,
            attributes: Some(attributes),
            dropped_attributes: f64::NAN,
        });
        let span_attributes = push(&mut batch.tape, &made.attributes);
        let attributes = push(&mut batch.tape, &made.event);
        let first_event = batch.events.len();
        batch.events.push(Event {
            time: HrTime::default(),
            name: Some(Text::utf8(&made.event_name)),
            attributes,
            dropped_attributes: 3.0,
        });
        let attributes = push(&mut batch.tape, &made.link);
        let first_link = batch.links.len();
        batch.links.push(Link {
            trace_id: Text::utf8("0123456789abcdef0123456789abcdef"),
            span_id: Text::utf8("0123456789abcdef"),
            trace_state: Some(Text::utf8(&made.link_state)),
            flags: 1.0,
            attributes,
            dropped_attributes: 4.0,
        });
        batch.spans.push(Span {
            resource: resource as u32,
            scope: (batch.scopes.len() - 1) as u32,
            trace_id: Text::utf8("0123456789abcdef0123456789abcdef"),
            span_id: Text::utf8("0123456789abcdef"),
            trace_state: Some(Text::utf8(&made.trace_state)),
            parent_span_id: None,
            name: Some(Text::utf8(&made.name)),
            kind: made.kind,
            start: HrTime { seconds: 1.0, nanos: 0.0 },
            end: HrTime { seconds: 1.0, nanos: made.millis * 1e6 },
            status_code: made.status_code,
            status_message: Some(Text::utf8(&made.status)),
            flags: 1.0,
            attributes: span_attributes,
            dropped_attributes: 2.0,
            dropped_events: 0.0,
            dropped_links: 0.0,
            events: first_event..first_event + 1,
            links: first_link..first_link + 1,
            texts: &[],
        });
    }
    batch
}

fn push<'a>(tape: &mut Vec<Entry<'a>>, members: &'a Members) -> Attributes {
    let start = tape.len();
    for (key, value) in members {
        push_value(tape, Text::utf8(key), value);
    }
    Attributes { entries: start..tape.len(), count: members.len() as u32 }
}

fn push_value<'a>(tape: &mut Vec<Entry<'a>>, key: Text<'a>, value: &'a Value) {
    let node = match value {
        Value::Empty => Node::Empty,
        Value::Bool(bool) => Node::Bool(*bool),
        Value::Number(number) => Node::Number(*number),
        Value::Text(text) => Node::Text(Text::utf8(text)),
        Value::Bytes(bytes) => Node::Bytes(bytes),
        Value::List(items) => Node::Array(items.len() as u32),
        Value::Map(members) => Node::Map(members.len() as u32),
    };
    tape.push(Entry { key, node });
    match value {
        Value::List(items) => {
            items.iter().for_each(|item| push_value(tape, Text::default(), item));
        }
        Value::Map(members) => {
            members.iter().for_each(|(key, value)| push_value(tape, Text::utf8(key), value));
        }
        _ => {}
    }
}

/// A rule as words; what it does not say is as in the configuration.
pub(super) struct RuleWords {
    pub(super) name: String,
    pub(super) parts: Vec<&'static str>,
    pub(super) keys: Vec<String>,
    pub(super) except: Vec<String>,
    pub(super) unless: Vec<String>,
    pub(super) detectors: Vec<&'static str>,
    pub(super) action: Vec<String>,
    pub(super) keep_type: bool,
}

pub(super) const PARTS: [&str; 9] = [
    "attributes",
    "events",
    "links",
    "resource",
    "scope",
    "name",
    "status",
    "eventName",
    "traceState",
];

pub(super) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(super) fn on(keys: &[&str], action: &[&str]) -> RuleWords {
    RuleWords {
        name: format!("{keys:?}{action:?}"),
        parts: PARTS.to_vec(),
        keys: strings(keys),
        except: Vec::new(),
        unless: Vec::new(),
        detectors: Vec::new(),
        action: strings(action),
        keep_type: false,
    }
}

pub(super) fn searching(detectors: &[&'static str], action: &str) -> RuleWords {
    RuleWords { detectors: detectors.to_vec(), ..on(&[], &[action]) }
}

impl RuleWords {
    pub(super) fn typed(self) -> Self {
        RuleWords { keep_type: true, ..self }
    }

    pub(super) fn within(self, parts: &[&'static str]) -> Self {
        RuleWords { parts: parts.to_vec(), ..self }
    }

    pub(super) fn unless(self, texts: &[&str]) -> Self {
        RuleWords { unless: strings(texts), ..self }
    }

    pub(super) fn except(self, keys: &[&str]) -> Self {
        RuleWords { except: strings(keys), ..self }
    }

    fn words(&self) -> Vec<String> {
        let parts: Vec<String> = strings(&self.parts);
        let mut words = vec![self.name.clone()];
        words.extend(listed(&parts));
        words.extend(["false".to_owned(), self.keep_type.to_string()]);
        let detectors = strings(&self.detectors);
        for list in [&self.keys, &self.except, &self.unless, &detectors] {
            words.extend(listed(list));
        }
        words.extend(self.action.clone());
        words
    }
}

fn listed(items: &[String]) -> Vec<String> {
    std::iter::once(items.len().to_string()).chain(items.iter().cloned()).collect()
}

pub(super) const KEY: &[u8] = b"a key of the tests, with 32 bytes";

/// Conditions with a name, rules of one stage, and attribute rules, as words.
pub(super) fn compiled(drop: &[&[&str]], rules: &[RuleWords], attributes: &[&[&str]]) -> Process {
    let mut words = vec!["[redacted]".to_owned(), drop.len().to_string()];
    drop.iter().for_each(|rule| words.extend(strings(rule)));
    words.extend(["1".to_owned(), rules.len().to_string()]);
    rules.iter().for_each(|rule| words.extend(rule.words()));
    words.push(attributes.len().to_string());
    attributes.iter().for_each(|rule| words.extend(strings(rule)));
    Process::compile(&words, Some(KEY)).unwrap()
}

pub(super) fn redacting(rules: &[RuleWords]) -> Process {
    compiled(&[], rules, &[])
}

/// Everything of it as JSON, processed.
pub(super) fn json(process: &Process, spans: &[Made]) -> String {
    let arena = Bump::new();
    let mut batch = batch(spans);
    process.apply(&mut batch, &arena);
    String::from_utf8(otlp::encode(Protocol::HttpJson, &batch).body).unwrap()
}

/// Both bodies, and what is said of the batch.
pub(super) fn bodies(process: &Process, spans: &[Made]) -> (Vec<Vec<u8>>, Processed) {
    let arena = Bump::new();
    let mut batch = batch(spans);
    let processed = process.apply(&mut batch, &arena);
    (encoded(&batch), processed)
}

pub(super) fn encoded(batch: &SpanBatch<'_>) -> Vec<Vec<u8>> {
    let protocols = [Protocol::HttpProtobuf, Protocol::HttpJson];
    protocols.iter().map(|protocol| otlp::encode(*protocol, batch).body).collect()
}

/// What becomes of attributes, as a value of JSON: `{"a":…}` with OTLP's own names of types.
pub(super) fn attributes(rules: &[RuleWords], given: &[(&str, Value)]) -> String {
    shown(&redacting(rules), given)
}

pub(super) fn shown(process: &Process, given: &[(&str, Value)]) -> String {
    let span = Made { attributes: members(given), ..Made::default() };
    let text = json(process, &[span]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let attributes = &value["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"];
    let shown: Vec<String> = attributes
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| format!("{}={}", pair["key"].as_str().unwrap(), plain(&pair["value"])))
        .collect();
    shown.join(" ")
}

fn plain(value: &serde_json::Value) -> String {
    let Some((name, value)) = value.as_object().and_then(|members| members.iter().next()) else {
        return "null".to_owned();
    };
    match name.as_str() {
        "arrayValue" => {
            let items = value["values"].as_array().unwrap().iter().map(plain);
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        "kvlistValue" => {
            let members = value["values"].as_array().unwrap().iter();
            let members = members
                .map(|pair| format!("{}:{}", pair["key"].as_str().unwrap(), plain(&pair["value"])));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        "bytesValue" => format!("b{value}"),
        _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// A generator of numbers that needs no crate.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    pub(super) fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Empty,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Number(self.below(1000) as f64 / 4.0),
            3 => Value::Bytes((0..self.below(5)).map(|at| at as u8).collect()),
            6 => Value::List((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            7 => Value::Map(self.members(depth - 1)),
            _ => Value::Text(
                self.pick(&["", "GET /x", "größe", "1 2 3", "a@b", "€😀", "x_y-z:"]).to_owned(),
            ),
        }
    }

    pub(super) fn members(&mut self, depth: usize) -> Members {
        const KEYS: [&str; 8] = ["a", "b", "http.url", "secret", "user.email", "c.d", "ключ", ""];
        (0..self.below(6)).map(|_| (self.pick(&KEYS).to_owned(), self.value(depth))).collect()
    }

    pub(super) fn span(&mut self) -> Made {
        Made {
            resource: if self.below(2) == 0 { Members::new() } else { self.members(2) },
            scope: self.members(1),
            scope_name: "scope".to_owned(),
            name: self.pick(&["GET /", "SELECT", ""]).to_owned(),
            status: self.pick(&["", "failed", "größe"]).to_owned(),
            trace_state: self.pick(&["", "a=1,b=2"]).to_owned(),
            attributes: self.members(3),
            event_name: "event".to_owned(),
            event: self.members(2),
            link_state: String::new(),
            link: self.members(1),
            kind: self.below(6) as f64,
            status_code: self.below(3) as f64,
            millis: self.below(2000) as f64,
        }
    }
}
