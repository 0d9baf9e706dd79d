//! The whole of a text of which the index has the beginning only.

use foldhash::quality::RandomState;

use crate::{
    again::Again,
    index::Index,
    parse::{LineParser, Part, WHOLE_VALUES},
    value::Value,
};

/// The text of an attribute of the span in `row`: of a long one, whose file has gone, the beginning. Empty if there is none.
pub(crate) fn whole_text(index: &Index, row: u32, key: &str) -> String {
    match index.attribute(row, key) {
        None => String::new(),
        Some(Value::Long { .. } | Value::InFile) => read_again(index, row, key)
            .or_else(|| index.attribute(row, key).map(|value| value.to_string()))
            .unwrap_or_default(),
        Some(value) => value.to_string(),
    }
}

fn read_again(index: &Index, row: u32, key: &str) -> Option<String> {
    let span = index.span(row)?;
    let line = index.lines.get(span.line as usize)?;
    let mut again = Again::open(index.files.get(line.file as usize)?)?;
    let mut part = Part::new(RandomState::default());
    LineParser::default().parse(again.line(line)?, 0, true, WHOLE_VALUES, &mut part);
    let is_it = |other: &crate::parse::PartSpan| {
        other.ordinal == span.ordinal && other.id == span.id && other.start == span.start
    };
    let number = part.spans.iter().position(is_it)?;
    let key = part.dictionary.lookup(Value::Text(key))?;
    let found = part.attributes_of(number).iter().find(|attribute| attribute.key == key)?;
    Some(part.dictionary.value(found.value).to_string())
}
