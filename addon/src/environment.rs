//! What one JavaScript environment (main thread or worker) shares with the engine: results on their way back, and the
//! one weak threadsafe function that announces them.
//! It refuses to hold the environment alive: that is for `js/engine.js`, which knows who waits.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use napi::{
    Status,
    bindgen_prelude::{Function, Result, retain_current_module_for_unload_safety},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use offloop::sink::SendOutcome;

use crate::{
    blocks::Blocks, convert::JsResult, header_sink::HeaderAnswer, open_questions::OpenQuestions,
};

type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// The native half of `js/engine.js`; one per environment.
#[napi]
pub struct Environment {
    mailbox: Arc<Mailbox>,
    blocks: Mutex<Blocks>,
}

/// Results for one environment. Any thread posts; a wake-up covers everything posted until JavaScript collects.
pub(crate) struct Mailbox {
    results: Mutex<Vec<JsResult>>,
    is_announced: AtomicBool,
    wake: Wake,
    /// Attempts that this environment makes itself.
    pub attempts: OpenQuestions<SendOutcome>,
    /// Headers that this environment has to tell.
    pub header_questions: OpenQuestions<HeaderAnswer>,
}

impl Mailbox {
    /// Never blocks and never fails: an environment that is gone has nobody left to tell.
    pub fn post(&self, result: JsResult) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        if !self.is_announced.swap(true, Ordering::AcqRel) {
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn collect(&self) -> Vec<JsResult> {
        self.is_announced.store(false, Ordering::Release);
        std::mem::take(&mut *self.results.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[napi]
impl Environment {
    /// `on_results` is called, with nothing, when results wait for `takeResults`.
    #[napi(constructor, catch_unwind)]
    pub fn new(on_results: Function<'_, (), ()>) -> Result<Self> {
        // Before any thread of ours can outlive this environment: a worker that unloads the library under a running
        // thread is a segmentation fault.
        retain_current_module_for_unload_safety();
        let wake = on_results
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .build()?;
        let mailbox = Mailbox {
            results: Mutex::default(),
            is_announced: AtomicBool::new(false),
            wake,
            attempts: OpenQuestions::default(),
            header_questions: OpenQuestions::default(),
        };
        Ok(Self { mailbox: Arc::new(mailbox), blocks: Mutex::default() })
    }

    /// Everything posted since the last call, in order.
    #[napi(catch_unwind)]
    pub fn take_results(&self) -> Vec<JsResult> {
        self.mailbox.collect()
    }
}

impl Environment {
    pub(crate) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    pub(crate) fn with_blocks<T>(&self, work: impl FnOnce(&mut Blocks) -> T) -> T {
        work(&mut self.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
