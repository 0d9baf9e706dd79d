//! Looking at the bytes of a line before it is parsed: most lines do not have the text at all.

use memchr::memmem::find;

use super::{Field, Filter, Literal, Operator, Term, Test, text::contains_bytes};

impl Filter {
    /// Whether no span of this line can meet the filter, because a text is not there that it would have to contain. Only
    /// for spans of which the values decide that are not in the index.
    pub(crate) fn cannot_be_in(&self, line: &[u8]) -> bool {
        // A letter may be written as an escape.
        if find(line, b"\\u00").is_some() {
            return false;
        }
        self.terms
            .iter()
            .filter_map(needles)
            .any(|needles| needles.iter().all(|needle| !contains_bytes(line, needle.as_bytes())))
    }
}

/// The texts of a term of which one has to be in the line, in small letters, if that can be said at all.
fn needles(term: &Term) -> Option<Vec<String>> {
    let texts: Vec<&String> = match &term.test {
        _ if term.is_negated => return None,
        Test::Anywhere(text) => vec![text],
        Test::Field {
            field: Field::Attribute(..) | Field::Name,
            operator: Operator::Contains,
            values,
        } => values.iter().filter_map(text_of).collect(),
        _ => return None,
    };
    let texts: Vec<String> = texts.into_iter().map(|text| text.to_ascii_lowercase()).collect();
    (!texts.is_empty() && texts.iter().all(|text| is_written_as_it_is(text))).then_some(texts)
}

/// Whether a text that is in a value is in the line, too: it has nothing that is escaped, and it is not of the letters of
/// which ids in base64 and numbers are written in more than one way.
fn is_written_as_it_is(text: &str) -> bool {
    let is_plain = |byte| (b' '..0x7f).contains(&byte) && !b"\"\\/<>&'+=".contains(&byte);
    let is_number = ["-infinity", "nan"].iter().any(|number| number.contains(text));
    text.bytes().all(is_plain)
        && text.bytes().any(|byte| (b'g'..=b'z').contains(&byte))
        && !is_number
}

fn text_of(literal: &Literal) -> Option<&String> {
    match literal {
        Literal::Text { text, .. } => Some(text),
        _ => None,
    }
}
