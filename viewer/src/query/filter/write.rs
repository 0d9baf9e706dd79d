//! From keys and values to the text of a term that asks for them.

use super::field::{Field, Place};
use crate::value::Value;

/// The term for spans whose `key` has this value; nothing if the language cannot say it.
pub(crate) fn term_for(place: Place, key: &str, value: Value<'_>) -> Option<String> {
    let value = match value {
        Value::Text(text) => quoted(text),
        Value::Int(_) | Value::Bool(_) => value.to_string(),
        Value::Double(number) if number.is_finite() => value.to_string(),
        Value::Empty => "\"\"".into(),
        _ => return None,
    };
    Some([&named(place, key)?, "=", &value].concat())
}

/// The name of the field of an attribute.
fn named(place: Place, key: &str) -> Option<String> {
    let ends_a_name = |letter: char| letter.is_whitespace() || "=!~<>\"".contains(letter);
    if key.is_empty() || key.contains(ends_a_name) {
        return None;
    }
    let prefix = match place {
        Place::Resource => "resource.",
        Place::Event => "event.",
        Place::Span => "attr.",
        Place::SpanOrResource => {
            let is_itself = Field::named(key) == Some(Field::Attribute(place, key.to_owned()));
            // A minus in front would negate.
            if is_itself && !key.starts_with('-') { "" } else { "attr." }
        }
    };
    Some([prefix, key].concat())
}

/// A text as a value. Quotes also tell a text from a number.
pub(crate) fn quoted(text: &str) -> String {
    let is_word = |letter: char| letter.is_alphabetic() || "/:._-{}*?&@%+#$".contains(letter);
    let is_plain = text.starts_with(|first: char| first.is_alphabetic() || first == '/')
        && text.chars().all(|letter| is_word(letter) || letter.is_numeric())
        && text != "true"
        && text != "false";
    if is_plain {
        return text.to_owned();
    }
    ["\"", &text.replace('\\', "\\\\").replace('"', "\\\""), "\""].concat()
}
