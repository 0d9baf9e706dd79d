//! What the transform reads of a span, picked from a decoded one in one pass over its attributes (T2).
//! It refuses to parse: attribute texts stay as they came.

use bumpalo::Bump;

use super::{
    invalid::{Invalid, Part, Problem},
    number::from_f64,
    text::{put_string_of, quote},
    value::Value,
};
use crate::span::{Entry, HrTime, Node, Span, SpanBatch, Text};

/// A finished span of the recorder, views only. Texts are WTF-8: a raw lone surrogate survives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// Trace id.
    pub trace_id: Text<'a>,
    /// Span id.
    pub span_id: Text<'a>,
    /// Empty for a root.
    pub parent_span_id: Text<'a>,
    /// OpenTelemetry's kind: INTERNAL 0, SERVER 1, CLIENT 2, PRODUCER 3, CONSUMER 4.
    pub kind: f64,
    /// OpenTelemetry's status: UNSET 0, OK 1, ERROR 2.
    pub status_code: f64,
    /// Empty if absent.
    pub status_message: Text<'a>,
    /// Start, printed as it is.
    pub start: HrTime,
    /// Duration, printed as it is.
    pub duration: HrTime,
    /// Name of the instrumentation scope; empty if absent.
    pub library_name: Text<'a>,
    /// `td.name`
    pub name: Option<Value<'a>>,
    /// `td.packageName`
    pub package_name: Option<Value<'a>>,
    /// `td.instrumentationName`
    pub instrumentation_name: Option<Value<'a>>,
    /// `td.submodule`
    pub submodule: Option<Value<'a>>,
    /// `td.packageType`
    pub package_type: Option<Value<'a>>,
    /// `td.isPreAppStart` is exactly `true`.
    pub is_pre_app_start: bool,
    /// `td.inputValue`
    pub input_value: Option<Text<'a>>,
    /// `td.inputSchemaMerges`
    pub input_schema_merges: Option<Text<'a>>,
    /// `td.outputValue`
    pub output_value: Option<Text<'a>>,
    /// `td.outputSchemaMerges`
    pub output_schema_merges: Option<Text<'a>>,
    /// `td.metadata`
    pub metadata: Option<Text<'a>>,
    /// `td.transformMetadata`
    pub transform_metadata: Option<Text<'a>>,
}

impl<'a> Input<'a> {
    /// Picks the input out of a decoded span.
    ///
    /// The hand-off record of a recorded span differs from an OTLP one in a single slot: `end` holds the span's
    /// `duration`. `kind` is the OTLP number (OpenTelemetry's plus one), as `js/handoff/span_record_writer.js` writes it.
    ///
    /// # Errors
    /// `NotText` where `td.inputValue` or `td.outputValue` is neither a string nor falsy: the recorder throws there.
    pub fn from_span(
        batch: &SpanBatch<'a>,
        span: &Span<'a>,
        arena: &'a Bump,
    ) -> Result<Input<'a>, Invalid> {
        let scope = batch.scopes.get(span.scope as usize);
        let mut input = Input {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id.unwrap_or_default(),
            kind: span.kind - 1.0,
            status_code: span.status_code,
            status_message: span.status_message.unwrap_or_default(),
            start: span.start,
            duration: span.end,
            library_name: scope.and_then(|scope| scope.name).unwrap_or_default(),
            ..Input::default()
        };
        let mut entries = batch.entries(&span.attributes);
        for _ in 0..span.attributes.count {
            let Some((entry, after)) = entries.split_first() else { break };
            let rest = skip_value(entry, after);
            input.take(entry, after, arena)?;
            entries = rest;
        }
        Ok(input)
    }

    /// Bytes of JSON that the clean span repeats: what its line will be long, roughly and from below.
    pub(super) fn recorded_bytes(&self) -> usize {
        let texts = [self.input_value, self.output_value, self.metadata, self.transform_metadata];
        texts.into_iter().flatten().map(|text| text.bytes.len()).sum()
    }

    /// Takes one attribute; `inside` begins with what an array holds.
    fn take(
        &mut self,
        entry: &Entry<'a>,
        inside: &[Entry<'a>],
        arena: &'a Bump,
    ) -> Result<(), Invalid> {
        let value = || to_value(entry.node, inside, arena);
        match entry.key.bytes {
            b"td.name" => self.name = value(),
            b"td.packageName" => self.package_name = value(),
            b"td.instrumentationName" => self.instrumentation_name = value(),
            b"td.submodule" => self.submodule = value(),
            b"td.packageType" => self.package_type = value(),
            b"td.isPreAppStart" => self.is_pre_app_start = entry.node == Node::Bool(true),
            b"td.inputValue" => self.input_value = payload(entry.node, Part::InputValue)?,
            b"td.outputValue" => {
                self.output_value = payload(entry.node, Part::OutputValue)?
                    .filter(|_| matches!(entry.node, Node::Text(_)));
            }
            b"td.inputSchemaMerges" => self.input_schema_merges = to_text(entry.node, value, arena),
            b"td.outputSchemaMerges" => {
                self.output_schema_merges = to_text(entry.node, value, arena);
            }
            b"td.metadata" => self.metadata = to_text(entry.node, value, arena),
            b"td.transformMetadata" => self.transform_metadata = to_text(entry.node, value, arena),
            // Other attributes are skipped: neither lines nor requests have a place for them (R13).
            _ => {}
        }
        Ok(())
    }
}

