//! What goes over standard input and standard output: a question is a line of JSON, an answer a line of JSON and then as
//! many bytes as that line says.

use crate::{
    json::Json,
    parse::{Item, unsigned, value_of},
    questions::Kind,
};

/// A line of standard input.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Message {
    Ask {
        id: u64,
        question: String,
        with: Vec<(String, String)>,
    },
    /// Nobody waits for the answer any more.
    Cancel(u64),
    /// The next piece of a long answer.
    Next(u64),
}

/// Reads a line; nothing if it is none of these.
pub(super) fn message(line: &[u8]) -> Option<Message> {
    value_of(line, |item| {
        let (mut id, mut question, mut with) = (None, None, Vec::new());
        for (name, value) in item.members() {
            match name {
                "cancel" => return unsigned(value).map(Message::Cancel),
                "next" => return unsigned(value).map(Message::Next),
                "id" => id = unsigned(value),
                "ask" => question = value.text(),
                "with" => with = parameters(value),
                _ => {}
            }
        }
        Some(Message::Ask { id: id?, question: question?.to_owned(), with })
    })?
}

fn parameters(value: Item<'_, '_>) -> Vec<(String, String)> {
    let text = |(name, value): (&str, Item<'_, '_>)| Some((name.to_owned(), value.text()?.into()));
    value.members().filter_map(text).collect()
}

/// What is written at once.
#[derive(Debug)]
pub(super) struct Frame {
    pub head: String,
    pub body: Vec<u8>,
}

impl Frame {
    pub fn answer(id: u64, status: u16, kind: Kind, has_more: bool, body: Vec<u8>) -> Frame {
        let mut head = Json::default();
        head.object().name("id").number(id).name("status").number(status.into());
        head.name("bytes").number(body.len() as u64);
        head.name("type").text(match kind {
            Kind::Json => "json",
            Kind::Binary => "binary",
            Kind::Text => "text",
        });
        if has_more {
            head.name("more").flag(true);
        }
        head.end_object();
        Frame { head: head.into_text(), body }
    }

    pub fn live(line: String) -> Frame {
        let mut head = Json::default();
        head.object().name("live").flag(true).name("bytes").number(line.len() as u64);
        head.end_object();
        Frame { head: head.into_text(), body: line.into_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_question_its_end_or_the_wish_for_more() {
        let ask = |line: &str| message(line.as_bytes());
        let with = vec![("filter".to_owned(), "a=\"b\"".to_owned()), ("limit".into(), "5".into())];
        let question = r#"{"id":7,"ask":"traces","with":{"filter":"a=\"b\"","limit":"5"}}"#;
        assert_eq!(ask(question), Some(Message::Ask { id: 7, question: "traces".into(), with }));
        let bare = Message::Ask { id: 1, question: "files".into(), with: Vec::new() };
        assert_eq!(ask(r#"{"ask":"files","id":1}"#), Some(bare));
        assert_eq!(ask(r#"{"cancel":7}"#), Some(Message::Cancel(7)));
        assert_eq!(ask(r#"{"next":7}"#), Some(Message::Next(7)));
        for line in ["", "{}", "[]", "nonsense", r#"{"id":1}"#, r#"{"ask":"files"}"#] {
            assert_eq!(ask(line), None, "{line}");
        }
    }
}
