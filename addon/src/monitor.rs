//! The event-loop monitor of one environment, as `js/monitor/event_loop_monitor.js` drives it.
//! It refuses to judge: what is a block is the core's business, how a loop is read is that of the files below.

mod heartbeat;
mod hook;
mod interrupt;
mod reader;
mod span_table;
mod station;
mod symbols;
pub mod thread;
mod values;

use std::sync::{Arc, Mutex};

use napi::{Env, Error, Status, bindgen_prelude::*};
use napi_derive::napi;
use offloop::{
    clock::monotonic,
    contain::contained,
    exporter::is_forked_child,
    lock::lock,
    monitor::{
        delays::Snapshot,
        machine::Settings,
        open_spans::OpenSpanTable,
        report::Origin,
        watchdog::{Outlet, Tell, Watch},
    },
};

use self::{
    station::Station,
    values::{JsCapabilities, JsDelays, JsMonitorStats, MonitorSettings, millis},
};
use crate::{
    convert::{JsAttribute, block, duration, pairs},
    environment::Environment,
    lane::Lane,
    mailbox::{JsResult, Mailbox},
};

/// The native half of `js/monitor/event_loop_monitor.js`; one per environment.
#[napi(custom_finalize)]
pub struct LoopMonitor {
    station: Arc<Station>,
    mailbox: Arc<Mailbox>,
    /// One for all watches: a table of each would be freed by the garbage collector alone, long after a program that
    /// enables and disables in one turn has made thousands.
    open_spans: Arc<OpenSpanTable>,
    watch: Mutex<Option<Arc<Watch>>>,
    taken: Mutex<Snapshot>,
}

#[napi]
impl LoopMonitor {
    /// `heartbeat_millis`: JavaScript will beat at this interval if the loop cannot be read, or if `only_heartbeat`.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        environment: &Environment,
        v8_version: String,
        heartbeat_millis: f64,
        only_heartbeat: bool,
    ) -> Self {
        let heartbeat = duration(heartbeat_millis);
        Self {
            station: Station::open(env.raw(), &v8_version, heartbeat, only_heartbeat),
            mailbox: environment.mailbox(),
            open_spans: Arc::default(),
            watch: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    /// What this runtime lets us see.
    #[napi(catch_unwind)]
    pub fn capabilities(&self) -> JsCapabilities {
        JsCapabilities { turns: self.station.has_turns(), stacks: self.station.has_stacks() }
    }

    /// To be called by a function of that name, on that line of that script (from 1): stacks are taken from now on if
    /// this one says so too. Answers whether they are.
    #[napi(catch_unwind)]
    pub fn prove_stacks(
        &self,
        env: &Env,
        function_name: String,
        script: String,
        line: u32,
    ) -> bool {
        interrupt::prove_stacks(&self.station, env.raw(), &function_name, &script, line);
        self.station.has_stacks()
    }

    /// Watches, with spans for one of our exporters.
    #[napi(catch_unwind)]
    pub fn enable_lane(
        &self,
        settings: MonitorSettings,
        resource: Vec<JsAttribute>,
        lane: &Lane,
    ) -> Result<()> {
        let tell = settings.tells_blocks.then(|| self.tell());
        self.enable(settings, resource, Outlet::Lane(lane.exporter(), tell))
    }

    /// Watches, with spans for JavaScript, posted as `block`.
    #[napi(catch_unwind)]
    pub fn enable_loop(&self, settings: MonitorSettings, resource: Vec<JsAttribute>) -> Result<()> {
        let tell = self.tell();
        self.enable(settings, resource, Outlet::Loop(tell))
    }

    /// Watches no more. The turn that disables it is no block.
    #[napi(catch_unwind)]
    pub fn disable(&self) {
        if is_forked_child() {
            return;
        }
        self.station.detach();
        if let Some(watch) = self.lock_watch().take() {
            watch.stop();
        }
    }

    /// The words of the table of open spans, for `js/monitor/open_spans.js`. Throws where memory cannot be shared. Asked
    /// once: memory may have only one ArrayBuffer.
    #[napi(catch_unwind)]
    pub fn open_span_table<'env>(&self, env: &'env Env) -> Result<ArrayBuffer<'env>> {
        span_table::table_buffer(env, Arc::clone(&self.open_spans))
    }

    /// The number of a text that the table is to name; 0: there are too many. A text that has a number is not to be added
    /// again.
    #[napi(catch_unwind)]
    pub fn add_text(&self, text: String) -> u32 {
        self.open_spans.add_text(&text)
    }

    /// `callback` is called when a block is over, before its span is made, until `disable`. Not where JavaScript beats.
    #[napi(catch_unwind)]
    pub fn call_at_end(&self, env: &Env, callback: Function<'_, (), ()>) {
        self.station.call_at_end(env.raw(), callback.value().value);
    }

    /// Number of the turn that the loop is in.
    #[napi(catch_unwind)]
    pub fn turn(&self) -> f64 {
        self.watch().map_or(0.0, |watch| watch.clock.turns() as f64)
    }

    /// Attributes of the resource for spans from now on.
    #[napi(catch_unwind)]
    pub fn set_resource(&self, resource: Vec<JsAttribute>) {
        if let Some(watch) = self.watch() {
            watch.set_resource(pairs(resource));
        }
    }

    /// Whether a debugger can be attached from now on.
    #[napi(catch_unwind)]
    pub fn set_inspected(&self, is_inspected: bool) {
        self.station.set_inspected(is_inspected);
    }

    /// JavaScript's heartbeat, where the loop cannot be read.
    #[napi(catch_unwind)]
    pub fn beat(&self) {
        if let Some(watch) = self.watch() {
            self.station.beat(&watch);
        }
    }

    /// The turn under way is no block of the application's.
    #[napi(catch_unwind)]
    pub fn excuse_turn(&self) {
        if let Some(watch) = self.watch() {
            watch.clock.excuse();
        }
    }

    /// The loop will not look for events again: what its turn has been so far is judged at once.
    #[napi(catch_unwind)]
    pub fn settle(&self) {
        if let Some(watch) = self.watch() {
            watch.settle();
        }
    }

    /// Counters since it was enabled.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> Option<JsMonitorStats> {
        let watch = self.watch()?;
        let counts = watch.counts();
        Some(JsMonitorStats {
            blocks: counts.blocks as f64,
            spans: counts.spans as f64,
            suppressed: counts.suppressed as f64,
            paused: counts.paused as f64,
            starved: counts.starved as f64,
            debugger: counts.debugger as f64,
            longest_block_millis: millis(counts.longest),
            turns: watch.clock.turns() as f64,
            idle_millis: watch.idle().map_or(0.0, millis),
            delay: watch.clock.delays.snapshot().since(&Snapshot::default()).into(),
        })
    }

    /// Lengths of the turns since the last call.
    #[napi(catch_unwind)]
    pub fn take_delays(&self) -> Option<JsDelays> {
        let now = self.watch()?.clock.delays.snapshot();
        let mut taken = lock(&self.taken);
        let summary = now.since(&taken);
        *taken = now;
        Some(summary.into())
    }
}

