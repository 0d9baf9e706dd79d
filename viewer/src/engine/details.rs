//! `span`: all that is known of one span. Its own bytes, and those of its resource and scope, come from the file, as they were
//! written.

use std::ops::Range;

use super::refused::{Refused, json};
use crate::{
    again::Again,
    index::{Index, Span},
    json::Json,
    parse::{PartSpan, hex_id, hex_span_id, pieces},
    questions::{Parameters, write_links},
    span_flags::Flags,
};

/// Bytes of a span, a resource and a scope that are shown.
const MOST_BYTES: usize = 256 << 10;

/// What was written about a span.
struct Written {
    raw: String,
    resource: String,
    scope: String,
}

pub(super) fn span(index: &Index, with: &Parameters, generation: u64) -> Result<Json, Refused> {
    let row = with.row().map_err(|refusal| Refused::from(refusal.reply()))?;
    let Some(span) = index.span(row) else {
        return Err(Refused::unknown("there is no such span in these files"));
    };
    let trace = index.traces.get(span.trace as usize).map_or(0, |trace| trace.id);
    let mut json = json(generation);
    json.name("row").number(row.into());
    json.name("trace").text(&if trace == 0 { String::new() } else { hex_id(trace) });
    json.name("span").text(&hex_span_id(span.id));
    json.name("parent");
    json.text(&if span.parent == 0 { String::new() } else { hex_span_id(span.parent) });
    json.name("service").text(index.service(span.resource)).name("name").text(index.name(span));
    json.name("start").time(span.start).name("duration").number(span.duration);
    json.name("status").text(span.flags.status()).name("kind").text(span.flags.kind());
    place(&mut json, index, span);
    json.name("marks").array();
    let marks = [
        (Flags::ID_TWICE, "id used twice"),
        (Flags::ENDS_EARLY, "ends before it starts"),
        (Flags::NO_START, "no time of start"),
    ];
    for (_, words) in marks.iter().filter(|(flag, _)| span.flags.has(*flag)) {
        json.text(words);
    }
    json.end_array();
    match written(index, span) {
        Ok(Written { raw, resource, scope }) => {
            json.name("raw").text(&raw).name("resource").text(&resource);
            json.name("scope").text(&scope);
        }
        Err(reason) => {
            json.name("gone").text(reason);
        }
    }
    write_links(&mut json, index, row);
    json.end_object();
    Ok(json)
}

/// The file, where the line begins in it, and the number of the span in the line.
fn place(json: &mut Json, index: &Index, span: &Span) {
    let line = index.lines.get(span.line as usize);
    let name = index.file_of(span).map_or_else(String::new, |file| file.input.name());
    json.name("file").text(&name);
    json.name("offset").number(line.map_or(0, |line| line.offset));
    json.name("ordinal").number(span.ordinal.into());
}

/// Reads the line of a span again.
fn written(index: &Index, span: &Span) -> Result<Written, &'static str> {
    let line = index.lines.get(span.line as usize).ok_or(GONE)?;
    let file = index.file_of(span).ok_or(GONE)?;
    let mut again = Again::open(file).ok_or(GONE)?;
    let text = again.line(line).ok_or(CHANGED)?;
    let resources = pieces(text);
    let scopes = resources
        .iter()
        .flat_map(|resource| resource.scopes.iter().map(|scope| (&resource.resource, scope)));
    let spans = scopes.flat_map(|(resource, scope)| {
        scope.spans.iter().map(move |span| (resource, &scope.scope, span))
    });
    let is_it = |other: &PartSpan| {
        (other.id, other.start, other.duration) == (span.id, span.start, span.duration)
    };
    // Of a line with elements that are no objects, pieces have other numbers.
    let found = spans
        .filter(|(.., other)| is_it(&other.span))
        .min_by_key(|(.., other)| other.span.ordinal.abs_diff(span.ordinal));
    let (resource, scope, found) = found.ok_or(CHANGED)?;
    let bytes = |at: &Range<usize>| text.get(at.clone()).unwrap_or_default();
    let of = |at: &Option<Range<usize>>| at.as_ref().map(bytes).unwrap_or_default();
    let all = [bytes(&found.at), of(resource), of(scope)];
    if all.iter().map(|bytes| bytes.len()).sum::<usize>() > MOST_BYTES {
        return Err(TOO_LONG);
    }
    let [raw, resource, scope] = all.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok(Written { raw, resource, scope })
}

const GONE: &str =
    "The file has been removed or replaced since it was read; this is what is known of the span.";
const CHANGED: &str = "The file has changed since it was read; this is what is known of the span.";
const TOO_LONG: &str = "The span is longer than 256 KiB, which is more than is shown here; `offloop export` writes it out.";
