//! What a part says, in words: the same for two ways of reading a line, whatever numbers their dictionaries gave.

use super::{
    id::hex_id,
    part::{Part, PartAttribute, PartSpan},
};
use crate::{dictionary::ValueId, value::Value};

/// A key and a value as text, an event's key with a mark.
pub(super) fn attributes(part: &Part, list: &[PartAttribute]) -> Vec<String> {
    let text = |attribute: &PartAttribute| {
        let key = match part.dictionary.value(attribute.key) {
            Value::EventKey(key) => format!("event.{key}"),
            key => key.to_string(),
        };
        format!("{key}={:?}", part.dictionary.value(attribute.value))
    };
    list.iter().map(text).collect()
}

/// All that is known of the spans of a part, in words that do not depend on the numbers of its dictionary. For comparing
/// two ways of reading the same line.
pub(crate) fn facts(part: &Part) -> Vec<String> {
    let spans = part.spans.iter().enumerate();
    let all = |(number, span): (usize, &PartSpan)| {
        let scope = part.scopes.get(span.scope as usize);
        let text = |id: Option<ValueId>| id.map_or("", |id| part.dictionary.text(id));
        format!(
            "{} {:016x} {:016x} {} {} {:?} {} {} {:?} {:?} {} {} {:?} line {} ordinal {}",
            hex_id(span.trace),
            span.id,
            span.parent,
            span.start,
            span.duration,
            part.dictionary.text(span.name),
            span.flags.kind(),
            span.flags.status(),
            span.flags,
            attributes(part, part.attributes_of(number)),
            text(scope.map(|scope| scope.name)),
            text(scope.map(|scope| scope.version)),
            part.resources
                .get(span.resource as usize)
                .map_or_else(Vec::new, |list| attributes(part, list)),
            span.line,
            span.ordinal,
        )
    };
    let links = part.links.iter().map(|link| format!("{link:?}"));
    let counts = [format!("{:?}", part.counts)];
    spans.map(all).chain(links).chain(counts).collect()
}
