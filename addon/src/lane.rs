//! One exporter as JavaScript drives it.
//! It refuses to decide: admission, schedule and delivery are the core's, wording is `js/`'s.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use napi::{
    Env, Error, Status,
    bindgen_prelude::{Either, ObjectFinalize, Result, Uint8Array, Uint32Array},
};
use napi_derive::napi;
use offloop::{
    contain::contained,
    error::DropReason,
    exporter::{Completion, Exporter, FlushMode, Ticket, Window, is_forked_child},
    handoff::{RawBatch, Segment},
    lock::lock,
    pipeline::notice::Level,
    process::Process,
    sink::{live_headers::CurrentHeaders, net::Doubt},
};

use crate::{
    config::{Built, LaneConfig, Shared, build},
    convert::{JsFlush, JsNotice, JsStats, duration},
    environment::Environment,
    mailbox::JsResult,
};

/// The native half of an exporter.
#[napi(custom_finalize)]
pub struct Lane {
    exporter: Arc<Exporter>,
    /// The rules that its spans go through.
    process: Option<Arc<Process>>,
    shared: Shared,
    /// Exports whose long texts are still being copied, by the number JavaScript gave them. What lacks one when the
    /// environment goes counts as `environment_gone`.
    open: Mutex<HashMap<u32, Open>>,
    /// Batches that JavaScript is filling, by the number of their export.
    windows: Mutex<HashMap<u32, Arc<Window>>>,
}

/// An environment that is gone loses its promises, not its spans.
impl Drop for Lane {
    fn drop(&mut self) {
        contained((), || self.let_go());
    }
}

/// Node-API calls it from C.
impl ObjectFinalize for Lane {
    fn finalize(self, _: Env) -> Result<()> {
        contained((), || drop(self));
        Ok(())
    }
}

/// An export admitted and not yet handed over.
struct Open {
    ticket: Ticket,
    spans: u32,
    segments: Vec<Segment>,
}

#[napi]
impl Lane {
    /// Starts nothing: threads come with the first admission.
    #[napi(constructor, catch_unwind)]
    pub fn new(environment: &Environment, config: LaneConfig) -> Result<Self> {
        let number = config.number;
        let shared = Shared {
            mailbox: environment.mailbox(),
            headers: CurrentHeaders::default(),
            timeouts: Arc::default(),
            doubt: Doubt::default(),
        };
        let Built { exporter, process } = build(config, &shared)?;
        environment.enlist(&exporter);
        let mailbox = environment.mailbox();
        exporter.observe(
            Level::Verbose,
            Arc::new(move |notice| {
                let notice = JsNotice::new(number, notice);
                mailbox.post(JsResult { notice: Some(notice), ..JsResult::done(0) });
            }),
        );
        Ok(Self { exporter, process, shared, open: Mutex::default(), windows: Mutex::default() })
    }

    /// Headers for every attempt from now on, in place of those of the configuration.
    #[napi(catch_unwind)]
    pub fn set_headers(&self, headers: Vec<(String, String)>) {
        self.shared.headers.set(headers.into());
        self.exporter.credentials_changed();
    }

    /// Why the next TLS connection is for Node to open, or that there is no reason any more.
    #[napi(catch_unwind)]
    pub fn doubt_tls(&self, reason: Option<String>) {
        self.shared.doubt.set(reason);
    }

    /// JavaScript has read other headers than before.
    #[napi(catch_unwind)]
    pub fn credentials_changed(&self) {
        self.exporter.credentials_changed();
    }

    /// Spans that would find room now.
    #[napi(catch_unwind)]
    pub fn room_spans(&self) -> f64 {
        self.exporter.room().spans as f64
    }

    /// Bytes that would find room now.
    #[napi(catch_unwind)]
    pub fn room_bytes(&self) -> f64 {
        self.exporter.room().bytes as f64
    }

    /// Counts spans that were turned away before admission.
    #[napi(catch_unwind)]
    pub fn refuse(&self, spans: u32, reason: String, detail: Option<String>) {
        let reason = DropReason::ALL.into_iter().find(|each| each.code() == reason);
        let reason = reason.unwrap_or(DropReason::InternalError);
        self.exporter.refuse(spans, reason, detail.as_deref());
    }

