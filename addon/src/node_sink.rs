//! A sink that lets JavaScript send: options that are code can be honoured by Node's http only.
//! It refuses to let JavaScript send what the dispatcher has given up: an attempt is a question that is withdrawn then.

use std::{sync::Arc, time::Instant};

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use offloop::{
    contain::contained,
    error::{DropReason, timed_out},
    sink::{Attempt, ContentEncoding, Reply, Request, SendError, SendErrorKind, SendOutcome, Sink},
};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    convert::{JsResult, JsSend},
    environment::{Environment, Mailbox},
};

/// Asks the environment that made the exporter for each attempt.
pub(crate) struct NodeSink {
    pub lane: u32,
    pub mailbox: Arc<Mailbox>,
}

/// An attempt as it waits for a turn of the event loop. Its body is the batch's own: a blocked loop costs no copies.
pub(crate) struct SendQuestion {
    lane: u32,
    request: Request,
    deadline: Instant,
}

impl SendQuestion {
    /// No time is left for it.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

impl From<SendQuestion> for JsSend {
    fn from(SendQuestion { lane, request, deadline }: SendQuestion) -> Self {
        JsSend {
            lane,
            call: request.call,
            body: request.body.to_vec().into(),
            content_encoding: match request.encoding {
                ContentEncoding::Identity => None,
                ContentEncoding::Gzip => Some("gzip".to_owned()),
                ContentEncoding::Zstd => Some("zstd".to_owned()),
            },
            timeout_millis: deadline.saturating_duration_since(Instant::now()).as_secs_f64() * 1e3,
            headers: request.headers.map(|headers| headers.to_vec()),
        }
    }
}

impl Sink for NodeSink {
    fn send(&self, request: Request) -> Attempt {
        let (answer, answered) = oneshot::channel();
        let time_left = request.time_left;
        let deadline = Instant::now() + time_left;
        let question = SendQuestion { lane: self.lane, request, deadline };
        let mailbox = Arc::clone(&self.mailbox);
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
                    head.unwrap_or_else(|| SendOutcome::Failed(timed_out()))
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

/// Facts of an attempt as `js/node_http/sender.js` reports them.
#[napi(object, object_to_js = false)]
pub struct JsFacts {
    /// `reply` or `failed`.
    pub outcome: String,
    /// Status code of a reply.
    pub status: Option<u16>,
    /// Reason phrase.
    pub reason: Option<String>,
    /// `Retry-After`, the first of several.
    pub retry_after: Option<String>,
    /// `Date`.
    pub date: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// Response body.
    pub body: Option<Uint8Array>,
    /// Why the body ended early.
    pub body_error: Option<JsSendError>,
    /// Why there is no reply.
    pub error: Option<JsSendError>,
}

/// Facts of an error of Node's http.
#[napi(object, object_to_js = false)]
pub struct JsSendError {
    /// Class, in the words of `js/node_http/network_facts.js`.
    pub kind: String,
    /// Node's code.
    pub code: Option<String>,
    /// Node's text.
    pub message: String,
    /// Peer address.
    pub address: Option<String>,
    /// Peer port.
    pub port: Option<u16>,
    /// Negative errno.
    pub errno: Option<i32>,
}

impl From<JsSendError> for SendError {
    fn from(error: JsSendError) -> Self {
        let kind = match error.kind.as_str() {
            "refused" => SendErrorKind::Refused,
            "reset" => SendErrorKind::Reset,
            "timed_out" => SendErrorKind::TimedOut,
            "dns" => SendErrorKind::Dns,
            "unreachable" => SendErrorKind::Unreachable,
            "tls" => SendErrorKind::Tls,
            "malformed" => SendErrorKind::Malformed,
            "unsendable" => SendErrorKind::Unsendable,
            "spent" => SendErrorKind::Spent,
            "exhausted" => SendErrorKind::Exhausted,
            "response_too_large" => SendErrorKind::ResponseTooLarge,
            _ => SendErrorKind::Other,
        };
        let mut converted = SendError::new(kind, error.message);
        converted.code = error.code;
        converted.address = error.address;
        converted.port = error.port;
        converted.errno = error.errno;
        converted
    }
}

impl From<JsFacts> for SendOutcome {
    fn from(facts: JsFacts) -> Self {
        match (facts.status, facts.error) {
            (Some(status), _) => SendOutcome::Reply(Reply {
                status,
                reason: facts.reason.unwrap_or_default(),
                retry_after: facts.retry_after,
                date: facts.date,
                location: facts.location,
                body: facts.body.map(|body| body.to_vec().into()).unwrap_or_default(),
                body_error: facts.body_error.map(Into::into),
            }),
            (None, Some(error)) => SendOutcome::Failed(error.into()),
            (None, None) => SendOutcome::Failed(SendError::new(SendErrorKind::Other, "no facts")),
        }
    }
}

#[napi]
impl Environment {
    /// The facts of attempt `id`.
    #[napi(catch_unwind)]
    pub fn answer_attempt(&self, id: u32, facts: JsFacts) {
        self.mailbox().attempts.answer(id, facts.into());
    }

    /// The head of the reply to attempt `id`: its facts, should the attempt run out of time before the body has ended.
    #[napi(catch_unwind)]
    pub fn note_attempt(&self, id: u32, facts: JsFacts) {
        self.mailbox().attempts.note(id, facts.into());
    }
}
