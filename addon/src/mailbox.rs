//! What native threads tell one JavaScript environment and ask it, until JavaScript collects it, and the one weak
//! threadsafe function that announces it. The answers come back by number, through the environment.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use napi::{
    Status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use offloop::{
    exporter::is_forked_child,
    lock::lock,
    sink::{ContentEncoding, Headers, Request, SendError, SendOutcome},
};

use crate::{
    convert::{JsBlock, JsFlush, JsHeaderQuestion, JsNotice, JsOutcome, JsSend},
    open_questions::OpenQuestions,
};

/// Something that JavaScript waits for, or a request that only JavaScript can send.
#[napi(object, object_from_js = false)]
pub struct JsResult {
    /// The number that JavaScript gave the call; for `send` and `withdrawn` the number of the attempt.
    pub id: u32,
    /// Outcome of an export.
    pub outcome: Option<JsOutcome>,
    /// Outcome of a flush.
    pub flush: Option<JsFlush>,
    /// An attempt to make through Node's http.
    pub send: Option<JsSend>,
    /// The attempt is given up: what JavaScript does for it is to end.
    pub withdrawn: Option<bool>,
    /// Headers to read for an attempt.
    pub headers: Option<JsHeaderQuestion>,
    /// Something to tell the user.
    pub notice: Option<JsNotice>,
    /// Spans left after a drain.
    pub left: Option<f64>,
    /// A block of the event loop that is over.
    pub block: Option<JsBlock>,
}

impl JsResult {
    /// A call that has no outcome beyond being over.
    pub fn done(id: u32) -> Self {
        Self {
            id,
            outcome: None,
            flush: None,
            send: None,
            withdrawn: None,
            headers: None,
            notice: None,
            left: None,
            block: None,
        }
    }
}

/// An attempt as it waits for a turn of the event loop. Its body is the batch's own: a blocked loop costs no copies.
pub(crate) struct SendQuestion {
    pub lane: u32,
    pub request: Request,
    pub deadline: Instant,
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

type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// Results for one environment. Any thread posts; a wake-up covers everything posted until JavaScript collects.
#[derive(Default)]
pub(crate) struct Mailbox {
    results: Mutex<Vec<JsResult>>,
    is_announced: AtomicBool,
    /// The environment is gone: nothing reaches it any more.
    is_closed: AtomicBool,
    /// Its event loop does not turn: it is asked nothing, and nothing is announced.
    is_paused: AtomicBool,
    /// Holds the function of JavaScript and all that it holds; none while nothing is waited for.
    wake: Mutex<Option<Wake>>,
    /// Attempts that this environment makes itself.
    pub attempts: OpenQuestions<SendQuestion, SendOutcome>,
    /// Headers that this environment has to tell.
    pub header_questions: OpenQuestions<JsHeaderQuestion, Result<Headers, SendError>>,
}

impl Mailbox {
    /// Never blocks and never fails: an environment that is gone has nobody left to tell.
    pub fn post(&self, result: JsResult) {
        if self.is_closed.load(Ordering::Acquire) || is_forked_child() {
            return;
        }
        lock(&self.results).push(result);
        self.announce();
    }

    /// There is something to collect.
    pub fn announce(&self) {
        if self.is_closed.load(Ordering::Acquire)
            || self.is_paused.load(Ordering::Acquire)
            || is_forked_child()
        {
            return;
        }
        if self.is_announced.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(wake) = &*lock(&self.wake) {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// From now on `wake` is called when something waits to be collected.
    pub fn listen(&self, wake: Wake) {
        self.set_wake(Some(wake));
        // What was announced meanwhile was announced to nobody.
        self.is_announced.store(false, Ordering::Release);
        self.announce();
    }

    /// Nobody is called from now on, and what JavaScript gave is let go.
    pub fn rest(&self) {
        self.set_wake(None);
    }

    fn set_wake(&self, wake: Option<Wake>) {
        let before = std::mem::replace(&mut *lock(&self.wake), wake);
        drop(before); // not under the lock
    }

    /// From now on nobody answers: what waits for an answer goes on without one.
    pub fn pause(&self) {
        if is_forked_child() {
            return; // the threads that could ask are not in this process, the locks they held are
        }
        self.is_paused.store(true, Ordering::Release);
        self.attempts.close();
        self.header_questions.close();
    }

    /// The event loop turns again: what was posted meanwhile is announced.
    pub fn resume(&self) {
        if is_forked_child() {
            return;
        }
        self.is_paused.store(false, Ordering::Release);
        self.attempts.reopen();
        self.header_questions.reopen();
        self.is_announced.store(false, Ordering::Release);
        self.announce();
    }

    /// The environment goes.
    pub fn close(&self) {
        if is_forked_child() {
            return;
        }
        self.is_closed.store(true, Ordering::Release);
        self.pause();
        lock(&self.results).clear();
    }

    /// Everything posted since the last call, in order, and every question that was not collected before.
    pub fn collect(&self) -> Vec<JsResult> {
        if is_forked_child() {
            return Vec::new(); // what was posted is the parent's
        }
        self.is_announced.store(false, Ordering::Release);
        let mut results = std::mem::take(&mut *lock(&self.results));
        // What has no time left is answered by its own clock.
        let attempts = self.attempts.collect().into_iter();
        for (id, question) in attempts.filter(|(_, question)| !question.is_over()) {
            results.push(JsResult { send: Some(question.into()), ..JsResult::done(id) });
        }
        for (id, question) in self.header_questions.collect() {
            results.push(JsResult { headers: Some(question), ..JsResult::done(id) });
        }
        results
    }
}