/// The text of a payload. The recorder measures what is truthy, and only a string can be measured; what is falsy goes
/// on to `JSON.parse`, which makes a string of it.
fn payload(node: Node<'_>, part: Part) -> Result<Option<Text<'_>>, Invalid> {
    match node {
        Node::Text(text) => Ok(Some(text)),
        Node::Empty => Ok(None),
        Node::Number(0.0) => Ok(Some(Text::utf8("0"))),
        Node::Number(number) if number.is_nan() => Ok(Some(Text::utf8("NaN"))),
        Node::Bool(false) => Ok(Some(Text::utf8("false"))),
        _ => Err(Invalid::new(part, Problem::NotText)),
    }
}

/// What `JSON.parse` reads of an optional attribute: its string form; absent where it is falsy.
fn to_text<'a>(
    node: Node<'a>,
    value: impl FnOnce() -> Option<Value<'a>>,
    arena: &'a Bump,
) -> Option<Text<'a>> {
    if let Node::Text(text) = node {
        return Some(text);
    }
    let value = value().filter(Value::is_truthy)?;
    let mut text = Vec::new();
    let has_surrogates = put_string_of(&mut text, value);
    Some(Text { bytes: arena.alloc_slice_copy(&text), has_surrogates })
}

/// An attribute as a value. Maps and byte arrays are no attributes of these SDKs.
fn to_value<'a>(node: Node<'a>, inside: &[Entry<'a>], arena: &'a Bump) -> Option<Value<'a>> {
    Some(match node {
        Node::Empty | Node::Bytes(_) | Node::Map(_) => return None,
        Node::Bool(value) => Value::Bool(value),
        Node::Number(number) => from_f64(number, arena),
        Node::Text(text) => Value::Text(quote(text, arena)),
        Node::Array(count) => {
            let elements: Vec<Value> = inside
                .iter()
                .take(count as usize)
                .map(|element| to_value(element.node, &[], arena).unwrap_or(Value::Null))
                .collect();
            Value::Array(arena.alloc_slice_copy(&elements))
        }
    })
}

/// What follows a value and all it holds.
fn skip_value<'e, 'a>(entry: &Entry<'a>, after: &'e [Entry<'a>]) -> &'e [Entry<'a>] {
    let mut rest = after;
    let mut values = children(entry);
    while values > 0 {
        let Some((child, after)) = rest.split_first() else { break };
        values += children(child);
        values -= 1;
        rest = after;
    }
    rest
}

fn children(entry: &Entry<'_>) -> u64 {
    match entry.node {
        Node::Array(count) | Node::Map(count) => u64::from(count),
        _ => 0,
    }
}
