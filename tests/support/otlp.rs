//! Real requests of as many spans as a batch announces.

use std::sync::Arc;

use offloop::{
    exporter::Transform,
    handoff::RawBatch,
    otlp::{self, Protocol},
    span::{Attributes, HrTime, Resource, Scope, Span, SpanBatch, Text},
};

/// Spans of a real request, `spans` of them, with the trace id counting up.
pub fn transform(protocol: Protocol) -> Transform {
    Arc::new(move |raw: RawBatch| {
        let attributes = || Attributes { entries: 0..0, count: 0 };
        let ids: Vec<String> = (1..=raw.spans()).map(|id| format!("{id:032x}")).collect();
        let resource = Resource { attributes: attributes(), schema_url: None };
        let scope = Scope {
            name: Some(Text::utf8("scope")),
            version: None,
            schema_url: None,
            attributes: None,
            dropped_attributes: f64::NAN,
        };
        let spans = ids.iter().map(|id| Span {
            resource: 0,
            scope: 0,
            trace_id: Text::utf8(id),
            span_id: Text::utf8("00000000000000ff"),
            trace_state: None,
            parent_span_id: None,
            name: Some(Text::utf8("a span with a name")),
            kind: 0.0,
            start: HrTime::default(),
            end: HrTime::default(),
            status_code: 0.0,
            status_message: None,
            flags: 1.0,
            dropped_attributes: 0.0,
            dropped_events: 0.0,
            dropped_links: 0.0,
            attributes: attributes(),
            events: 0..0,
            links: 0..0,
            texts: &[],
        });
        let batch = SpanBatch {
            resources: vec![resource],
            scopes: vec![scope],
            spans: spans.collect(),
            ..SpanBatch::default()
        };
        Ok(otlp::encode(protocol, &batch))
    })
}
