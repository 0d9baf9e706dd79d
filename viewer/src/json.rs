//! JSON that is written from left to right: owns commas, quotes and escapes.

use crate::terminal::json_text;

/// A text of JSON that grows. Commas come by themselves: one stands before whatever follows a value.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
}

impl Json {
    pub fn object(&mut self) -> &mut Json {
        self.begin().push('{');
        self
    }

    pub fn end_object(&mut self) -> &mut Json {
        self.text.push('}');
        self
    }

    pub fn array(&mut self) -> &mut Json {
        self.begin().push('[');
        self
    }

    pub fn end_array(&mut self) -> &mut Json {
        self.text.push(']');
        self
    }

    /// The name of a member; its value follows.
    pub fn name(&mut self, name: &str) -> &mut Json {
        self.text(name);
        self.text.push(':');
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Json {
        let json = json_text(text);
        self.begin().push_str(&json);
        self
    }

    pub fn number(&mut self, number: u64) -> &mut Json {
        self.begin();
        push_number(&mut self.text, number);
        self
    }

    pub fn signed(&mut self, number: i128) -> &mut Json {
        let text = self.begin();
        if number < 0 {
            text.push('-');
        }
        push_number(text, u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX));
        self
    }

    pub fn flag(&mut self, flag: bool) -> &mut Json {
        self.raw(if flag { "true" } else { "false" })
    }

    /// Nanoseconds since the epoch, in a text: too large for a number of JavaScript.
    pub fn time(&mut self, nanos: u64) -> &mut Json {
        self.begin().push('"');
        push_number(&mut self.text, nanos);
        self.text.push('"');
        self
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &str) -> &mut Json {
        self.begin().push_str(json);
        self
    }

    pub fn len(&self) -> usize {
        self.text.len()
    }

    pub fn into_text(self) -> String {
        self.text
    }

    fn begin(&mut self) -> &mut String {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
        &mut self.text
    }
}

/// Without the machinery of formatting, which is slower and larger.
pub(crate) fn push_number(text: &mut String, number: u64) {
    let mut power = 1;
    while number / power >= 10 {
        power *= 10;
    }
    while power > 0 {
        text.push(char::from(b'0' + (number / power % 10) as u8));
        power /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        let mut json = Json::default();
        json.object().name("a").array().number(0).number(u64::MAX).text("x\"y").end_array();
        json.name("b").object().end_object().name("c:").flag(true).name("d").time(1_795);
        json.name("e").array().object().end_object().object().end_object().end_array();
        json.end_object();
        let text = json.into_text();
        let expected = serde_json::json!({
            "a": [0, u64::MAX, "x\"y"], "b": {}, "c:": true, "d": "1795", "e": [{}, {}]
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected, "{text}");
    }
}
