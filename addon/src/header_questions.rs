//! Asks JavaScript for the headers of an attempt: the object or the function that has them lives on its thread.

use std::sync::Arc;

use offloop::{
    contain::contained,
    sink::live_headers::{HeaderAnswer, HeaderOwner},
};
use tokio::sync::oneshot;

use crate::{convert::JsHeaderQuestion, mailbox::Mailbox};

/// The headers of lane `lane`, which the environment behind `mailbox` knows.
pub(crate) struct HeaderQuestions {
    pub lane: u32,
    pub mailbox: Arc<Mailbox>,
}

impl HeaderOwner for HeaderQuestions {
    fn ask(&self, call: u32) -> HeaderAnswer {
        let (answer, answered) = oneshot::channel();
        let question = JsHeaderQuestion { lane: self.lane, call };
        let mailbox = Arc::clone(&self.mailbox);
        let asked = Asked { id: mailbox.header_questions.ask(question, answer), mailbox };
        asked.mailbox.announce();
        Box::pin(async move {
            let answer = answered.await.ok();
            drop(asked);
            answer
        })
    }
}

/// A question that JavaScript is asked as long as an attempt waits for the answer.
struct Asked {
    mailbox: Arc<Mailbox>,
    id: u32,
}

impl Drop for Asked {
    fn drop(&mut self) {
        contained(false, || self.mailbox.header_questions.withdraw(self.id));
    }
}
