//! The fields of the filter language by name.

/// Where an attribute is looked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Place {
    /// `attr.key`: the span's own.
    Span,
    /// `resource.key`
    Resource,
    /// `event.key`: those of the span's events.
    Event,
    /// A word that is no field: the span's own, or else its resource's.
    SpanOrResource,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Field {
    Service,
    Name,
    Kind,
    Status,
    Duration,
    SelfTime,
    Start,
    End,
    Trace,
    Span,
    Parent,
    Scope,
    File,
    /// Whether it is the root of its trace.
    Root,
    /// Whether it is a block of the event loop.
    Block,
    TraceDuration,
    TraceSpans,
    TraceErrors,
    TraceServices,
    Attribute(Place, String),
}

const NAMES: [(&str, Field); 19] = [
    ("service", Field::Service),
    ("name", Field::Name),
    ("kind", Field::Kind),
    ("status", Field::Status),
    ("duration", Field::Duration),
    ("self", Field::SelfTime),
    ("start", Field::Start),
    ("end", Field::End),
    ("trace", Field::Trace),
    ("span", Field::Span),
    ("parent", Field::Parent),
    ("scope", Field::Scope),
    ("file", Field::File),
    ("root", Field::Root),
    ("block", Field::Block),
    ("trace.duration", Field::TraceDuration),
    ("trace.spans", Field::TraceSpans),
    ("trace.errors", Field::TraceErrors),
    ("trace.services", Field::TraceServices),
];
const PLACES: [(&str, Place); 3] =
    [("attr.", Place::Span), ("resource.", Place::Resource), ("event.", Place::Event)];

impl Field {
    /// The field with this name, which is an attribute if nothing else is called so. Nothing if the key of an attribute
    /// is missing.
    pub fn named(name: &str) -> Option<Field> {
        if let Some((_, field)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(field.clone());
        }
        let place =
            PLACES.iter().find_map(|(prefix, place)| Some((name.strip_prefix(prefix)?, *place)));
        let (key, place) = place.unwrap_or((name, Place::SpanOrResource));
        (!key.is_empty()).then(|| Field::Attribute(place, key.to_owned()))
    }
}
