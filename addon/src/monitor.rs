//! The event-loop monitor of one environment, as `js/event_loop_monitor.js` drives it.
//! It refuses to judge: what is a block is the core's business, how a loop is read is that of the files below.

mod hook;
mod interrupt;
mod symbols;
mod thread;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use napi::{Env, Error, Status, bindgen_prelude::*};
use napi_derive::napi;
use offloop::{
    clock::monotonic,
    monitor::{
        delays::{Snapshot, Summary},
        machine::Settings,
        report::Origin,
        watchdog::{Outlet, Watch},
    },
    span::owned::{OwnedSpan, Pair, Value},
};

use self::hook::Station;
use crate::{
    convert::JsResult,
    environment::{Environment, Mailbox},
    lane::{Lane, duration},
};

/// What `js/` resolved.
#[napi(object, object_to_js = false)]
pub struct MonitorSettings {
    /// A turn from this length up is a block.
    pub threshold_millis: f64,
    /// A block from this length up is critical.
    pub critical_millis: f64,
    /// Whether stacks are wanted.
    pub stacks: bool,
    /// Spans per place and minute.
    pub max_per_minute: u32,
    /// Version of this package.
    pub version: String,
    /// Number of the JavaScript thread.
    pub thread_id: u32,
    /// `performance.now()` at this moment.
    pub performance_now: f64,
    /// The loop has not run yet.
    pub is_startup: bool,
    /// A debugger can be attached.
    pub is_inspected: bool,
}

type Primitive = Either3<String, f64, bool>;
type AttributeValue = Either4<String, f64, bool, Vec<Primitive>>;

/// An attribute.
#[napi(object)]
pub struct JsAttribute {
    /// Key.
    pub key: String,
    /// Value.
    pub value: Either4<String, f64, bool, Vec<Primitive>>,
}

/// A moment since the Unix epoch, as OpenTelemetry JS writes it.
pub type JsHrTime = Vec<f64>;

/// A block that is over, for exporters that are not ours.
#[napi(object, object_from_js = false)]
pub struct JsBlock {
    /// Trace id.
    pub trace_id: String,
    /// Span id.
    pub span_id: String,
    /// Parent in the same trace.
    pub parent_span_id: Option<String>,
    /// Name.
    pub name: String,
    /// Start.
    pub start: JsHrTime,
    /// End.
    pub end: JsHrTime,
    /// Attributes.
    pub attributes: Vec<JsAttribute>,
    /// Events.
    pub events: Vec<JsBlockEvent>,
    /// Trace and span ids, one pair after the other.
    pub links: Vec<String>,
    /// Name of the scope.
    pub scope_name: String,
}

/// An event of a block's span.
#[napi(object, object_from_js = false)]
pub struct JsBlockEvent {
    /// Name.
    pub name: String,
    /// Time.
    pub time: JsHrTime,
    /// Attributes.
    pub attributes: Vec<JsAttribute>,
}

/// What this runtime lets the monitor see.
#[napi(object, object_from_js = false)]
pub struct JsCapabilities {
    /// The loop is read through libuv; without it JavaScript has to beat.
    pub turns: bool,
    /// Stacks can be taken.
    pub stacks: bool,
}

/// Counters since the monitor was enabled; times in milliseconds.
#[napi(object, object_from_js = false)]
pub struct JsMonitorStats {
    /// Blocks that have ended.
    pub blocks: f64,
    /// Spans made.
    pub spans: f64,
    /// Blocks without a span.
    pub suppressed: f64,
    /// Standstills of the process.
    pub paused: f64,
    /// Turns without a processor.
    pub starved: f64,
    /// Turns held by a debugger.
    pub debugger: f64,
    /// Longest block.
    pub longest_block_millis: f64,
    /// Turns.
    pub turns: f64,
    /// Idle time.
    pub idle_millis: f64,
    /// Lengths of turns.
    pub delay: JsDelays,
}

/// Lengths of turns in milliseconds.
#[napi(object, object_from_js = false)]
pub struct JsDelays {
    /// Turns.
    pub count: f64,
    /// Shortest.
    pub min: f64,
    /// Longest.
    pub max: f64,
    /// Average.
    pub mean: f64,
    /// Standard deviation.
    pub stddev: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// The native half of `js/event_loop_monitor.js`; one per environment.
#[napi]
pub struct LoopMonitor {
    station: Arc<Station>,
    mailbox: Arc<Mailbox>,
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
            watch: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    /// What this runtime lets us see.
    #[napi(catch_unwind)]
    pub fn capabilities(&self) -> JsCapabilities {
        JsCapabilities { turns: self.station.has_turns(), stacks: self.station.has_stacks() }
    }

    /// Watches, with spans for one of our exporters.
    #[napi(catch_unwind)]
    pub fn enable_lane(
        &self,
        settings: MonitorSettings,
        resource: Vec<JsAttribute>,
        lane: &Lane,
    ) -> Result<()> {
        self.enable(settings, resource, Outlet::Lane(lane.exporter()))
    }

