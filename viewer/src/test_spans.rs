//! Spans for tests, written as OTLP/JSON and read by the code that reads files.

use foldhash::quality::RandomState;

use crate::{
    index::{FileState, Index},
    parse::{LONGEST_VALUE, LineParser, Part},
    source::Input,
};

pub(crate) const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

/// A span of the service `shop` with members that a test may change.
#[derive(Clone, Debug)]
pub(crate) struct TestSpan {
    pub trace: u128,
    pub id: u64,
    pub parent: u64,
    pub name: String,
    pub start: u64,
    pub end: u64,
    pub service: String,
    pub scope: String,
    pub status: u8,
    /// Other members of the span, each behind a comma.
    pub more: String,
    /// The list of its attributes, in OTLP/JSON.
    pub attributes: String,
}

pub(crate) fn span(id: u64, parent: u64, start: u64, end: u64) -> TestSpan {
    TestSpan {
        trace: TRACE,
        id,
        parent,
        name: format!("span {id}"),
        start,
        end,
        service: "shop".into(),
        scope: "http".into(),
        status: 0,
        more: String::new(),
        attributes: String::new(),
    }
}

/// An attribute of a list; `value` is its JSON, as `{"intValue":5}`.
pub(crate) fn attribute(key: &str, value: &str) -> String {
    format!("{{\"key\":\"{key}\",\"value\":{value}}}")
}

impl TestSpan {
    /// The line of a request with this span alone.
    pub fn line(&self) -> String {
        let TestSpan {
            trace,
            id,
            parent,
            name,
            start,
            end,
            service,
            scope,
            status,
            more,
            attributes,
        } = self;
        let parent = if *parent == 0 {
            String::new()
        } else {
            format!("\"parentSpanId\":\"{parent:016x}\",")
        };
        format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},"scopeSpans":[{{"scope":{{"name":"{scope}"}},"spans":[{{"traceId":"{trace:032x}","spanId":"{id:016x}",{parent}"name":"{name}","kind":2,"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}","attributes":[{attributes}],"status":{{"code":{status}}}{more}}}]}}]}}]}}"#
        )
    }
}

pub(crate) fn lines(spans: &[TestSpan]) -> String {
    spans.iter().map(|span| span.line() + "\n").collect()
}

/// The index of a file with these lines.
pub(crate) fn index_of(text: &str) -> Index {
    index_with(text, u64::MAX)
}

pub(crate) fn index_with(text: &str, max_memory: u64) -> Index {
    let key = RandomState::default();
    let mut index = Index::new(&key, max_memory);
    index.files.push(FileState::new(Input::StandardInput));
    let mut parser = LineParser::default();
    for line in text.lines() {
        let mut part = Part::new(key.clone());
        parser.parse(line.as_bytes(), 0, true, LONGEST_VALUE, &mut part);
        index.merge(part, 0);
    }
    index
}

/// The same in one line for many spans of one service, which is faster.
pub(crate) fn index_of_many(spans: impl Iterator<Item = TestSpan>) -> Index {
    let (mut text, mut tail) = (String::new(), String::new());
    for (number, span) in spans.enumerate() {
        let line = span.line();
        let Some((head, rest)) = line.split_once("\"spans\":[") else { continue };
        let Some(end) = rest.len().checked_sub("]}]}]}".len()) else { continue };
        text.push_str(match number % 512 {
            0 if number > 0 => "]}]}]}\n",
            0 => "",
            _ => ",",
        });
        if number % 512 == 0 {
            text.push_str(head);
            text.push_str("\"spans\":[");
        }
        text.push_str(rest.get(..end).unwrap_or_default());
        tail = "]}]}]}".into();
    }
    index_of(&(text + &tail))
}

pub(crate) fn index_of_spans(spans: &[TestSpan]) -> Index {
    index_of(&lines(spans))
}

/// Numbers that are the same in every run.
pub(crate) struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
