//! A span that the event-loop monitor has made, and attributes of a resource, as plain objects.

use std::time::Duration;

use napi::bindgen_prelude::{Either3, Either4};
use napi_derive::napi;
use offloop::span::owned::{OwnedSpan, Pair, Value};

type Primitive = Either3<String, f64, bool>;
type AttributeValue = Either4<String, f64, bool, Vec<Primitive>>;

/// An attribute.
#[napi(object)]
pub struct JsAttribute {
    /// Key.
    pub key: String,
    /// Value.
    pub value: Either4<String, f64, bool, Vec<Primitive>>,
}

/// A moment since the Unix epoch, as OpenTelemetry JS writes it.
pub type JsHrTime = Vec<f64>;

/// A block that is over, for exporters that are not ours, and for listeners.
#[napi(object, object_from_js = false)]
pub struct JsBlock {
    /// Trace id.
    pub trace_id: String,
    /// Span id.
    pub span_id: String,
    /// Parent in the same trace.
    pub parent_span_id: Option<String>,
    /// Name.
    pub name: String,
    /// Start.
    pub start: JsHrTime,
    /// End.
    pub end: JsHrTime,
    /// Attributes.
    pub attributes: Vec<JsAttribute>,
    /// Events.
    pub events: Vec<JsBlockEvent>,
    /// Trace and span ids, one pair after the other.
    pub links: Vec<String>,
    /// Name of the scope.
    pub scope_name: String,
    /// Number of the turn that was blocked.
    pub turn: f64,
}

/// An event of a block's span.
#[napi(object, object_from_js = false)]
pub struct JsBlockEvent {
    /// Name.
    pub name: String,
    /// Time.
    pub time: JsHrTime,
    /// Attributes.
    pub attributes: Vec<JsAttribute>,
}

pub fn block(span: OwnedSpan, turn: u64) -> JsBlock {
    JsBlock {
        trace_id: span.ids.trace_id,
        span_id: span.ids.span_id,
        parent_span_id: span.parent_span_id,
        name: span.name,
        start: hr_time(span.start),
        end: hr_time(span.end),
        attributes: attributes(span.attributes),
        events: span
            .events
            .into_iter()
            .map(|event| JsBlockEvent {
                name: event.name,
                time: hr_time(event.time),
                attributes: attributes(event.attributes),
            })
            .collect(),
        links: span.links.into_iter().flat_map(|ids| [ids.trace_id, ids.span_id]).collect(),
        scope_name: span.scope_name,
        turn: turn as f64,
    }
}

fn hr_time(since_epoch: Duration) -> JsHrTime {
    vec![since_epoch.as_secs() as f64, f64::from(since_epoch.subsec_nanos())]
}

fn attributes(pairs: Vec<Pair>) -> Vec<JsAttribute> {
    let convert = |value| match value {
        Value::Text(text) => Either4::A(text),
        Value::Number(number) => Either4::B(number),
        Value::Bool(bool) => Either4::C(bool),
        Value::List(_) => Either4::D(Vec::new()), // blocks have none
    };
    pairs.into_iter().map(|(key, value)| JsAttribute { key, value: convert(value) }).collect()
}

pub fn pairs(attributes: Vec<JsAttribute>) -> Vec<Pair> {
    let primitive = |value: Primitive| match value {
        Either3::A(text) => Value::Text(text),
        Either3::B(number) => Value::Number(number),
        Either3::C(bool) => Value::Bool(bool),
    };
    let convert = |value: AttributeValue| match value {
        Either4::A(text) => Value::Text(text),
        Either4::B(number) => Value::Number(number),
        Either4::C(bool) => Value::Bool(bool),
        Either4::D(items) => Value::List(items.into_iter().map(primitive).collect()),
    };
    attributes.into_iter().map(|JsAttribute { key, value }| (key, convert(value))).collect()
}
