//! Lists of keys and values: owns how arrays and maps become plain attributes.

use simd_json::StaticNode;

use super::{
    part::PartAttribute,
    scalar::{Number, number},
    tape::Item,
};
use crate::{dictionary::Dictionary, value::Value};

/// Maps and arrays that are deeper than this are not indexed.
const DEEPEST: usize = 8;

/// Whose attributes they are.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Of {
    SpanOrResource,
    Event,
}

pub(super) struct AttributeReader<'d> {
    pub dictionary: &'d mut Dictionary,
    /// Bytes of the longest text that is kept as a whole.
    pub longest: usize,
    pub of: Of,
}

impl AttributeReader<'_> {
    /// Appends the attributes of a list: an array has one for each element, under the same key, and a map one for each
    /// member, under `key.member`.
    pub fn read(&mut self, list: Item<'_, '_>, out: &mut Vec<PartAttribute>) {
        for entry in list.elements() {
            let (key, value) = key_and_value(entry);
            self.attribute(key, value, 0, out);
        }
    }

    /// Appends one attribute with a text.
    pub fn text(&mut self, key: &str, text: &str, out: &mut Vec<PartAttribute>) {
        let value = self.dictionary.intern_text(text, self.longest);
        self.push(key, value, out);
    }

    fn attribute(
        &mut self,
        key: &str,
        value: Option<Item<'_, '_>>,
        depth: usize,
        out: &mut Vec<PartAttribute>,
    ) {
        if depth > DEEPEST {
            return;
        }
        // The last member wins, as everywhere in JSON.
        let Some((kind, item)) = value.and_then(|value| value.members().last()) else {
            let empty = self.dictionary.intern(Value::Empty);
            return self.push(key, empty, out);
        };
        match kind {
            "arrayValue" | "array_value" => {
                for element in member(item, &["values"]).into_iter().flat_map(Item::elements) {
                    self.attribute(key, Some(element), depth + 1, out);
                }
            }
            "kvlistValue" | "kvlist_value" => {
                for entry in member(item, &["values"]).into_iter().flat_map(Item::elements) {
                    let (inner, value) = key_and_value(entry);
                    self.attribute(&format!("{key}.{inner}"), value, depth + 1, out);
                }
            }
            _ => {
                let value = self.scalar(kind, item);
                self.push(key, value, out);
            }
        }
    }

    fn scalar(&mut self, kind: &str, item: Item<'_, '_>) -> u32 {
        let value = match kind {
            "stringValue" | "string_value" | "bytesValue" | "bytes_value" => {
                return self.dictionary.intern_text(item.text().unwrap_or_default(), self.longest);
            }
            "boolValue" | "bool_value" => match (item.scalar(), item.text()) {
                (Some(StaticNode::Bool(value)), _) => Value::Bool(value),
                (_, Some("true")) => Value::Bool(true),
                (_, Some("false")) => Value::Bool(false),
                _ => Value::Empty,
            },
            "intValue" | "int_value" | "doubleValue" | "double_value" => match number(item) {
                // A double that is whole is still a double to those who wrote it, and equal to the integer here.
                Some(Number::Int(number)) => Value::Int(number),
                Some(Number::Double(number)) => Value::Double(number),
                None => Value::Empty,
            },
            _ => Value::Empty,
        };
        self.dictionary.intern(value)
    }

    fn push(&mut self, key: &str, value: u32, out: &mut Vec<PartAttribute>) {
        let key = match self.of {
            Of::Event => self.dictionary.intern(Value::EventKey(key)),
            Of::SpanOrResource => self.dictionary.intern_text(key, self.longest),
        };
        out.push(PartAttribute { key, value });
    }
}

/// The last member of an object with one of these names.
pub(super) fn member<'t, 'l>(item: Item<'t, 'l>, names: &[&str]) -> Option<Item<'t, 'l>> {
    item.members().filter(|(name, _)| names.contains(name)).map(|(_, value)| value).last()
}

fn key_and_value<'t, 'l>(entry: Item<'t, 'l>) -> (&'l str, Option<Item<'t, 'l>>) {
    let (mut key, mut value) = ("", None);
    for (name, item) in entry.members() {
        match name {
            "key" => key = item.text().unwrap_or_default(),
            "value" => value = Some(item),
            _ => {}
        }
    }
    (key, value)
}
