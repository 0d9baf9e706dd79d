//! Whether a span meets a filter. Of a long text the index has its beginning only, so the answer may be that the file has
//! to be asked.

use std::cell::RefCell;

use super::{
    Filter, Operator, Term, Test,
    field::{Field, Place},
    literal::Literal,
    text::contains,
    values::{Found, Known, Truth, Values, compare},
};
use crate::{
    dictionary::{Dictionary, ValueId},
    index::{Attribute, Index, Span},
    parse::hex_id,
    query::facts::{Facts, Needs},
    value::Value,
};

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
    filter: &'i Filter,
    facts: Facts,
    /// For each term what is known of the values of the index.
    known: Vec<RefCell<Vec<Option<Truth>>>>,
}

impl<'i> Evaluator<'i> {
    pub fn new(index: &'i Index, filter: &'i Filter) -> Evaluator<'i> {
        let known = filter.terms.iter().map(|_| RefCell::new(vec![None; index.dictionary.len()]));
        let needs = Needs {
            self_times: filter.asks_for(&Field::SelfTime),
            blocks: filter.asks_for(&Field::Block),
            roots: filter.asks_for(&Field::Root),
            services: filter.asks_for(&Field::TraceServices),
        };
        Evaluator { index, filter, facts: Facts::new(index, needs), known: known.collect() }
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
        for (term, known) in self.filter.terms.iter().zip(&self.known) {
            let known = is_of_index.then_some(known);
            match self.term(term, view, known) {
                Truth::No => return Truth::No,
                Truth::Unknown => all = Truth::Unknown,
                Truth::Yes => {}
            }
        }
        all
    }

    fn term(&self, term: &Term, view: &SpanView<'_>, known: Option<&Known>) -> Truth {
        let values = Values { dictionary: view.dictionary, term, known };
        let truth = match &term.test {
            Test::Anywhere(_) => values.any(self.everything(view)),
            Test::Field { field: Field::Attribute(place, key), .. } => {
                values.test(matching(view, *place, key))
            }
            Test::Field { field: Field::Name, .. } => values.test([view.name].into_iter()),
            Test::Field { field: Field::Service, .. } => match service(view) {
                Some(service) => values.test([service].into_iter()),
                None => values.value(Value::Text(crate::index::UNKNOWN_SERVICE)),
            },
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

    /// Values that free text is looked for in; ids are texts of no dictionary, and looked at by the caller.
    fn everything(&self, view: &SpanView<'_>) -> impl Iterator<Item = Found> {
        let trace = self.index.traces.get(view.span.trace as usize).map_or(0, |trace| trace.id);
        let ids = [Found::Text(hex_id(trace)), Found::Text(format!("{:016x}", view.span.id))];
        let attributes =
            view.attributes.iter().chain(view.resource).map(|attribute| attribute.value);
        let values: Vec<ValueId> = attributes.chain([view.name]).collect();
        ids.into_iter().chain(values.into_iter().map(Found::Value))
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
            Field::File => text(
                operator,
                &self.index.file_of(span).map_or_else(String::new, |file| file.input.name()),
                literal,
            ),
            Field::Trace => id(operator, &hex_id(of_trace.map_or(0, |trace| trace.id)), literal),
            Field::Span => id(operator, &format!("{:016x}", span.id), literal),
            Field::Parent => id(operator, &format!("{:016x}", span.parent), literal),
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

/// The values of the attributes that have the key.
fn matching<'v>(
    view: &'v SpanView<'_>,
    place: Place,
    key: &str,
) -> impl Iterator<Item = ValueId> + 'v {
    let id = match place {
        Place::Event => view.dictionary.lookup(Value::EventKey(key)),
        _ => view.dictionary.lookup(Value::Text(key)),
    };
    let has_it = |list: &[Attribute]| list.iter().any(|attribute| Some(attribute.key) == id);
    let list = match place {
        Place::Resource => view.resource,
        Place::SpanOrResource if !has_it(view.attributes) => view.resource,
        _ => view.attributes,
    };
    list.iter().filter(move |attribute| Some(attribute.key) == id).map(|attribute| attribute.value)
}

fn service(view: &SpanView<'_>) -> Option<ValueId> {
    let key = view.dictionary.lookup(Value::Text("service.name"))?;
    let found = view.resource.iter().find(|attribute| attribute.key == key)?;
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

/// The beginning of an id is enough.
fn id(operator: Operator, id: &str, literal: &Literal) -> bool {
    let Literal::Id(digits) = literal else { return false };
    match operator {
        Operator::Equal => id.starts_with(digits.as_str()),
        Operator::NotEqual => !id.starts_with(digits.as_str()),
        _ => id.contains(digits.as_str()),
    }
}
