//! What the spans of blocks say.

use std::time::Duration;

use super::{
    super::{
        open_spans::{About, OpenSpan, OpenSpanTable},
        report::{self, Family, Origin, RequestName},
        world::ms,
    },
    sample_block,
};
use crate::{
    clock::Moment,
    span::owned::{SpanIds, Value},
};

#[test]
fn r90_the_names_of_the_monitor_that_this_one_replaces_are_kept() {
    let span = report::span(&sample_block(), &Origin::default(), &Family::default(), None, None);
    assert_eq!(span.name, "event-loop-blocked");
    assert_eq!(span.attribute("label"), Some(&"EventLoopMonitor".into()));
    assert_eq!(span.attribute("asyncType"), Some(&"unknown".into()));
    assert_eq!(span.attribute("event_loop.block.duration_ms"), Some(&Value::Number(250.0)));
    assert_eq!(span.attribute("event_loop.block.cause"), Some(&"cpu".into()));
    assert_eq!(span.attribute("event_loop.block.ongoing"), Some(&Value::Bool(false)));
    assert_eq!(span.attribute("code.function.name"), Some(&"guilty".into()));
    assert_eq!(span.attribute("code.file.path"), Some(&"/app/main.js".into()));
    assert_eq!(span.attribute("code.line.number"), Some(&Value::Number(7.0)));
    assert_eq!(span.events.len(), 2, "a stack at the threshold and one at twice");
    assert_eq!(span.ids.trace_id.len(), 32);
    assert_eq!(span.ids.span_id.len(), 16);
}

fn seen(ids: SpanIds, millis: u64, about: About) -> OpenSpan {
    OpenSpan { ids, start: Moment(ms(millis)), has_ended: false, about }
}

#[test]
fn the_parent_is_the_latest_span_that_was_open_before_and_the_others_are_linked() {
    let ids = |name: &str| SpanIds { trace_id: name.repeat(32), span_id: name.repeat(16) };
    let span = |name: &str, millis| seen(ids(name), millis, About::default());
    let block = sample_block();
    let start = u64::try_from(block.start.0.as_millis()).unwrap();
    let open = vec![
        span("a", start - 500),
        span("b", start - 20),
        span("c", start + 1), // opened by the turn itself
        span("d", start + 80),
    ];
    let family = Family::new(open, block.start);
    let made = report::span(&block, &Origin::default(), &family, None, None);
    assert_eq!(made.ids.trace_id, ids("c").trace_id);
    assert_eq!(made.parent_span_id, Some(ids("c").span_id));
    assert_eq!(made.links, [ids("a"), ids("b"), ids("d")]);
}

/// Spans of one trace by their names, each begun a millisecond after the one before; and what they are called.
struct Trace {
    table: OpenSpanTable,
    spans: Vec<OpenSpan>,
}

impl Trace {
    fn new(spans: &[(&str, About)]) -> Trace {
        let ids = |name: &str| SpanIds { trace_id: "a".repeat(32), span_id: name.to_owned() };
        let spans = spans.iter().zip(1..);
        let spans = spans.map(|((name, about), at)| seen(ids(name), at, *about)).collect();
        Trace { table: OpenSpanTable::default(), spans }
    }

    fn about(&self, text: &str, is_request: bool, is_route: bool) -> About {
        About::new(self.table.add_text(text), is_request, is_route)
    }

    fn name(&self, family: &Family, now: &[OpenSpan]) -> Option<RequestName> {
        family.request_name(now, |about| self.table.text(about))
    }
}

const LATER: Moment = Moment(Duration::from_secs(1));

#[test]
fn r114_a_block_names_the_route_of_the_request_that_it_held_up() {
    let trace = Trace::new(&[]);
    let server = trace.about("GET", true, false);
    let handler = trace.about("/users/:id", false, true);
    let spans = [("server", server), ("handler", handler), ("query", About::default())];
    let spans = Trace::new(&spans).spans;
    let family = Family::new(spans.clone(), LATER);
    let route = |text: &str| Some(RequestName::Route(text.to_owned()));
    assert_eq!(trace.name(&family, &spans), route("/users/:id"), "a framework's span knows it");
    // The request's own span gets it late, and has ended by then.
    let mut now = spans.clone();
    now[0].about = trace.about("/api/users/:id", true, true);
    now[0].has_ended = true;
    assert_eq!(trace.name(&family, &now), route("/api/users/:id"));
    // Its entry is needed for another span: what was known when the block was noticed holds.
    assert_eq!(trace.name(&family, &[]), route("/users/:id"));
}

#[test]
fn r114_without_a_route_a_block_names_the_span_of_the_request() {
    let trace = Trace::new(&[]);
    let name = |text: &str| Some(RequestName::Span(text.to_owned()));
    let job = trace.about("nightly job", false, false);
    let spans = Trace::new(&[("job", job), ("step", About::default())]).spans;
    assert_eq!(trace.name(&Family::new(spans.clone(), LATER), &spans), name("nightly job"));
    // A request that this process serves for another one of its own is a request of its own.
    let outer = trace.about("/outer", true, true);
    let inner = trace.about("POST", true, false);
    let spans = Trace::new(&[("outer", outer), ("client", About::default()), ("inner", inner)]);
    let family = Family::new(spans.spans.clone(), LATER);
    assert_eq!(trace.name(&family, &spans.spans), name("POST"));
    // Spans of other traces, and those that had ended before, say nothing of it.
    let mut spans = Trace::new(&[("ended", outer), ("open", About::default())]).spans;
    spans[0].has_ended = true;
    assert_eq!(trace.name(&Family::new(spans.clone(), LATER), &spans), None);
    let mut spans = Trace::new(&[("other", outer), ("open", About::default())]).spans;
    spans[0].ids.trace_id = "b".repeat(32);
    assert_eq!(trace.name(&Family::new(spans.clone(), LATER), &spans), None);
    assert_eq!(trace.name(&Family::default(), &spans), None);
}

#[test]
fn r114_the_name_of_a_request_is_an_attribute_of_its_own() {
    let attribute = |request| {
        let (origin, family) = (Origin::default(), Family::default());
        let span = report::span(&sample_block(), &origin, &family, request, None);
        ["http.route", "event_loop.block.root_span.name"].map(|key| span.attribute(key).cloned())
    };
    let route = RequestName::Route("/a/:b".to_owned());
    assert_eq!(attribute(Some(route)), [Some("/a/:b".into()), None]);
    assert_eq!(attribute(Some(RequestName::Span("job".to_owned()))), [None, Some("job".into())]);
    assert_eq!(attribute(None), [None, None]);
}
