//! One environment as the watchdog and its own thread see it: what can be read of it, and for how long.
//! It refuses to outlive its environment: an asynchronous clean-up hook takes the pointers away and closes the handle,
//! because a loop that is closed with an open handle aborts the process.
#![expect(unsafe_code, reason = "libuv and V8 are called through symbols of the running binary")]

use std::{
    ptr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use napi::sys;
use offloop::{
    clock::monotonic, contain::contained, exporter::is_forked_child, lock::lock,
    monitor::watchdog::Watch,
};

use super::{
    heartbeat::Heartbeat,
    hook::Hook,
    symbols::{Opaque, Uv, V8},
    thread::ThreadMeter,
};

/// One environment as the watchdog and its own thread see it.
pub struct Station {
    pub(super) v8: Option<V8>,
    /// A stack was taken whose content was known.
    are_stacks_proven: AtomicBool,
    pub(super) meter: Arc<ThreadMeter>,
    pub(super) heartbeat: Heartbeat,
    /// `None` once the environment is going, or where libuv cannot be reached.
    site: Mutex<Option<Site>>,
    has_turns: bool,
    is_inspected: AtomicBool,
}

/// Pointers that are valid until the environment's clean-up hook has run.
pub(super) struct Site {
    pub(super) uv: Uv,
    pub(super) uv_loop: Opaque,
    pub(super) isolate: Opaque,
    /// For the environment's own thread.
    env: sys::napi_env,
    /// For the environment's own thread.
    hook: Hook,
}

// SAFETY: another thread gets at a site only through `Station::site`, while it holds the lock under which the
// environment's own thread takes the site away before its pointers dangle. `reader.rs`, which alone runs on another
// thread, uses `uv_loop` for `uv_metrics_idle_time` and `uv_now`, and `isolate` for `RequestInterrupt`, and says for each
// why it may; `env` and `hook` are private to this file, which uses them on the environment's thread. Dropping a site
// does nothing, on whatever thread the last owner of the station lets go.
unsafe impl Send for Site {}

impl Station {
    /// Of the calling thread's environment.
    pub fn open(
        env: sys::napi_env,
        v8: &str,
        interval: Duration,
        only_heartbeat: bool,
    ) -> Arc<Self> {
        let uv = if only_heartbeat { None } else { Uv::load() };
        let v8 = if only_heartbeat { None } else { V8::load(v8) };
        // SAFETY: takes nothing, and reads a thread-local of V8's: on the isolate's thread it is the isolate.
        let v8 = v8.filter(|v8| !unsafe { (v8.isolate)() }.is_null());
        let meter = Arc::new(ThreadMeter::of_this_thread());
        let station = |site: Option<Site>| Station {
            v8,
            are_stacks_proven: AtomicBool::new(false),
            meter: Arc::clone(&meter),
            heartbeat: Heartbeat::new(interval),
            has_turns: site.is_some(),
            site: Mutex::new(site),
            is_inspected: AtomicBool::new(false),
        };
        let Some(uv) = uv else { return Arc::new(station(None)) };
        // SAFETY: we are on the environment's thread, and the symbols are libuv's. The hook's data is a reference that
        // `on_cleanup` takes back, or the lines below where Node-API has not taken it; the handle in the site is closed by
        // `leave`, which one of the two calls.
        unsafe {
            let Some(site) = open_site(env, uv, v8, &meter) else { return Arc::new(station(None)) };
            let hook = site.hook;
            let station = Arc::new(station(Some(site)));
            let hook_data = Arc::into_raw(Arc::clone(&station)).cast_mut().cast();
            let mut removal = ptr::null_mut();
            let status = sys::napi_add_async_cleanup_hook(
                env,
                Some(on_cleanup),
                hook_data,
                &raw mut removal,
            );
            if status == sys::Status::napi_ok {
                hook.set_removal(removal);
            } else {
                drop(Arc::from_raw(hook_data.cast::<Station>()));
                station.leave();
            }
            station
        }
    }

    /// Whether the loop itself tells of its turns.
    pub fn has_turns(&self) -> bool {
        self.has_turns
    }

    /// Whether stacks can be taken.
    pub fn has_stacks(&self) -> bool {
        self.has_turns && self.v8.is_some() && self.are_stacks_proven.load(Ordering::Relaxed)
    }

    /// A stack was taken whose content was known, and it was that, or was not.
    pub(super) fn note_proof(&self, is_proven: bool) {
        self.are_stacks_proven.store(is_proven, Ordering::Relaxed);
    }

    /// Whether a debugger can be attached.
    pub fn set_inspected(&self, is_inspected: bool) {
        self.is_inspected.store(is_inspected, Ordering::Relaxed);
    }

    /// From now on turns are stamped for `watch`. On the loop's thread.
    pub fn attach(&self, watch: &Arc<Watch>) {
        match self.hook() {
            // SAFETY: JavaScript of the loop's thread calls, and the hook is open while there is a site, which that thread
            // alone takes away.
            Some(hook) => unsafe { hook.start(watch) },
            None => {
                self.heartbeat.beat();
            }
        }
    }

    /// `callback` is called at the end of each long turn until `detach`. On the loop's thread, when it is attached; where
    /// the loop cannot be read nothing is called.
    pub fn call_at_end(&self, env: sys::napi_env, callback: sys::napi_value) {
        let Some(hook) = self.hook() else { return };
        self.forget_call(hook);
        let mut function = ptr::null_mut();
        // SAFETY: JavaScript of the environment calls with a value of its own; for the hook as in `attach`. `forget_call`
        // takes the reference out before it deletes it.
        unsafe {
            let status = sys::napi_create_reference(env, callback, 1, &raw mut function);
            if status == sys::Status::napi_ok {
                hook.call_at_end(env, function);
            }
        }
    }

    fn forget_call(&self, hook: Hook) {
        let Some(env) = self.env() else { return };
        // SAFETY: on the thread of the environment, which is alive while there is a site; the reference was made in it.
        unsafe {
            if let Some(function) = hook.stop_calls() {
                sys::napi_delete_reference(env, function);
            }
        }
    }

    /// Turns are stamped no more. On the loop's thread; idempotent.
    pub fn detach(&self) {
        if let Some(hook) = self.hook() {
            self.forget_call(hook);
            // SAFETY: as in `attach`.
            unsafe { hook.stop() };
        }
    }

    /// JavaScript's timer has fired. On the loop's thread.
    pub fn beat(&self, watch: &Watch) {
        watch.look(monotonic(), self.heartbeat.beat(), || self.meter.usage());
    }

    /// Whether a debugger can be attached.
    pub(super) fn is_inspected(&self) -> bool {
        self.is_inspected.load(Ordering::Relaxed)
    }

    /// The environment, as long as it is not going. For its own thread.
    pub(super) fn env(&self) -> Option<sys::napi_env> {
        self.site().as_ref().map(|site| site.env)
    }

    fn hook(&self) -> Option<Hook> {
        self.site().as_ref().map(|site| site.hook)
    }

    pub(super) fn site(&self) -> MutexGuard<'_, Option<Site>> {
        lock(&self.site)
    }

    /// The environment goes. On its thread.
    fn leave(&self) {
        let mut site = if is_forked_child() {
            let Ok(site) = self.site.try_lock() else { return };
            site
        } else {
            self.site()
        };
        let Some(Site { hook, .. }) = site.take() else { return };
        drop(site);
        // SAFETY: on the loop's thread (`open` and `on_cleanup` alone call this); the hook is open, and closed exactly here,
        // where the site was taken.
        unsafe {
            hook.stop_calls(); // the reference goes with its environment
            let watch = hook.stop();
            hook.close();
            if let Some(watch) = watch.filter(|_| !is_forked_child()) {
                watch.stop();
            }
        }
    }
}

