//! From text to terms.

use super::{
    Filter, FilterError, Operator, Term, Test,
    field::Field,
    literal::{Literal, operator_problem},
};

const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=", Operator::Equal),
    ("~", Operator::Contains),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

/// Reads a filter; an empty one has no terms.
pub(crate) fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut reader = Reader { text, at: 0 };
    let mut filter = Filter::default();
    loop {
        reader.skip_blanks();
        if reader.rest().is_empty() {
            return Ok(filter);
        }
        filter.terms.push(reader.term()?);
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn term(&mut self) -> Result<Term, FilterError> {
        let is_negated = self.eat("-");
        if self.rest().is_empty() || self.rest().starts_with(char::is_whitespace) {
            return Err(self.expected("a field or a text behind the minus"));
        }
        if self.rest().starts_with('"') {
            return Ok(Term { is_negated, test: Test::Anywhere(self.quoted()?) });
        }
        let start = self.at;
        let name = self.word(|letter| letter.is_whitespace() || "=!~<>\"".contains(letter));
        let Some(operator) = self.operator() else {
            return match self.rest().chars().next() {
                Some('"') => Err(self.expected("an operator or a blank before the quote")),
                Some('!') => Err(self.expected("= behind the exclamation mark")),
                _ => Ok(Term { is_negated, test: anywhere(name) }),
            };
        };
        let field =
            Field::named(name).ok_or_else(|| self.expected_at(start, "the name of a field"))?;
        if let Some(operators) = operator_problem(&field, operator) {
            return Err(self.expected_at(start + name.len(), operators));
        }
        let mut values = Vec::new();
        loop {
            let start = self.at;
            let (value, is_quoted) = self.value()?;
            let literal = Literal::read(&field, operator, &value, is_quoted);
            values.push(literal.map_err(|expected| self.expected_at(start, &expected))?);
            if !self.eat(",") {
                break;
            }
        }
        if !self.rest().is_empty() && !self.rest().starts_with(char::is_whitespace) {
            return Err(self.expected("a blank or a comma"));
        }
        Ok(Term { is_negated, test: Test::Field { field, operator, values } })
    }

    fn operator(&mut self) -> Option<Operator> {
        let (text, operator) = OPERATORS.iter().find(|(text, _)| self.rest().starts_with(text))?;
        self.at += text.len();
        Some(*operator)
    }

    fn value(&mut self) -> Result<(String, bool), FilterError> {
        if self.rest().starts_with('"') {
            return Ok((self.quoted()?, true));
        }
        let word = self.word(|letter| letter.is_whitespace() || letter == ',' || letter == '"');
        if word.is_empty() {
            return Err(self.expected("a value"));
        }
        Ok((word.to_owned(), false))
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((at, _)) => return Err(self.expected_at(self.at + at - 1, "\\\" or \\\\")),
                    None => break,
                },
                _ => text.push(letter),
            }
        }
        self.at = self.text.len();
        Err(self.expected("the quote that ends the text"))
    }

    fn word(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let word = rest.find(ends).and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.at += word.len();
        word
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            self.at += text.len();
        }
        is_there
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn expected(&self, what: &str) -> FilterError {
        self.expected_at(self.at, what)
    }

    fn expected_at(&self, at: usize, what: &str) -> FilterError {
        let before = self.text.get(..at).unwrap_or(self.text);
        FilterError { column: before.chars().count() + 1, expected: what.to_owned() }
    }
}

/// Free text. The digits of an id stand for the span or the trace.
fn anywhere(word: &str) -> Test {
    let is_id = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let field = match word.len() {
        16 if is_id => Field::Span,
        32 if is_id => Field::Trace,
        _ => return Test::Anywhere(word.to_owned()),
    };
    Test::Field {
        field,
        operator: Operator::Equal,
        values: vec![Literal::Id(word.to_ascii_lowercase())],
    }
}
