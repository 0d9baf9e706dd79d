//! CPU time of the calling thread, for the benchmark and the tests of the event-loop monitor.
//! It refuses to guess: platforms without a per-thread clock answer -1.

use napi_derive::napi;

use crate::monitor::thread::own_cpu;

/// Microseconds of CPU time that the calling thread has used, or -1 where the platform cannot tell.
#[napi(catch_unwind)]
pub fn thread_cpu_micros() -> f64 {
    own_cpu().map_or(-1.0, |time| time.as_secs_f64() * 1e6)
}
