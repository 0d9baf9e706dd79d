//! Settings and counters of the event-loop monitor, as plain objects.
//! It refuses to act.

use std::time::Duration;

use napi_derive::napi;
use offloop::monitor::delays::Summary;

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
    /// JavaScript wants to hear of blocks, wherever their spans go.
    pub tells_blocks: bool,
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

impl From<Summary> for JsDelays {
    fn from(summary: Summary) -> Self {
        let Summary { count, min, max, mean, stddev, p50, p90, p99 } = summary;
        JsDelays { count: count as f64, min, max, mean, stddev, p50, p90, p99 }
    }
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
