//! A request, as one line is: resources, scopes, spans. Owns where in a request a span is.

use super::{
    attributes::{AttributeReader, Of, member},
    part::{Part, PartScope},
    span::{Place, read_span},
    tape::Item,
};
use crate::value::Value;

/// What a line turned out to hold.
#[derive(Clone, Copy, Default)]
pub(super) struct Content {
    pub spans: bool,
    pub logs: bool,
    pub metrics: bool,
    pub profiles: bool,
}

/// Appends what one line holds to a part.
pub(super) struct RequestReader<'p> {
    pub part: &'p mut Part,
    /// Bytes of the longest text that is kept as a whole.
    pub longest: usize,
    /// Number of the line in the part.
    pub line: u32,
    /// Spans of the line so far.
    pub ordinal: u32,
}

impl RequestReader<'_> {
    pub fn request(&mut self, request: Item<'_, '_>) -> Content {
        let mut content = Content::default();
        let mut groups = None;
        for (name, value) in request.members() {
            match name {
                "resourceSpans" | "resource_spans" => {
                    content.spans = true;
                    groups = Some(value);
                }
                "resourceLogs" | "resource_logs" => content.logs = true,
                "resourceMetrics" | "resource_metrics" => content.metrics = true,
                "resourceProfiles" | "resource_profiles" => content.profiles = true,
                _ => {}
            }
        }
        for group in groups.into_iter().flat_map(Item::elements) {
            self.resource_spans(group);
        }
        content
    }

    fn resource_spans(&mut self, group: Item<'_, '_>) {
        let number = self.open_resource();
        if let Some(resource) = member(group, &["resource"]) {
            self.set_resource(number, resource);
        }
        let names = [
            ["scopeSpans", "scope_spans"],
            ["instrumentationLibrarySpans", "instrumentation_library_spans"],
        ];
        for scope in names.iter().filter_map(|names| member(group, names)).flat_map(Item::elements)
        {
            self.scope_spans(scope, number);
        }
    }

    fn scope_spans(&mut self, group: Item<'_, '_>, resource: u32) {
        let number = self.open_scope();
        let names = ["scope", "instrumentationLibrary", "instrumentation_library"];
        if let Some(scope) = member(group, &names) {
            self.set_scope(number, scope);
        }
        for span in member(group, &["spans"]).into_iter().flat_map(Item::elements) {
            self.span(span, resource, number);
        }
    }

    /// The number of a resource about which nothing is known yet.
    pub fn open_resource(&mut self) -> u32 {
        self.part.resources.push(Vec::new());
        self.part.resources.len() as u32 - 1
    }

    pub fn set_resource(&mut self, number: u32, resource: Item<'_, '_>) {
        let Part { dictionary, resources, .. } = &mut *self.part;
        let mut reader =
            AttributeReader { dictionary, longest: self.longest, of: Of::SpanOrResource };
        if let (Some(attributes), Some(list)) =
            (resources.get_mut(number as usize), member(resource, &["attributes"]))
        {
            attributes.clear();
            reader.read(list, attributes);
        }
    }

    /// The number of a scope about which nothing is known yet.
    pub fn open_scope(&mut self) -> u32 {
        let empty = self.part.dictionary.intern(Value::Text(""));
        self.part.scopes.push(PartScope { name: empty, version: empty });
        self.part.scopes.len() as u32 - 1
    }

    pub fn set_scope(&mut self, number: u32, scope: Item<'_, '_>) {
        let Part { dictionary, scopes, .. } = &mut *self.part;
        let mut text = |name| {
            let text = member(scope, &[name]).and_then(Item::text).unwrap_or_default();
            dictionary.intern_text(text, self.longest)
        };
        let (name, version) = (text("name"), text("version"));
        if let Some(scope) = scopes.get_mut(number as usize) {
            *scope = PartScope { name, version };
        }
    }

    /// Counts the span, as bad if it is none.
    pub fn span(&mut self, span: Item<'_, '_>, resource: u32, scope: u32) {
        if !self.try_span(span, resource, scope) {
            self.bad_span();
        }
    }

    /// Appends and counts the span if it is one.
    pub fn try_span(&mut self, span: Item<'_, '_>, resource: u32, scope: u32) -> bool {
        let place = Place { resource, scope, line: self.line, ordinal: self.ordinal };
        let is_span = read_span(span, place, self.longest, self.part);
        if is_span {
            self.ordinal += 1;
            self.part.counts.seen += 1;
        }
        is_span
    }

    pub fn bad_span(&mut self) {
        self.ordinal += 1;
        self.part.counts.seen += 1;
        self.part.counts.bad += 1;
    }
}
