//! CPU time of the calling thread, for the benchmark and the event-loop monitor.
//! It refuses to guess: platforms without a per-thread clock answer -1.
#![expect(unsafe_code, reason = "clock_gettime has no safe form")]

use napi_derive::napi;

/// Microseconds of CPU time that the calling thread has used, or -1 where the platform cannot tell.
#[napi(catch_unwind)]
pub fn thread_cpu_micros() -> f64 {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid timespec to write to.
        if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } == 0 {
            return time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3;
        }
    }
    -1.0
}