/// # Safety
/// On the environment's thread, with libuv's own functions; the handle in it must be closed.
unsafe fn open_site(
    env: sys::napi_env,
    uv: Uv,
    v8: Option<V8>,
    meter: &Arc<ThreadMeter>,
) -> Option<Site> {
    let mut uv_loop = ptr::null_mut();
    // SAFETY: the environment is alive: we are on its thread, in a call of its JavaScript.
    if unsafe { sys::napi_get_uv_event_loop(env, &raw mut uv_loop) } != sys::Status::napi_ok {
        return None;
    }
    let uv_loop: Opaque = uv_loop.cast();
    // SAFETY: as in `Station::open`.
    let isolate = v8.map_or(ptr::null_mut(), |v8| unsafe { (v8.isolate)() });
    let gc = v8.and_then(|v8| v8.gc);
    // SAFETY: on the thread of both, with libuv's own functions (the caller's promise). The loop outlives the handle:
    // Node-API lets an environment's loop turn until the clean-up hook is removed, which `on_closed` does.
    let hook = unsafe { Hook::open(uv, uv_loop, isolate, gc, Arc::clone(meter)) }?;
    Some(Site { uv, uv_loop, env, isolate, hook })
}

/// The environment is going; the loop still turns until the hook is removed.
unsafe extern "C" fn on_cleanup(
    _: sys::napi_async_cleanup_hook_handle,
    data: *mut std::ffi::c_void,
) {
    contained((), || {
        // SAFETY: `open` leaked it for this one call.
        let station = unsafe { Arc::from_raw(data.cast::<Station>()) };
        station.leave();
    });
}
