//! What one JavaScript environment (main thread or worker) shares with the engine: results on their way back, and the
//! one weak threadsafe function that announces them.
//! It refuses to hold the environment alive: that is for `js/native/engine.js`, which knows who waits.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use napi::{
    Env, Status,
    bindgen_prelude::{Function, ObjectFinalize, Result, retain_current_module_for_unload_safety},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use offloop::{
    contain::contained,
    exporter::{Engine, Exporter, is_forked_child},
    sink::SendOutcome,
};

use crate::{
    blocks::Blocks,
    convert::{JsHeaderQuestion, JsResult},
    header_sink::HeaderAnswer,
    lane::duration,
    node_sink::SendQuestion,
    open_questions::OpenQuestions,
};

type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// The native half of `js/native/engine.js`; one per environment.
#[napi(custom_finalize)]
pub struct Environment {
    mailbox: Arc<Mailbox>,
    blocks: Mutex<Blocks>,
    /// The exporters that this environment has made, as long as it holds them.
    exporters: Mutex<Vec<Weak<Exporter>>>,
}

/// Results for one environment. Any thread posts; a wake-up covers everything posted until JavaScript collects.
pub(crate) struct Mailbox {
    results: Mutex<Vec<JsResult>>,
    is_announced: AtomicBool,
    /// The environment is about to go: nothing reaches it any more.
    is_closed: AtomicBool,
    /// Holds the function of JavaScript and all that it holds; none while nothing is waited for.
    wake: Mutex<Option<Wake>>,
    /// Attempts that this environment makes itself.
    pub attempts: OpenQuestions<SendQuestion, SendOutcome>,
    /// Headers that this environment has to tell.
    pub header_questions: OpenQuestions<JsHeaderQuestion, HeaderAnswer>,
}

impl Mailbox {
    /// Never blocks and never fails: an environment that is gone has nobody left to tell.
    pub fn post(&self, result: JsResult) {
        if self.is_closed.load(Ordering::Acquire) || is_forked_child() {
            return;
        }
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        self.announce();
    }

