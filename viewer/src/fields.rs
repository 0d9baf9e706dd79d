//! What can be shown of a span: the same fields by which spans are found.

use std::collections::HashMap;

use crate::{
    index::{Attribute, Index, Span},
    parse::hex_id,
    query::{Field, Place},
    terminal::{Column, duration_text, json_text},
    time::time_text,
    tree::{Forest, self_times},
    value::Value,
};

pub(crate) const DEFAULT: &str = "start,duration,status,service,name,trace,span";

/// A field and the name by which it was asked for.
pub(crate) struct Shown {
    pub name: String,
    field: Field,
}

/// The fields of a list such as `start,name,attr.http.route`.
pub(crate) fn read_list(text: &str) -> Result<Vec<Shown>, String> {
    text.split(',')
        .map(|name| match Field::named(name.trim()) {
            Some(Field::Root | Field::Block) | None => {
                Err(["the field '", name, "' cannot be shown; the default is ", DEFAULT].concat())
            }
            Some(field) => Ok(Shown { name: name.trim().to_owned(), field }),
        })
        .collect()
}

/// The value of a field.
pub(crate) enum Cell<'i> {
    Text(String),
    /// Nanoseconds.
    Duration(u64),
    /// Nanoseconds since the epoch.
    Time(u64),
    Count(u64),
    Values(Vec<Value<'i>>),
}

/// Cells of spans.
pub(crate) struct Cells {
    self_times: Vec<u64>,
    services: HashMap<u32, u64>,
}

impl Cells {
    pub fn new(index: &Index, shown: &[Shown]) -> Cells {
        let asks_for = |field: &Field| shown.iter().any(|shown| shown.field == *field);
        let mut cells = Cells { self_times: Vec::new(), services: HashMap::new() };
        if asks_for(&Field::SelfTime) {
            cells.self_times = self_times(index, &Forest::of_all(index));
        }
        if asks_for(&Field::TraceServices) {
            let traces = 0..index.traces.len() as u32;
            let count = |trace| crate::query::services(index, trace).len() as u64;
            cells.services = traces.map(|trace| (trace, count(trace))).collect();
        }
        cells
    }

    pub fn cell<'i>(&self, index: &'i Index, row: u32, span: &Span, shown: &Shown) -> Cell<'i> {
        let trace = index.traces.get(span.trace as usize);
        let id = |id: u64| Cell::Text(if id == 0 { String::new() } else { format!("{id:016x}") });
        match &shown.field {
            Field::Service => Cell::Text(index.service(span.resource).to_owned()),
            Field::Name => Cell::Text(index.name(span).to_owned()),
            Field::Kind => Cell::Text(span.flags.kind().to_owned()),
            Field::Status => Cell::Text(span.flags.status().to_owned()),
            Field::Scope => Cell::Text(index.scope(span).to_owned()),
            Field::File => {
                Cell::Text(index.file_of(span).map_or_else(String::new, |file| file.input.name()))
            }
            Field::Duration => Cell::Duration(span.duration),
            Field::SelfTime => {
                Cell::Duration(self.self_times.get(row as usize).copied().unwrap_or(0))
            }
            Field::Start => Cell::Time(span.start),
            Field::End => Cell::Time(span.end()),
            Field::Trace => Cell::Text(
                trace
                    .filter(|trace| trace.id != 0)
                    .map_or_else(String::new, |trace| hex_id(trace.id)),
            ),
            Field::Span => id(span.id),
            Field::Parent => id(span.parent),
            Field::TraceDuration => Cell::Duration(trace.map_or(0, crate::index::Trace::duration)),
            Field::TraceSpans => Cell::Count(trace.map_or(0, |trace| trace.spans.into())),
            Field::TraceErrors => Cell::Count(trace.map_or(0, |trace| trace.errors.into())),
            Field::TraceServices => {
                Cell::Count(self.services.get(&span.trace).copied().unwrap_or(0))
            }
            Field::Attribute(place, key) => Cell::Values(values(index, row, span, *place, key)),
            Field::Root | Field::Block => Cell::Text(String::new()),
        }
    }
}

fn values<'i>(index: &'i Index, row: u32, span: &Span, place: Place, key: &str) -> Vec<Value<'i>> {
    let id = match place {
        Place::Event => index.dictionary.lookup(Value::EventKey(key)),
        _ => index.text_id(key),
    };
    let of = |list: &[Attribute]| -> Vec<Value<'i>> {
        let found = list.iter().filter(|attribute| Some(attribute.key) == id);
        found.map(|attribute| index.dictionary.value(attribute.value)).collect()
    };
    match place {
        Place::Resource => of(index.resource(span.resource)),
        Place::Span | Place::Event => of(index.attributes_of(row)),
        Place::SpanOrResource => {
            let own = of(index.attributes_of(row));
            if own.is_empty() { of(index.resource(span.resource)) } else { own }
        }
    }
}

impl Cell<'_> {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Cell::Duration(nanos) => duration_text(*nanos),
            Cell::Time(0) => String::new(),
            other => other.plain(),
        }
    }

    /// For programs: times in nanoseconds, several values with blanks between them.
    pub fn plain(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Duration(number) | Cell::Count(number) => number.to_string(),
            Cell::Time(nanos) => time_text(*nanos),
            Cell::Values(values) => {
                values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// As JSON. A time of start is nanoseconds in a text, as in OTLP/JSON: it is too large for a number of JavaScript.
    pub fn json(&self) -> String {
        match self {
            Cell::Text(text) => json_text(text),
            Cell::Duration(number) | Cell::Count(number) => number.to_string(),
            Cell::Time(nanos) => json_text(&nanos.to_string()),
            Cell::Values(values) => match values.as_slice() {
                [] => "null".into(),
                [value] => value_json(value),
                values => {
                    format!("[{}]", values.iter().map(value_json).collect::<Vec<_>>().join(","))
                }
            },
        }
    }
}

/// A value as JSON.
pub(crate) fn value_json(value: &Value<'_>) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Double(number) if number.is_finite() => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Empty => "null".into(),
        other => json_text(&other.to_string()),
    }
}

impl Shown {
    /// Its column in a table.
    pub fn column(&self) -> Column {
        let title = self.name.to_uppercase();
        match self.field {
            Field::Duration
            | Field::SelfTime
            | Field::TraceDuration
            | Field::TraceSpans
            | Field::TraceErrors
            | Field::TraceServices => Column::figure(title),
            Field::Service | Field::Name | Field::Scope | Field::File | Field::Attribute(..) => {
                Column::text(title)
            }
            _ => Column::whole(title),
        }
    }
}
