//! Headers that are not known once and for all: an object that its owner may change, a function that makes them.
//! It refuses to read them itself: both live on the JavaScript thread.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use offloop::{
    contain::contained,
    error::{DropReason, timed_out},
    sink::{Attempt, Request, SendError, SendErrorKind, SendOutcome, Sink},
};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    convert::JsHeaderQuestion,
    mailbox::{HeaderAnswer, Headers, Mailbox},
};

/// How long a retry waits for a blocked event loop before it takes the headers of the last export.
const REREAD_PATIENCE: Duration = Duration::from_millis(100);

/// The headers read last; shared by a lane and its sink.
#[derive(Clone, Default)]
pub(crate) struct CurrentHeaders(Arc<RwLock<Option<Headers>>>);

impl CurrentHeaders {
    pub fn set(&self, headers: Headers) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(headers);
    }

    fn get(&self) -> Option<Headers> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// When JavaScript is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Never: the configuration has them.
    Static,
    /// An object: read at each export, and again at each retry if the event loop turns.
    Live,
    /// A function: called for each attempt.
    Function,
}

/// Puts the headers of the moment into each request.
pub(crate) struct HeaderSink {
    pub lane: u32,
    pub source: Source,
    pub current: CurrentHeaders,
    pub mailbox: Arc<Mailbox>,
    pub inner: Arc<dyn Sink>,
}

impl Sink for HeaderSink {
    fn send(&self, mut request: Request) -> Attempt {
        let must_ask = match self.source {
            Source::Static => return self.inner.send(request),
            Source::Live => request.attempt > 1,
            Source::Function => true,
        };
        if !must_ask {
            request.headers = self.current.get();
            return self.inner.send(request);
        }
        let asked_at = Instant::now();
        let (answered, asked) = self.ask(request.call);
        let patience =
            if self.source == Source::Live { REREAD_PATIENCE } else { request.time_left };
        let (current, inner) = (self.current.clone(), Arc::clone(&self.inner));
        Box::pin(async move {
            let answer = timeout(patience, answered).await;
            drop(asked);
            match answer {
                Ok(Ok(Ok(headers))) => {
                    current.set(Arc::clone(&headers));
                    request.headers = Some(headers);
                }
                Ok(Ok(Err(error))) => return SendOutcome::Failed(error),
                // The loop is blocked, or its environment is gone: the last ones, if there are any.
                late => {
                    request.headers = current.get();
                    match (&request.headers, late) {
                        (Some(_), _) => {}
                        // A later attempt may find the loop turning.
                        (None, Err(_)) => return SendOutcome::Failed(timed_out()),
                        (None, Ok(_)) => return SendOutcome::Failed(gone()),
                    }
                }
            }
            // The time of the user's code is part of the attempt's.
            request.time_left = request.time_left.saturating_sub(asked_at.elapsed());
            if request.time_left.is_zero() {
                // A request that goes out now would arrive and count as failed all the same.
                return SendOutcome::Failed(timed_out());
            }
            inner.send(request).await
        })
    }
}

impl HeaderSink {
    fn ask(&self, call: u32) -> (oneshot::Receiver<HeaderAnswer>, Asked) {
        let (answer, answered) = oneshot::channel();
        let question = JsHeaderQuestion { lane: self.lane, call };
        let id = self.mailbox.header_questions.ask(question, answer);
        self.mailbox.announce();
        (answered, Asked { mailbox: Arc::clone(&self.mailbox), id })
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

fn gone() -> SendError {
    SendError::new(SendErrorKind::EnvironmentGone, DropReason::EnvironmentGone.message())
}
