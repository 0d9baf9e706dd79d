//! The span of a block: which of its stacks is told, names, attributes, parent and links.
//! It refuses to deliver it.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use super::{
    block::Block,
    open_spans::{About, OpenSpan},
    stack::{StackSample, culprit, text},
};
use crate::{
    clock::Moment,
    span::owned::{OwnedEvent, OwnedSpan, Pair, SpanIds, Value},
};

/// Name of the spans.
pub const SPAN_NAME: &str = "event-loop-blocked";
/// Name of their scope, and of the events that carry a stack.
pub const SCOPE_NAME: &str = "offloop/event-loop-monitor";
/// Name of the event of each stack.
pub const STACK_EVENT: &str = "event_loop.block.stack";
/// A turn opens the spans of what it handles after it has woken up: those count as begun before the block.
const SAME_TURN: Duration = Duration::from_millis(10);
/// Links of a span at most.
const MAX_LINKS: usize = 32;

/// What all spans of a loop have in common.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Attributes of the resource.
    pub resource: Vec<Pair>,
    /// Version of this package.
    pub version: String,
    /// Number of the JavaScript thread; 0 is the main thread.
    pub thread_id: u32,
}

/// Where a block belongs: the spans that were open in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    parent: Option<SpanIds>,
    others: Vec<SpanIds>,
    /// Of the parent's trace: the span of the request that the block held up, and those that were open within it.
    request: Vec<OpenSpan>,
}

/// What the request that a block held up is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestName {
    /// The route that serves it.
    Route(String),
    /// The name of its span.
    Span(String),
}

impl Family {
    /// `seen` is in the order in which the spans began.
    pub fn new(seen: Vec<OpenSpan>, block_start: Moment) -> Self {
        let mut open: Vec<_> = seen.into_iter().filter(|span| !span.has_ended).collect();
        let began_before = |span: &OpenSpan| span.start <= block_start.after(SAME_TURN);
        let at = open.iter().rposition(began_before);
        let request = at.and_then(|at| open.get(..=at)).map_or_else(Vec::new, request);
        let parent = at.map(|at| open.remove(at).ids);
        let surplus = open.len().saturating_sub(MAX_LINKS - 1);
        let others = open.into_iter().skip(surplus).map(|span| span.ids).collect();
        Family { parent, others, request }
    }

    /// The name of the request by what is told of its spans `now`, be they open or not.
    pub fn request_name(
        &self,
        now: &[OpenSpan],
        text: impl Fn(About) -> Option<String>,
    ) -> Option<RequestName> {
        let abouts: Vec<About> = self
            .request
            .iter()
            .map(|then| now.iter().find(|span| span.ids == then.ids).unwrap_or(then).about)
            .collect();
        let route = abouts.iter().find(|about| about.has_route());
        match route.and_then(|about| text(*about)) {
            Some(route) => Some(RequestName::Route(route)),
            None => abouts.first().and_then(|about| text(*about)).map(RequestName::Span),
        }
    }
}

/// The spans of one request, from the outside in: those of the last one's trace, from the innermost one that serves a
/// request; if none does, all of them.
fn request(candidates: &[OpenSpan]) -> Vec<OpenSpan> {
    let Some(last) = candidates.last() else { return Vec::new() };
    let mut of_trace: Vec<OpenSpan> =
        candidates.iter().filter(|span| span.ids.trace_id == last.ids.trace_id).cloned().collect();
    let outermost = of_trace.iter().rposition(|span| span.about.is_request()).unwrap_or_default();
    of_trace.split_off(outermost)
}

/// The span of `block`. `opened`: the span that reported it while it lasted.
pub fn span(
    block: &Block,
    origin: &Origin,
    family: &Family,
    request: Option<RequestName>,
    opened: Option<&SpanIds>,
) -> OwnedSpan {
    let trace_id = match (&family.parent, opened) {
        (Some(parent), _) => parent.trace_id.clone(),
        (None, Some(opened)) => opened.trace_id.clone(),
        (None, None) => random_hex() + &random_hex(),
    };
    OwnedSpan {
        resource: origin.resource.clone(),
        scope_name: SCOPE_NAME.to_owned(),
        scope_version: origin.version.clone(),
        ids: SpanIds { trace_id, span_id: random_hex() },
        parent_span_id: family.parent.as_ref().map(|parent| parent.span_id.clone()),
        name: SPAN_NAME.to_owned(),
        start: block.start_wall,
        end: block.start_wall + block.end.since(block.start),
        attributes: attributes(block, origin, request),
        events: block.stacks.iter().map(|sample| event(block, sample)).collect(),
        links: opened.into_iter().chain(&family.others).cloned().collect(),
    }
}

fn attributes(block: &Block, origin: &Origin, request: Option<RequestName>) -> Vec<Pair> {
    let mut attributes = Vec::with_capacity(16);
    let mut add = |key: &str, value: Value| attributes.push((key.to_owned(), value));
    add("label", "EventLoopMonitor".into());
    add("asyncType", "unknown".into());
    add("event_loop.block.duration_ms", millis(block.end.since(block.start)));
    if let Some(cpu) = block.times.cpu {
        add("event_loop.block.cpu_ms", millis(cpu));
    }
    add("event_loop.block.cause", block.cause.as_str().into());
    add("event_loop.block.ongoing", Value::Bool(block.is_ongoing));
    let severity = if block.is_critical { "critical" } else { "warning" };
    add("event_loop.block.severity", severity.into());
    if !block.times.gc.is_zero() {
        add("event_loop.block.gc_ms", millis(block.times.gc));
    }
    if !block.times.paused.is_zero() {
        add("event_loop.block.paused_ms", millis(block.times.paused));
    }
    match request {
        Some(RequestName::Route(route)) => add("http.route", Value::Text(route)),
        Some(RequestName::Span(name)) => add("event_loop.block.root_span.name", Value::Text(name)),
        None => (),
    }
    add("thread.id", Value::Number(f64::from(origin.thread_id)));
    // The first stack that shows code of the application; it was asked for at the threshold.
    let shows = |sample: &&StackSample| sample.frames.iter().any(|frame| frame.is_application());
    let sample = block.stacks.iter().find(shows).or_else(|| block.stacks.first());
    if let Some((sample, frame)) = sample.and_then(|it| Some((it, culprit(&it.frames)?))) {
        let name = if frame.function.is_empty() { "<anonymous>" } else { &frame.function };
        add("code.function.name", name.into());
        add("code.file.path", Value::Text(frame.path()));
        add("code.line.number", Value::Number(f64::from(frame.line)));
        add("code.column.number", Value::Number(f64::from(frame.column)));
        add("code.stacktrace", Value::Text(text(&sample.frames)));
    }
    attributes
}

fn event(block: &Block, sample: &StackSample) -> OwnedEvent {
    let after_start = |moment: Moment| moment.since(block.start);
    OwnedEvent {
        time: block.start_wall + after_start(sample.captured_at),
        name: STACK_EVENT.to_owned(),
        attributes: vec![
            ("code.stacktrace".to_owned(), Value::Text(text(&sample.frames))),
            (format!("{STACK_EVENT}.requested_ms"), millis(after_start(sample.requested_at))),
            (format!("{STACK_EVENT}.captured_ms"), millis(after_start(sample.captured_at))),
        ],
    }
}

fn millis(duration: Duration) -> Value {
    Value::Number(duration.as_micros() as f64 / 1e3)
}

/// 16 hex digits, not all zero. Unique, not secret.
fn random_hex() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("{:016x}", number.max(1))
}
