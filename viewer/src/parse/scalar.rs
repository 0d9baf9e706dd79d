//! Numbers, times and names of enumerations, in all the ways in which OTLP/JSON writes them.

use simd_json::StaticNode;

use super::tape::Item;

/// Nanoseconds since the epoch or another unsigned number, as a number or as text. Nothing else is one.
pub(crate) fn unsigned(item: Item<'_, '_>) -> Option<u64> {
    match item.scalar() {
        Some(StaticNode::U64(number)) => Some(number),
        Some(StaticNode::I64(number)) => u64::try_from(number).ok(),
        Some(StaticNode::F64(number)) => whole(number),
        _ => time_of_text(item.text()?),
    }
}

/// Decimal digits, or a number with an exponent.
fn time_of_text(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number < u64::MAX as f64).then_some(number as u64)
}

/// A number of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Double(f64),
}

/// A number, or the text of one; also `NaN`, `Infinity` and `-Infinity`, which JSON has as text only.
pub(super) fn number(item: Item<'_, '_>) -> Option<Number> {
    match item.scalar() {
        Some(StaticNode::I64(number)) => Some(Number::Int(number)),
        Some(StaticNode::U64(number)) => Some(wide(number)),
        Some(StaticNode::F64(number)) => Some(Number::Double(number)),
        Some(_) => None,
        None => number_of_text(item.text()?),
    }
}

fn number_of_text(text: &str) -> Option<Number> {
    if let Ok(number) = text.parse() {
        return Some(Number::Int(number));
    }
    text.parse().ok().map(Number::Double)
}

fn wide(number: u64) -> Number {
    i64::try_from(number).map_or(Number::Double(number as f64), Number::Int)
}

/// `2`, `"2"` or `"SPAN_KIND_SERVER"`; zero, which every enumeration has for "not said", for anything else.
pub(super) fn enumeration(item: Item<'_, '_>, prefix: &str, names: &[&str]) -> u8 {
    if let Some(number) = unsigned(item) {
        return u8::try_from(number)
            .ok()
            .filter(|number| usize::from(*number) < names.len())
            .unwrap_or(0);
    }
    let name = item.text().and_then(|text| text.strip_prefix(prefix));
    let position = name.and_then(|name| names.iter().position(|known| *known == name));
    position.and_then(|number| u8::try_from(number).ok()).unwrap_or(0)
}
