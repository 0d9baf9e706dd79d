//! A sink that lets JavaScript send: options that are code can be honoured by Node's http only.
//! It refuses to let JavaScript send what the dispatcher has given up: an attempt is a question that is withdrawn then.

use std::{sync::Arc, time::Instant};

use offloop::{
    contain::contained,
    error::{DropReason, timed_out},
    sink::{Request, SendError, SendErrorKind, SendOutcome, Sending, Sink, net::Proxy},
};
use tokio::{sync::oneshot, time::timeout};

use crate::mailbox::{JsResult, Mailbox, SendQuestion};

/// Asks the environment that made the exporter for each attempt.
pub(crate) struct NodeSink {
    pub lane: u32,
    pub mailbox: Arc<Mailbox>,
    /// What JavaScript goes through, to be named if it does not answer in time.
    pub proxy: Option<Proxy>,
}

impl Sink for NodeSink {
    fn send(&self, request: Request) -> Sending {
        let (answer, answered) = oneshot::channel();
        let time_left = request.time_left;
        let deadline = Instant::now() + time_left;
        let question = SendQuestion { lane: self.lane, request, deadline };
        let mailbox = Arc::clone(&self.mailbox);
        let proxy = self.proxy.clone();
        let asked = Asked { id: mailbox.attempts.ask(question, answer), mailbox };
        asked.mailbox.announce();
        Box::pin(async move {
            match timeout(time_left, answered).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => SendOutcome::Failed(SendError::new(
                    SendErrorKind::EnvironmentGone,
                    DropReason::EnvironmentGone.message(),
                )),
                // A head that has come is an answer, whatever becomes of its body.
                Err(_) => {
                    let head = asked.mailbox.attempts.noted(asked.id);
                    head.unwrap_or_else(|| {
                        let late = timed_out();
                        SendOutcome::Failed(match &proxy {
                            Some(proxy) => proxy.named(late),
                            None => late,
                        })
                    })
                }
            }
        })
    }
}

/// An attempt that JavaScript is asked for, as long as the dispatcher waits for it.
struct Asked {
    mailbox: Arc<Mailbox>,
    id: u32,
}

impl Drop for Asked {
    fn drop(&mut self) {
        contained((), || {
            if self.mailbox.attempts.withdraw(self.id) {
                self.mailbox.post(JsResult { withdrawn: Some(true), ..JsResult::done(self.id) });
            }
        });
    }
}