    /// There is something to collect.
    pub fn announce(&self) {
        if self.is_closed.load(Ordering::Acquire) || is_forked_child() {
            return;
        }
        if self.is_announced.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn set_wake(&self, wake: Option<Wake>) {
        let before =
            std::mem::replace(&mut *self.wake.lock().unwrap_or_else(PoisonError::into_inner), wake);
        drop(before); // not under the lock
    }

    /// From now on nobody answers: what waits for an answer goes on without one.
    fn close(&self) {
        if is_forked_child() {
            return; // the threads that could ask are not in this process, the locks they held are
        }
        self.is_closed.store(true, Ordering::Release);
        self.attempts.close();
        self.header_questions.close();
        self.results.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn collect(&self) -> Vec<JsResult> {
        if is_forked_child() {
            return Vec::new(); // what was posted is the parent's
        }
        self.is_announced.store(false, Ordering::Release);
        let results = &self.results;
        let mut results =
            std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
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

#[napi]
impl Environment {
    /// Hears of nothing until `listen`.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        // Before any thread of ours can outlive this environment: a worker that unloads the library under a running
        // thread is a segmentation fault.
        retain_current_module_for_unload_safety();
        let mailbox = Mailbox {
            results: Mutex::default(),
            is_announced: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            wake: Mutex::default(),
            attempts: OpenQuestions::default(),
            header_questions: OpenQuestions::default(),
        };
        Self { mailbox: Arc::new(mailbox), blocks: Mutex::default(), exporters: Mutex::default() }
    }

    /// From now on `on_results` is called, with nothing, when results wait for `takeResults`. It is held until `rest`.
    #[napi(catch_unwind)]
    pub fn listen(&self, on_results: Function<'_, (), ()>) -> Result<()> {
        if is_forked_child() {
            return Ok(());
        }
        let wake = on_results
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .build()?;
        self.mailbox.set_wake(Some(wake));
        // What was announced meanwhile was announced to nobody.
        self.mailbox.is_announced.store(false, Ordering::Release);
        self.mailbox.announce();
        Ok(())
    }

    /// Nothing is waited for: nobody is called until the next `listen`, and what JavaScript gave is let go.
    #[napi(catch_unwind)]
    pub fn rest(&self) {
        if !is_forked_child() {
            self.mailbox.set_wake(None);
        }
    }

    /// Calls `on_results` when the time has passed, by a clock that JavaScript cannot replace. False: no thread runs that
    /// could do so.
    #[napi(catch_unwind)]
    pub fn wake_in(&self, millis: f64) -> bool {
        let mailbox = Arc::downgrade(&self.mailbox);
        Engine::global().later(duration(millis), move || {
            if let Some(mailbox) = mailbox.upgrade() {
                mailbox.announce();
            }
        })
    }

    /// Whether this process was forked from one whose engine was running: nothing can be exported here.
    #[napi(getter, catch_unwind)]
    pub fn is_forked_child(&self) -> bool {
        is_forked_child()
    }

    /// Everything posted since the last call, in order, and what JavaScript is asked for.
    #[napi(catch_unwind)]
    pub fn take_results(&self) -> Vec<JsResult> {
        self.mailbox.collect()
    }

    /// Spans accepted and not terminal, of this environment's exporters or of the whole process.
    #[napi(catch_unwind)]
    pub fn pending(&self, whole_process: bool) -> f64 {
        if whole_process {
            return Engine::global().pending() as f64;
        }
        self.exporters().iter().map(|exporter| exporter.pending()).sum::<u64>() as f64
    }

    /// Hands over the batches that other environments of the process are filling. For the end of the process.
    #[napi(catch_unwind)]
    pub fn hand_over_windows(&self) {
        Engine::global().hand_over_windows();
    }

    /// Posts the spans left under `id` when everything is terminal or has nowhere to go, or after the timeout.
    #[napi(catch_unwind)]
    pub fn drain(&self, id: u32, timeout_millis: f64, whole_process: bool) {
        let (mailbox, timeout) = (Arc::clone(&self.mailbox), duration(timeout_millis));
        let done = Box::new(move |left| {
            mailbox.post(JsResult { left: Some(left as f64), ..JsResult::done(id) });
        });
        if whole_process {
            return Engine::global().drain(timeout, done);
        }
        let exporters = self.exporters();
        let exporters: Vec<_> = exporters.iter().map(|exporter| &**exporter).collect();
        Exporter::drain_all(&exporters, timeout, done);
    }

    /// Blocks until everything is terminal or has nowhere to go or the time is over; the spans left then. For the end of
    /// the environment, or of the whole process: nobody waits again afterwards.
    #[napi(catch_unwind)]
    pub fn drain_blocking(&self, millis: f64, whole_process: bool) -> f64 {
        let deadline = Instant::now() + duration(millis);
        if whole_process {
            let engine = Engine::global();
            engine.end_by(deadline);
            return engine.drain_blocking(deadline) as f64;
        }
        let exporters = self.exporters();
        let exporters: Vec<_> = exporters.iter().map(|exporter| &**exporter).collect();
        let left = Exporter::drain_all_blocking(&exporters, deadline);
        exporters.iter().for_each(|exporter| exporter.note_waited());
        left as f64
    }

    /// The event loop will not turn any more: no result is posted from now on, and no question is asked.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.mailbox.close();
    }
}

/// A worker that was terminated.
impl Drop for Environment {
    fn drop(&mut self) {
        contained((), || self.mailbox.close());
    }
}

/// Node-API calls it from C.
impl ObjectFinalize for Environment {
    fn finalize(self, _: Env) -> Result<()> {
        contained((), || drop(self));
        Ok(())
    }
}

impl Environment {
    pub(crate) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// An exporter of this environment; held by its lane alone.
    pub(crate) fn enlist(&self, exporter: &Arc<Exporter>) {
        let mut exporters = self.exporters.lock().unwrap_or_else(PoisonError::into_inner);
        exporters.retain(|exporter| exporter.strong_count() > 0);
        exporters.push(Arc::downgrade(exporter));
    }

    fn exporters(&self) -> Vec<Arc<Exporter>> {
        let exporters = self.exporters.lock().unwrap_or_else(PoisonError::into_inner);
        exporters.iter().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn with_blocks<T>(&self, work: impl FnOnce(&mut Blocks) -> T) -> T {
        work(&mut self.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
