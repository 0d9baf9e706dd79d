//! One span: its members, in the order in which they happen to be, and in either spelling.

use super::{
    attributes::{AttributeReader, Of, member},
    id::{parse_span_id, parse_trace_id},
    part::{Part, PartLink, PartSpan},
    scalar::{enumeration, unsigned},
    tape::Item,
};
use crate::span_flags::Flags;

const KIND_NAMES: [&str; 6] =
    ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS_NAMES: [&str; 3] = ["UNSET", "OK", "ERROR"];

/// Where a span stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub resource: u32,
    pub scope: u32,
    pub line: u32,
    pub ordinal: u32,
}

/// Members by name; of a name that is there twice, the last.
#[derive(Default)]
struct Members<'t, 'l> {
    trace: Option<Item<'t, 'l>>,
    id: Option<Item<'t, 'l>>,
    parent: Option<Item<'t, 'l>>,
    name: Option<Item<'t, 'l>>,
    kind: Option<Item<'t, 'l>>,
    start: Option<Item<'t, 'l>>,
    end: Option<Item<'t, 'l>>,
    attributes: Option<Item<'t, 'l>>,
    events: Option<Item<'t, 'l>>,
    links: Option<Item<'t, 'l>>,
    status: Option<Item<'t, 'l>>,
}

/// Appends the span. Returns whether it is one: something with a name or a time of start.
pub(super) fn read_span(item: Item<'_, '_>, place: Place, longest: usize, part: &mut Part) -> bool {
    let members = members_of(item);
    if members.name.is_none() && members.start.is_none() {
        return false;
    }
    let start = members.start.and_then(unsigned).unwrap_or(0);
    let end = members.end.and_then(unsigned).unwrap_or(0);
    let kind = members.kind.map_or(0, |kind| enumeration(kind, "SPAN_KIND_", &KIND_NAMES));
    let code = members.status.and_then(|status| member(status, &["code"]));
    let status = code.map_or(0, |code| enumeration(code, "STATUS_CODE_", &STATUS_NAMES));

    let name = part.dictionary.intern_text(text(members.name), longest);
    read_attributes(&members, longest, part);
    read_links(&members, part);
    let has_start = start > 0;
    part.spans.push(PartSpan {
        trace: parse_trace_id(text(members.trace)),
        id: parse_span_id(text(members.id)),
        parent: parse_span_id(text(members.parent)),
        start,
        duration: if has_start { end.saturating_sub(start) } else { 0 },
        name,
        resource: place.resource,
        scope: place.scope,
        line: place.line,
        ordinal: place.ordinal,
        attributes_end: part.attributes.len() as u32,
        flags: Flags::new(kind, status)
            .with(Flags::NO_START, !has_start)
            .with(Flags::ENDS_EARLY, has_start && end < start)
            .with(Flags::HAS_LINKS, has_any(members.links))
            .with(Flags::HAS_EVENTS, has_any(members.events)),
    });
    true
}

fn text<'l>(item: Option<Item<'_, 'l>>) -> &'l str {
    item.and_then(Item::text).unwrap_or_default()
}

fn has_any(list: Option<Item<'_, '_>>) -> bool {
    list.is_some_and(|list| list.elements().next().is_some())
}

fn members_of<'t, 'l>(item: Item<'t, 'l>) -> Members<'t, 'l> {
    let mut members = Members::default();
    for (name, value) in item.members() {
        let member = match name {
            "traceId" | "trace_id" => &mut members.trace,
            "spanId" | "span_id" => &mut members.id,
            "parentSpanId" | "parent_span_id" => &mut members.parent,
            "name" => &mut members.name,
            "kind" => &mut members.kind,
            "startTimeUnixNano" | "start_time_unix_nano" => &mut members.start,
            "endTimeUnixNano" | "end_time_unix_nano" => &mut members.end,
            "attributes" => &mut members.attributes,
            "events" => &mut members.events,
            "links" => &mut members.links,
            "status" => &mut members.status,
            _ => continue,
        };
        *member = Some(value);
    }
    members
}

/// Its own, and those of its events.
fn read_attributes(members: &Members<'_, '_>, longest: usize, part: &mut Part) {
    let Part { dictionary, attributes, .. } = part;
    let mut reader = AttributeReader { dictionary, longest, of: Of::SpanOrResource };
    if let Some(list) = members.attributes {
        reader.read(list, attributes);
    }
    reader.of = Of::Event;
    for event in members.events.into_iter().flat_map(Item::elements) {
        if let Some(name) = member(event, &["name"]).and_then(Item::text) {
            reader.text("name", name, attributes);
        }
        if let Some(list) = member(event, &["attributes"]) {
            reader.read(list, attributes);
        }
    }
}

fn read_links(members: &Members<'_, '_>, part: &mut Part) {
    let span = part.spans.len() as u32;
    for link in members.links.into_iter().flat_map(Item::elements) {
        let id = |names| member(link, names).and_then(Item::text).unwrap_or_default();
        let trace = parse_trace_id(id(&["traceId", "trace_id"]));
        let id = parse_span_id(id(&["spanId", "span_id"]));
        if trace != 0 && id != 0 {
            part.links.push(PartLink { span, trace, id });
        }
    }
}
