//! What JavaScript answers to the questions of its environment's sinks.

use napi_derive::napi;
use offloop::sink::{SendError, SendErrorKind};

use super::Environment;
use crate::convert::JsFacts;

#[napi]
impl Environment {
    /// The facts of attempt `id`.
    #[napi(catch_unwind)]
    pub fn answer_attempt(&self, id: u32, facts: JsFacts) {
        self.mailbox.attempts.answer(id, facts.into());
    }

    /// The head of the reply to attempt `id`: its facts, should the attempt run out of time before the body has ended.
    #[napi(catch_unwind)]
    pub fn note_attempt(&self, id: u32, facts: JsFacts) {
        self.mailbox.attempts.note(id, facts.into());
    }

    /// The headers that question `id` asked for, or why there are none.
    #[napi(catch_unwind)]
    pub fn answer_headers(
        &self,
        id: u32,
        headers: Option<Vec<(String, String)>>,
        error: Option<String>,
    ) {
        let answer = match headers {
            Some(headers) => Ok(headers.into()),
            None => Err(SendError::new(SendErrorKind::Unsendable, error.unwrap_or_default())),
        };
        self.mailbox.header_questions.answer(id, answer);
    }
}
