//! Whether a span meets a filter. Of a long text the index has its beginning only, so the answer may be that the file has
//! to be asked.

use std::cell::Cell;

use super::{
    Filter, Operator, Term, Test,
    field::{Field, Place},
    literal::Literal,
    text::contains,
    values::{Truth, Values, compare},
};
use crate::{
    dictionary::{Dictionary, ValueId},
    index::{Attribute, Index, Span},
    parse::{hex_id, hex_span_id},
    query::facts::{Facts, Needs},
    value::Value,
};

const SERVICE: &str = "service.name";

/// A span with its values, as the index has them or as its line has them.
pub(crate) struct SpanView<'a> {
    pub row: u32,
    pub span: &'a Span,
    pub dictionary: &'a Dictionary,
    pub name: ValueId,
    pub attributes: &'a [Attribute],
    pub resource: &'a [Attribute],
}

pub(crate) struct Evaluator<'i> {
    index: &'i Index,
    terms: Vec<Prepared<'i>>,
    facts: Facts,
    /// The number of `service.name` in the index.
    service: Option<ValueId>,
    /// The names of the files, if a term asks for them.
    files: Vec<String>,
}

/// A term, and what is found once for all spans.
struct Prepared<'i> {
    term: &'i Term,
    /// What is known of the values of the index.
    known: Vec<Cell<Option<Truth>>>,
    /// Its texts in small letters.
    lowered: Vec<String>,
    /// The number that the key of its attribute has in the index.
    key: Option<ValueId>,
}

impl<'i> Prepared<'i> {
    fn new(index: &'i Index, term: &'i Term) -> Prepared<'i> {
        let (lowered, key) = match &term.test {
            Test::Anywhere(text) => (vec![text.to_ascii_lowercase()], None),
            Test::Field { field, values, .. } => {
                let lowered = values.iter().map(|literal| match literal {
                    Literal::Text { text, .. } => text.to_ascii_lowercase(),
                    _ => String::new(),
                });
                let key = match field {
                    Field::Attribute(place, key) => key_id(&index.dictionary, *place, key),
                    _ => None,
                };
                (lowered.collect(), key)
            }
        };
        let has_values = match &term.test {
            Test::Anywhere(_) => true,
            Test::Field { field, .. } => {
                matches!(field, Field::Attribute(..) | Field::Name | Field::Service)
            }
        };
        let values = if has_values { index.dictionary.len() } else { 0 };
        Prepared { term, known: vec![Cell::new(None); values], lowered, key }
    }
}