    /// Reserves room for export `id`, whose spans lie in `segments`: flat triples of block, first word and end word, or
    /// copied records. With `is_complete` it is handed over at once, else by `complete`. Whether there was room; the
    /// result is posted under `id` in either case.
    #[napi(catch_unwind)]
    pub fn admit(
        &self,
        environment: &Environment,
        id: u32,
        spans: u32,
        bytes: f64,
        segments: Either<Uint32Array, Vec<Uint8Array>>,
        is_complete: bool,
    ) -> Result<bool> {
        let segments = environment.segments(&segments)?;
        let mailbox = Arc::clone(&self.shared.mailbox);
        let completion = Completion::new(move |outcome| {
            mailbox.post(JsResult { outcome: Some(outcome.into()), ..JsResult::done(id) });
        });
        match self.exporter.admit(spans, bytes as u64, completion) {
            Ok(ticket) if is_complete => {
                self.exporter.submit(ticket, RawBatch::new(segments, spans).with_call(id));
            }
            Ok(ticket) => {
                let open = Open { ticket, spans, segments };
                lock(&self.open).insert(id, open);
            }
            Err(refused) => {
                refused.answer();
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands admitted export `id` over, with what was written since.
    #[napi(catch_unwind)]
    pub fn complete(
        &self,
        environment: &Environment,
        id: u32,
        segments: Either<Uint32Array, Vec<Uint8Array>>,
    ) -> Result<()> {
        let open = lock(&self.open).remove(&id);
        let mut open =
            open.ok_or_else(|| Error::new(Status::InvalidArg, "unknown export".to_owned()))?;
        open.segments.extend(environment.segments(&segments)?);
        self.exporter.submit(open.ticket, RawBatch::new(open.segments, open.spans).with_call(id));
        Ok(())
    }

    /// JavaScript has counted the first span of export `id` in block `head`; its records lie in `parts`, flat pairs of
    /// block and first word. It is handed over when `handOver` says so or when the delay has passed. Whoever was cut off
    /// right behind this call may make it again: export `id` is opened once, with the blocks of both calls.
    #[napi(catch_unwind)]
    pub fn open_window(
        &self,
        environment: &Environment,
        id: u32,
        head: u32,
        parts: Uint32Array,
        delay_millis: f64,
    ) -> Result<()> {
        if let Some(window) = self.windows().get(&id) {
            window.batch().grow(environment.parts(&parts)?);
            return Ok(());
        }
        let Some(batch) = environment.open_batch(head, &parts)? else { return Ok(()) };
        let mailbox = Arc::clone(&self.shared.mailbox);
        let completion = Completion::new(move |outcome| {
            mailbox.post(JsResult { outcome: Some(outcome.into()), ..JsResult::done(id) });
        });
        let window = Arc::new(Window::new(batch, id, completion));
        {
            let mut windows = self.windows();
            windows.retain(|_, window| !window.batch().is_taken());
            windows.insert(id, Arc::clone(&window));
        }
        self.exporter.schedule(&window, duration(delay_millis));
        Ok(())
    }

    /// Export `id` goes on in other blocks. False: it has been handed over.
    #[napi(catch_unwind)]
    pub fn grow_window(
        &self,
        environment: &Environment,
        id: u32,
        parts: Uint32Array,
    ) -> Result<bool> {
        if is_forked_child() {
            return Ok(false);
        }
        let parts = environment.parts(&parts)?;
        Ok(self.windows().get(&id).is_some_and(|window| window.batch().grow(parts)))
    }

    /// Hands export `id` over with every span counted so far. False: that has happened before.
    #[napi(catch_unwind)]
    pub fn hand_over(&self, id: u32) -> bool {
        if is_forked_child() {
            return false;
        }
        let window = self.windows().remove(&id);
        window.is_some_and(|window| self.exporter.hand_over(&window))
    }

    /// Posts the outcome under `id` when everything admitted before this call is terminal, or after the timeout.
    #[napi(catch_unwind)]
    pub fn force_flush(&self, id: u32, attempt: bool, timeout_millis: f64) {
        let mailbox = Arc::clone(&self.shared.mailbox);
        let mode = if attempt { FlushMode::Attempt } else { FlushMode::Terminal };
        let done = move |outcome| {
            let flush: JsFlush = From::from(outcome);
            mailbox.post(JsResult { flush: Some(flush), ..JsResult::done(id) });
        };
        self.exporter.force_flush(mode, duration(timeout_millis), Box::new(done));
    }

    /// Refuses later exports, gives what is pending its last attempts and posts under `id` when all is settled.
    #[napi(catch_unwind)]
    pub fn shutdown(&self, id: u32, timeout_millis: f64) {
        let mailbox = Arc::clone(&self.shared.mailbox);
        let done = move |_| mailbox.post(JsResult::done(id));
        self.exporter.shutdown(duration(timeout_millis), Box::new(done));
    }

    /// Attempts of a `drift_api` lane that ran out of time so far.
    #[napi(catch_unwind)]
    pub fn attempt_timeouts(&self) -> f64 {
        self.shared.timeouts.load(Ordering::Relaxed) as f64
    }

    /// One consistent snapshot.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> JsStats {
        let stats = self.exporter.stats();
        match &self.process {
            None => stats.into(),
            Some(process) => JsStats {
                filtered: Some(stats.filtered as f64),
                process: Some(process.as_ref().into()),
                ..stats.into()
            },
        }
    }
}

impl Lane {
    /// What native code submits to by itself.
    pub(crate) fn exporter(&self) -> Arc<Exporter> {
        Arc::clone(&self.exporter)
    }

    /// What is being written goes on its way.
    fn let_go(&mut self) {
        let windows = self.windows.get_mut().unwrap_or_else(PoisonError::into_inner);
        if is_forked_child() {
            // What settles them is the parent's.
            return std::mem::forget((std::mem::take(windows), std::mem::take(&mut self.open)));
        }
        for (_, window) in windows.drain() {
            self.exporter.hand_over(&window);
        }
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (id, Open { ticket, spans, segments }) in open.drain() {
            let raw = RawBatch::new(segments, spans).with_call(id).abandoned();
            self.exporter.submit(ticket, raw);
        }
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<u32, Arc<Window>>> {
        lock(&self.windows)
    }
}
