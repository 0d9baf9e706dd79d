//! Values as they are typed: owns what a field expects, and the words for what is missing.

use super::{Operator, field::Field};
use crate::{
    span_flags::{KINDS, STATUSES},
    time::parse_time,
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// A text, and the number that it is unless it was in quotes.
    Text {
        text: String,
        number: Option<Number>,
        is_quoted: bool,
    },
    /// Nanoseconds.
    Duration(u64),
    /// Nanoseconds since the epoch.
    Time(u64),
    /// Nanoseconds back from the newest span.
    Back(u64),
    Count(u64),
    Flag(bool),
    /// An id, or the beginning of one, in small letters.
    Id(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

impl Literal {
    /// What `text` is to `field`, or what is expected instead.
    pub fn read(
        field: &Field,
        operator: Operator,
        text: &str,
        is_quoted: bool,
    ) -> Result<Literal, String> {
        match field {
            Field::Duration | Field::SelfTime | Field::TraceDuration => duration(text)
                .map(Literal::Duration)
                .ok_or_else(|| "a duration with its unit, as 100ms".into()),
            Field::Start | Field::End => {
                let back = text.strip_prefix('-').and_then(duration).map(Literal::Back);
                let time = back.or_else(|| parse_time(text).map(Literal::Time));
                time.ok_or_else(|| "a time, as 2026-11-29T16:00:00Z, or -15m".into())
            }
            Field::TraceSpans | Field::TraceErrors | Field::TraceServices => {
                text.parse().map(Literal::Count).map_err(|_| "a whole number".into())
            }
            Field::Root | Field::Block => {
                text.parse().map(Literal::Flag).map_err(|_| "true or false".into())
            }
            Field::Trace | Field::Span | Field::Parent => match text {
                "" => Err("hexadecimal digits".into()),
                _ if text.len() > 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    Err("hexadecimal digits".into())
                }
                _ => Ok(Literal::Id(text.to_ascii_lowercase())),
            },
            Field::Kind => one_of(&KINDS, text, operator),
            Field::Status => one_of(&STATUSES, text, operator),
            Field::Attribute(..) => {
                let number = if is_quoted { None } else { number(text) };
                if number.is_none()
                    && !matches!(
                        operator,
                        Operator::Equal | Operator::NotEqual | Operator::Contains
                    )
                {
                    return Err("a number".into());
                }
                Ok(Literal::Text { text: text.to_owned(), number, is_quoted })
            }
            Field::Service | Field::Name | Field::Scope | Field::File => {
                Ok(Literal::Text { text: text.to_owned(), number: None, is_quoted })
            }
        }
    }
}

/// The operators that a field has, if not all.
pub(super) fn operator_problem(field: &Field, operator: Operator) -> Option<&'static str> {
    use Operator::{Contains, Equal, NotEqual};
    let is_equality = matches!(operator, Equal | NotEqual);
    match field {
        Field::Service
        | Field::Name
        | Field::Kind
        | Field::Status
        | Field::Scope
        | Field::File
        | Field::Trace
        | Field::Span
        | Field::Parent => (!is_equality && operator != Contains).then_some("=, != or ~"),
        Field::Root | Field::Block => (!is_equality).then_some("= or !="),
        Field::Attribute(..) => None,
        _ => (operator == Contains).then_some("=, !=, >, >=, < or <="),
    }
}

fn one_of(names: &[&str], text: &str, operator: Operator) -> Result<Literal, String> {
    if operator != Operator::Contains && !names.contains(&text) {
        return Err(format!("one of {}", names.join(", ")));
    }
    Ok(Literal::Text { text: text.to_owned(), number: None, is_quoted: false })
}

/// A number with a unit in nanoseconds.
fn duration(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (_, nanos) = UNITS.iter().find(|(unit, _)| Some(*unit) == text.get(digits.len()..))?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = Some(digits).filter(|_| is_number)?.parse().ok()?;
    let total = (number * nanos).round();
    (total < u64::MAX as f64).then_some(total as u64)
}

fn number(text: &str) -> Option<Number> {
    // The standard library also reads "inf" and "nan", which nobody means by a number.
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().map(Number::Int).ok().or_else(|| text.parse().map(Number::Double).ok())
}