impl<'i> Evaluator<'i> {
    pub fn new(index: &'i Index, filter: &'i Filter) -> Evaluator<'i> {
        let needs = Needs {
            self_times: filter.asks_for(&Field::SelfTime),
            blocks: filter.asks_for(&Field::Block),
            roots: filter.asks_for(&Field::Root),
            services: filter.asks_for(&Field::TraceServices),
        };
        let files = if filter.asks_for(&Field::File) { index.files.as_slice() } else { &[] };
        Evaluator {
            index,
            terms: filter.terms.iter().map(|term| Prepared::new(index, term)).collect(),
            facts: Facts::new(index, needs),
            service: index.text_id(SERVICE),
            files: files.iter().map(|file| file.input.name()).collect(),
        }
    }

    /// Whether the span in `row` meets the filter, as far as the index knows.
    pub fn row(&self, row: u32) -> Truth {
        let Some(span) = self.index.span(row) else { return Truth::No };
        let view = SpanView {
            row,
            span,
            dictionary: &self.index.dictionary,
            name: span.name,
            attributes: self.index.attributes_of(row),
            resource: self.index.resource(span.resource),
        };
        self.view(&view, true)
    }

    /// Whether a span with other values than those of the index meets the filter.
    pub fn whole(&self, view: &SpanView<'_>) -> bool {
        self.view(view, false) == Truth::Yes
    }

    fn view(&self, view: &SpanView<'_>, is_of_index: bool) -> Truth {
        let mut all = Truth::Yes;
        for prepared in &self.terms {
            match self.term(prepared, view, is_of_index) {
                Truth::No => return Truth::No,
                Truth::Unknown => all = Truth::Unknown,
                Truth::Yes => {}
            }
        }
        all
    }

    fn term(&self, prepared: &Prepared<'_>, view: &SpanView<'_>, is_of_index: bool) -> Truth {
        let Prepared { term, known, lowered, key } = prepared;
        let known = is_of_index.then_some(known.as_slice());
        let values = Values { dictionary: view.dictionary, term, lowered, known };
        let truth = match &term.test {
            Test::Anywhere(_) => self.anywhere(&values, view),
            Test::Field { field: Field::Attribute(place, text), .. } => {
                let key = if is_of_index { *key } else { key_id(view.dictionary, *place, text) };
                values.test(matching(view, *place, key))
            }
            Test::Field { field: Field::Name, .. } => values.test([view.name].into_iter()),
            Test::Field { field: Field::Service, .. } => {
                let key = if is_of_index {
                    self.service
                } else {
                    view.dictionary.lookup(Value::Text(SERVICE))
                };
                match service(view, key) {
                    Some(service) => values.test([service].into_iter()),
                    None => values.value(Value::Text(crate::index::UNKNOWN_SERVICE)),
                }
            }
            Test::Field { field, operator, values: literals } => {
                let is_one = |literal: &Literal| self.plain(field, *operator, literal, view);
                let holds = match operator {
                    Operator::NotEqual => literals.iter().all(is_one),
                    _ => literals.iter().any(is_one),
                };
                if holds { Truth::Yes } else { Truth::No }
            }
        };
        match (term.is_negated, truth) {
            (true, Truth::Yes) => Truth::No,
            (true, Truth::No) => Truth::Yes,
            _ => truth,
        }
    }

    /// Free text is looked for in all values and in both ids.
    fn anywhere(&self, values: &Values<'_>, view: &SpanView<'_>) -> Truth {
        let attributes =
            view.attributes.iter().chain(view.resource).map(|attribute| attribute.value);
        let truth = values.any([view.name].into_iter().chain(attributes));
        let needle = values.lowered.first().map_or("", String::as_str);
        // Few texts can be in an id at all, and to write one for each span takes longer than all the rest.
        if truth == Truth::Yes || !needle.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return truth;
        }
        let trace = self.index.traces.get(view.span.trace as usize).map_or(0, |trace| trace.id);
        let is_id = hex_id(trace).contains(needle) || hex_span_id(view.span.id).contains(needle);
        if is_id { Truth::Yes } else { truth }
    }

    /// A field that is no text of the dictionary.
    fn plain(
        &self,
        field: &Field,
        operator: Operator,
        literal: &Literal,
        view: &SpanView<'_>,
    ) -> bool {
        let (span, trace) = (view.span, view.span.trace);
        let of_trace = self.index.traces.get(trace as usize);
        let number = |number: u64| match literal {
            Literal::Duration(other) | Literal::Time(other) | Literal::Count(other) => {
                compare(operator, number.cmp(other))
            }
            Literal::Back(back) => {
                compare(operator, number.cmp(&self.facts.newest().saturating_sub(*back)))
            }
            _ => false,
        };
        let flag = |flag: bool| {
            *literal == Literal::Flag(flag) && operator == Operator::Equal
                || *literal == Literal::Flag(!flag) && operator == Operator::NotEqual
        };
        match field {
            Field::Kind => text(operator, span.flags.kind(), literal),
            Field::Status => text(operator, span.flags.status(), literal),
            Field::Scope => text(operator, self.index.scope(span), literal),
            Field::File => {
                let file = self.index.lines.get(span.line as usize).map(|line| line.file as usize);
                let name = file.and_then(|file| self.files.get(file));
                text(operator, name.map_or("", String::as_str), literal)
            }
            Field::Trace => id(operator, of_trace.map_or(0, |trace| trace.id), 32, literal),
            Field::Span => id(operator, span.id.into(), 16, literal),
            Field::Parent => id(operator, span.parent.into(), 16, literal),
            Field::Duration => number(span.duration),
            Field::SelfTime => number(self.facts.self_time(view.row)),
            Field::Start => span.start > 0 && number(span.start),
            Field::End => span.start > 0 && number(span.end()),
            Field::Root => flag(self.facts.is_root(trace, view.row)),
            Field::Block => flag(self.facts.is_block(view.row)),
            Field::TraceDuration => number(of_trace.map_or(0, crate::index::Trace::duration)),
            Field::TraceSpans => number(of_trace.map_or(0, |trace| trace.spans.into())),
            Field::TraceErrors => number(of_trace.map_or(0, |trace| trace.errors.into())),
            Field::TraceServices => number(self.facts.services(trace)),
            Field::Name | Field::Service | Field::Attribute(..) => false,
        }
    }
}

fn key_id(dictionary: &Dictionary, place: Place, key: &str) -> Option<ValueId> {
    dictionary.lookup(match place {
        Place::Event => Value::EventKey(key),
        _ => Value::Text(key),
    })
}

/// The values of the attributes that have the key.
fn matching<'v>(
    view: &'v SpanView<'_>,
    place: Place,
    key: Option<ValueId>,
) -> impl Iterator<Item = ValueId> + 'v {
    let has_it = |list: &[Attribute]| list.iter().any(|attribute| Some(attribute.key) == key);
    let list = match place {
        Place::Resource => view.resource,
        Place::SpanOrResource if !has_it(view.attributes) => view.resource,
        _ => view.attributes,
    };
    list.iter().filter(move |attribute| Some(attribute.key) == key).map(|attribute| attribute.value)
}

fn service(view: &SpanView<'_>, key: Option<ValueId>) -> Option<ValueId> {
    let found = view.resource.iter().find(|attribute| Some(attribute.key) == key)?;
    Some(found.value).filter(|value| !view.dictionary.text(*value).is_empty())
}

fn text(operator: Operator, text: &str, literal: &Literal) -> bool {
    let Literal::Text { text: other, .. } = literal else { return false };
    match operator {
        Operator::Equal => text == other,
        Operator::NotEqual => text != other,
        _ => contains(text, &other.to_ascii_lowercase()),
    }
}

/// The beginning of an id, which has so many digits, is enough.
fn id(operator: Operator, id: u128, digits: usize, literal: &Literal) -> bool {
    let Literal::Id(text) = literal else { return false };
    let begins = || {
        let rest = digits.checked_sub(text.len()).map(|rest| rest as u32 * 4);
        let start = rest.and_then(|rest| id.checked_shr(rest));
        start.is_some_and(|start| u128::from_str_radix(text, 16) == Ok(start))
    };
    match operator {
        Operator::Equal => begins(),
        Operator::NotEqual => !begins(),
        _ => match digits {
            16 => hex_span_id(id as u64).contains(text.as_str()),
            _ => hex_id(id).contains(text.as_str()),
        },
    }
}
