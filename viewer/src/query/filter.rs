//! The filter language: `service=shop status=error duration>100ms http.route=/cart -name~health timeout`.
//!
//! Terms are separated by blanks, and all must hold for one span. A term is `field operator value[,value…]` or free text;
//! a `-` in front negates it. A comma means "or". Texts in quotes are taken as they are, with `\"` and `\\`.

mod evaluate;
mod field;
mod grammar;
mod literal;
mod raw;
mod text;
mod values;
mod write;

#[cfg(test)]
mod tests;

use self::literal::Literal;
pub(crate) use self::{
    evaluate::{Evaluator, SpanView},
    field::{Field, Place},
    grammar::parse,
    values::Truth,
    write::{quoted, term_for},
};

/// What is wrong with a filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FilterError {
    /// The character where it is noticed, from one on.
    pub column: usize,
    pub expected: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Contains,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub is_negated: bool,
    pub test: Test,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// Holds if it holds for one of the values, and `!=` if it holds for all of them.
    Field { field: Field, operator: Operator, values: Vec<Literal> },
    /// A text anywhere: name, service, ids, values.
    Anywhere(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    pub terms: Vec<Term>,
}

impl Filter {
    /// The spans that have a text anywhere.
    pub fn anywhere(text: &str) -> Filter {
        Filter { terms: vec![Term { is_negated: false, test: Test::Anywhere(text.to_owned()) }] }
    }

    /// Whether a term asks for this field.
    pub fn asks_for(&self, wanted: &Field) -> bool {
        self.terms
            .iter()
            .any(|term| matches!(&term.test, Test::Field { field, .. } if field == wanted))
    }
}
