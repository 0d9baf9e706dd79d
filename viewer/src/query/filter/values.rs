//! A term against values of attributes, names and services: owns what is equal, contained, more and less.

use std::{cell::Cell, cmp::Ordering};

use super::{
    Operator, Term, Test,
    literal::{Literal, Number},
    text::contains,
};
use crate::{
    dictionary::{Dictionary, ValueId},
    value::Value,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Truth {
    No,
    Yes,
    /// Only the file knows.
    Unknown,
}

/// What is known of the values of the index, by their numbers.
pub(super) type Known = [Cell<Option<Truth>>];

/// A term and the values that it is tested against.
pub(super) struct Values<'a> {
    pub dictionary: &'a Dictionary,
    pub term: &'a Term,
    /// The texts of the term in small letters.
    pub lowered: &'a [String],
    pub known: Option<&'a Known>,
}

impl Values<'_> {
    /// Whether one of the values is what is looked for.
    pub fn any(&self, values: impl Iterator<Item = ValueId>) -> Truth {
        let mut best = Truth::No;
        for id in values {
            match self.truth(id) {
                Truth::Yes => return Truth::Yes,
                Truth::Unknown => best = Truth::Unknown,
                Truth::No => {}
            }
        }
        best
    }

    /// One of the values for most operators, and all for `!=`, which also wants one to be there.
    pub fn test(&self, values: impl Iterator<Item = ValueId>) -> Truth {
        let is_unequal = matches!(self.term.test, Test::Field { operator: Operator::NotEqual, .. });
        if !is_unequal {
            return self.any(values);
        }
        let mut all = Truth::No;
        for id in values {
            match (self.truth(id), all) {
                (Truth::No, _) => return Truth::No,
                (Truth::Yes, Truth::No) => all = Truth::Yes,
                (Truth::Unknown, _) => all = Truth::Unknown,
                _ => {}
            }
        }
        all
    }

    fn truth(&self, id: ValueId) -> Truth {
        let known = self.known.and_then(|known| known.get(id as usize));
        if let Some(truth) = known.and_then(Cell::get) {
            return truth;
        }
        let truth = self.value(self.dictionary.value(id));
        if let Some(known) = known {
            known.set(Some(truth));
        }
        truth
    }

    pub fn value(&self, value: Value<'_>) -> Truth {
        match &self.term.test {
            Test::Anywhere(_) => contains_truth(value, self.lowered(0)),
            Test::Field { operator, values, .. } => {
                let truths = values
                    .iter()
                    .enumerate()
                    .map(|(number, literal)| self.against(value, *operator, literal, number));
                // An unequal value is unequal to each of them; any other test is for one of them.
                let (wanted, other) = match operator {
                    Operator::NotEqual => (Truth::No, Truth::Yes),
                    _ => (Truth::Yes, Truth::No),
                };
                let mut all = other;
                for truth in truths {
                    if truth == wanted {
                        return wanted;
                    }
                    if truth == Truth::Unknown {
                        all = Truth::Unknown;
                    }
                }
                all
            }
        }
    }

    fn lowered(&self, number: usize) -> &str {
        self.lowered.get(number).map_or("", String::as_str)
    }

    fn against(
        &self,
        value: Value<'_>,
        operator: Operator,
        literal: &Literal,
        which: usize,
    ) -> Truth {
        let Literal::Text { text, number, is_quoted } = literal else { return Truth::No };
        if value == Value::InFile {
            return Truth::Unknown;
        }
        let is_equal = match value {
            Value::Text(known) | Value::EventKey(known) => known == text,
            Value::Long { bytes, hash, .. } => {
                bytes == text.len() as u64 && hash == self.dictionary.hash_of_text(text)
            }
            Value::Int(_) | Value::Double(_) => {
                ordering(value, *number).is_some_and(Ordering::is_eq)
            }
            Value::Bool(flag) => !is_quoted && *text == flag.to_string(),
            Value::Empty | Value::InFile => text.is_empty(),
        };
        let holds = match operator {
            Operator::Contains => return contains_truth(value, self.lowered(which)),
            Operator::Equal => is_equal,
            Operator::NotEqual => !is_equal,
            // A text is neither more nor less than a number.
            _ => ordering(value, *number).is_some_and(|ordering| compare(operator, ordering)),
        };
        if holds { Truth::Yes } else { Truth::No }
    }
}

fn contains_truth(value: Value<'_>, needle: &str) -> Truth {
    let holds = match value {
        Value::Text(text) | Value::EventKey(text) => contains(text, needle),
        Value::Long { bytes, start, .. } => {
            if !contains(start, needle) && bytes >= needle.len() as u64 {
                return Truth::Unknown;
            }
            contains(start, needle)
        }
        Value::InFile => return Truth::Unknown,
        other => contains(&other.to_string(), needle),
    };
    if holds { Truth::Yes } else { Truth::No }
}

fn ordering(value: Value<'_>, number: Option<Number>) -> Option<Ordering> {
    match (value, number?) {
        (Value::Int(one), Number::Int(other)) => Some(one.cmp(&other)),
        (Value::Int(one), Number::Double(other)) => (one as f64).partial_cmp(&other),
        (Value::Double(one), Number::Int(other)) => one.partial_cmp(&(other as f64)),
        (Value::Double(one), Number::Double(other)) => one.partial_cmp(&other),
        _ => None,
    }
}

pub(super) fn compare(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains => false,
    }
}
