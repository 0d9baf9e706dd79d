//! An environment's loop as the watchdog's thread reads it: idle time, counters of its thread, requests for a stack.
//! It refuses to wait for the loop's thread, and to touch pointers of an environment that is going.
#![expect(unsafe_code, reason = "libuv and V8 are called through symbols of the running binary")]

use std::{sync::Arc, time::Duration};

use offloop::{
    clock::monotonic,
    monitor::{
        machine::Settings,
        open_spans::OpenSpanTable,
        report::Origin,
        usage::{ThreadState, Usage},
        watchdog::{Outlet, Watch, WatchedLoop},
    },
};

use super::{
    interrupt::Request,
    station::{Site, Station},
    thread::ThreadMeter,
};

/// A watch over this environment's loop, not started.
pub fn watch(
    station: &Arc<Station>,
    settings: Settings,
    origin: Origin,
    performance_origin_millis: f64,
    open_spans: Arc<OpenSpanTable>,
    outlet: Outlet,
) -> Arc<Watch> {
    let reader = Box::new(Reader(Arc::clone(station)));
    Watch::new(settings, origin, performance_origin_millis, open_spans, reader, outlet)
}

/// What the core calls from the watchdog's thread.
struct Reader(Arc<Station>);

impl WatchedLoop for Reader {
    fn idle(&self) -> Option<Duration> {
        if !self.0.has_turns() {
            return Some(self.0.heartbeat.idle());
        }
        let site = self.0.site();
        let Site { uv, uv_loop, .. } = site.as_ref()?;
        // SAFETY: the loop lives while there is a site, whose lock is held; libuv reads the idle time under a lock of its
        // own, on any thread.
        Some(Duration::from_nanos(unsafe { (uv.metrics_idle_time)(*uv_loop) }))
    }

    fn loop_time_age(&self) -> Option<Duration> {
        if cfg!(not(target_pointer_width = "64")) {
            return None; // `uv_now` would be two reads
        }
        let site = self.0.site();
        let Site { uv, uv_loop, .. } = site.as_ref()?;
        // SAFETY: the loop lives while there is a site, whose lock is held. `uv_hrtime` may be called on any thread.
        // `uv_now` is not made for other threads: it is one load of an aligned word, milliseconds of `uv_hrtime`, that the
        // loop's thread updates by one store, both in machine code of libuv's that no compiler sees together with ours.
        // What we get is an earlier or a later value of the word, and `monitor::sleep` asks for no more.
        let (now, updated) = unsafe { ((uv.hrtime)(), (uv.now)(*uv_loop)) };
        Some(Duration::from_nanos(now.saturating_sub(updated.saturating_mul(1_000_000))))
    }

    fn usage(&self) -> Usage {
        self.0.meter.usage()
    }

    fn state(&self) -> ThreadState {
        self.0.meter.state()
    }

    fn own_usage(&self) -> Usage {
        thread_local! {
            static OWN: ThreadMeter = ThreadMeter::of_this_thread();
        }
        OWN.with(ThreadMeter::usage)
    }

    fn is_inspected(&self) -> bool {
        self.0.is_inspected()
    }

    fn request_stack(&self, watch: &Arc<Watch>, turn: u64) -> bool {
        let site = self.0.site();
        let (Some(Site { isolate, .. }), Some(v8)) = (site.as_ref(), self.0.v8) else {
            return false;
        };
        if !self.0.has_stacks() {
            return false;
        }
        let (watch, station) = (Arc::downgrade(watch), Arc::downgrade(&self.0));
        let request = Request { watch, station, v8, turn, requested_at: monotonic() };
        // SAFETY: the isolate is that of this station, and lives while there is a site, whose lock is held.
        unsafe { request.send(*isolate) };
        true
    }
}
