//! What one JavaScript environment (main thread or worker) shares with the engine: its mailbox, the blocks that it writes to,
//! and the exporters that it has made.
//! It refuses to hold the environment alive: that is for `js/native/engine.js`, which knows who waits.

mod answers;
mod blocks;
mod owing;

use std::{
    sync::{Arc, Mutex, Weak},
    time::Instant,
};

use napi::{
    Env,
    bindgen_prelude::{Function, ObjectFinalize, Result, retain_current_module_for_unload_safety},
};
use napi_derive::napi;
use offloop::{
    contain::contained,
    exporter::{Engine, Exporter, is_forked_child},
    lock::lock,
};

use self::blocks::Blocks;
use crate::{
    convert::duration,
    mailbox::{JsResult, Mailbox},
};

/// The native half of `js/native/engine.js`; one per environment.
#[derive(Default)]
#[napi(custom_finalize)]
pub struct Environment {
    mailbox: Arc<Mailbox>,
    blocks: Mutex<Blocks>,
    /// The exporters that this environment has made, as long as it holds them.
    exporters: Mutex<Vec<Weak<Exporter>>>,
}

#[napi]
impl Environment {
    /// Hears of nothing until `listen`.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        // Before any thread of ours can outlive this environment: a worker that unloads the library under a running
        // thread is a segmentation fault.
        retain_current_module_for_unload_safety();
        Self::default()
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
        self.mailbox.listen(wake);
        Ok(())
    }

    /// Nothing is waited for: nobody is called until the next `listen`, and what JavaScript gave is let go.
    #[napi(catch_unwind)]
    pub fn rest(&self) {
        if !is_forked_child() {
            self.mailbox.rest();
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

    /// The event loop will not turn any more: no result is announced from now on, and no question is asked.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.mailbox.pause();
    }

    /// It turns all the same: the environment, or with `whole_process` the process, has not come to its end.
    #[napi(catch_unwind)]
    pub fn reopen(&self, whole_process: bool) {
        if whole_process {
            Engine::global().goes_on();
        }
        self.exporters().iter().for_each(|exporter| exporter.forget_waited());
        self.mailbox.resume();
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
        let mut exporters = lock(&self.exporters);
        exporters.retain(|exporter| exporter.strong_count() > 0);
        exporters.push(Arc::downgrade(exporter));
    }

    fn exporters(&self) -> Vec<Arc<Exporter>> {
        let exporters = lock(&self.exporters);
        exporters.iter().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn with_blocks<T>(&self, work: impl FnOnce(&mut Blocks) -> T) -> T {
        work(&mut lock(&self.blocks))
    }
}