    /// Watches, with spans for JavaScript, posted as `block`.
    #[napi(catch_unwind)]
    pub fn enable_loop(&self, settings: MonitorSettings, resource: Vec<JsAttribute>) -> Result<()> {
        let mailbox = Arc::clone(&self.mailbox);
        let post = move |span| {
            mailbox.post(JsResult { block: Some(block(span)), ..JsResult::done(0) });
        };
        self.enable(settings, resource, Outlet::Loop(Box::new(post)))
    }

    /// Watches no more. The turn that disables it is no block.
    #[napi(catch_unwind)]
    pub fn disable(&self) {
        self.station.detach();
        if let Some(watch) = self.lock_watch().take() {
            watch.stop();
        }
    }

    /// The words of the table of open spans, for `js/monitor/open_spans.js`. Throws where memory cannot be shared.
    #[napi(catch_unwind)]
    pub fn open_span_table<'env>(&self, env: &'env Env) -> Result<ArrayBuffer<'env>> {
        let watch = self.watch().ok_or_else(|| invalid("not enabled"))?;
        hook::table_buffer(env, watch)
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

    /// What the monitor does in this turn is no block of the application's.
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
            self.station.settle(&watch);
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
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let summary = now.since(&taken);
        *taken = now;
        Some(summary.into())
    }
}

impl LoopMonitor {
    fn enable(
        &self,
        settings: MonitorSettings,
        resource: Vec<JsAttribute>,
        outlet: Outlet,
    ) -> Result<()> {
        self.disable();
        self.station.set_inspected(settings.is_inspected);
        let core = Settings {
            threshold: duration(settings.threshold_millis),
            critical: duration(settings.critical_millis),
            stacks: settings.stacks && self.station.has_stacks(),
            max_per_minute: settings.max_per_minute,
        };
        let origin = Origin {
            resource: pairs(resource),
            version: settings.version,
            thread_id: settings.thread_id,
        };
        let offset = millis(monotonic().0) - settings.performance_now;
        let watch = Station::watch(&self.station, core, origin, offset, outlet);
        watch
            .start(settings.is_startup)
            .map_err(|error| Error::new(Status::GenericFailure, error.to_string()))?;
        self.station.attach(&watch);
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Snapshot::default();
        *self.lock_watch() = Some(watch);
        Ok(())
    }

    fn watch(&self) -> Option<Arc<Watch>> {
        self.lock_watch().clone()
    }

    fn lock_watch(&self) -> std::sync::MutexGuard<'_, Option<Arc<Watch>>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An environment that goes takes its monitor with it, whether its clean-up has run or not.
impl Drop for LoopMonitor {
    fn drop(&mut self) {
        if let Some(watch) = self.lock_watch().take() {
            watch.stop();
        }
    }
}

impl From<Summary> for JsDelays {
    fn from(summary: Summary) -> Self {
        let Summary { count, min, max, mean, stddev, p50, p90, p99 } = summary;
        JsDelays { count: count as f64, min, max, mean, stddev, p50, p90, p99 }
    }
}

fn block(span: OwnedSpan) -> JsBlock {
    JsBlock {
        trace_id: span.ids.trace_id,
        span_id: span.ids.span_id,
        parent_span_id: span.parent_span_id,
        name: span.name,
        start: hr_time(span.start),
        end: hr_time(span.end),
        attributes: attributes(span.attributes),
        events: span
            .events
            .into_iter()
            .map(|event| JsBlockEvent {
                name: event.name,
                time: hr_time(event.time),
                attributes: attributes(event.attributes),
            })
            .collect(),
        links: span.links.into_iter().flat_map(|ids| [ids.trace_id, ids.span_id]).collect(),
        scope_name: span.scope_name,
    }
}

fn hr_time(since_epoch: Duration) -> JsHrTime {
    vec![since_epoch.as_secs() as f64, f64::from(since_epoch.subsec_nanos())]
}

fn attributes(pairs: Vec<Pair>) -> Vec<JsAttribute> {
    let convert = |value| match value {
        Value::Text(text) => Either4::A(text),
        Value::Number(number) => Either4::B(number),
        Value::Bool(bool) => Either4::C(bool),
        Value::List(_) => Either4::D(Vec::new()), // blocks have none
    };
    pairs.into_iter().map(|(key, value)| JsAttribute { key, value: convert(value) }).collect()
}

fn pairs(attributes: Vec<JsAttribute>) -> Vec<Pair> {
    let primitive = |value: Primitive| match value {
        Either3::A(text) => Value::Text(text),
        Either3::B(number) => Value::Number(number),
        Either3::C(bool) => Value::Bool(bool),
    };
    let convert = |value: AttributeValue| match value {
        Either4::A(text) => Value::Text(text),
        Either4::B(number) => Value::Number(number),
        Either4::C(bool) => Value::Bool(bool),
        Either4::D(items) => Value::List(items.into_iter().map(primitive).collect()),
    };
    attributes.into_iter().map(|JsAttribute { key, value }| (key, convert(value))).collect()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn invalid(message: &str) -> Error {
    Error::new(Status::InvalidArg, message.to_owned())
}