impl LoopMonitor {
    fn tell(&self) -> Tell {
        let mailbox = Arc::clone(&self.mailbox);
        Box::new(move |span, turn| {
            mailbox.post(JsResult { block: Some(block(span, turn)), ..JsResult::done(0) });
        })
    }

    fn enable(
        &self,
        settings: MonitorSettings,
        resource: Vec<JsAttribute>,
        outlet: Outlet,
    ) -> Result<()> {
        if is_forked_child() {
            let message = "this process was forked from one that was watched";
            return Err(Error::new(Status::GenericFailure, message.to_owned()));
        }
        self.disable();
        self.station.set_inspected(settings.is_inspected);
        let core = Settings {
            threshold: duration(settings.threshold_millis),
            critical: duration(settings.critical_millis),
            stacks: settings.stacks && self.station.has_stacks(),
            max_per_minute: settings.max_per_minute,
            reports_ongoing: matches!(outlet, Outlet::Lane(..)),
        };
        let origin = Origin {
            resource: pairs(resource),
            version: settings.version,
            thread_id: settings.thread_id,
        };
        let offset = millis(monotonic().0) - settings.performance_now;
        let watch = reader::watch(
            &self.station,
            core,
            origin,
            offset,
            Arc::clone(&self.open_spans),
            outlet,
        );
        watch
            .start(settings.is_startup)
            .map_err(|error| Error::new(Status::GenericFailure, error.to_string()))?;
        self.station.attach(&watch);
        *lock(&self.taken) = Snapshot::default();
        *self.lock_watch() = Some(watch);
        Ok(())
    }

    /// None in a forked child: whatever a watch locks may be held for ever by a thread that is not in this process.
    fn watch(&self) -> Option<Arc<Watch>> {
        if is_forked_child() {
            return None;
        }
        self.lock_watch().clone()
    }

    fn lock_watch(&self) -> std::sync::MutexGuard<'_, Option<Arc<Watch>>> {
        lock(&self.watch)
    }
}

/// An environment that goes takes its monitor with it, whether its clean-up has run or not.
impl Drop for LoopMonitor {
    fn drop(&mut self) {
        contained((), || {
            if is_forked_child() {
                return;
            }
            if let Some(watch) = self.lock_watch().take() {
                watch.stop();
            }
        });
    }
}

/// Node-API calls it from C.
impl ObjectFinalize for LoopMonitor {
    fn finalize(self, _: Env) -> Result<()> {
        contained((), || drop(self));
        Ok(())
    }
}
