//! What an environment's own thread does for the watchdog: a `uv_prepare` handle that stamps each turn, and callbacks
//! around garbage collections. Neither keeps the loop alive nor wakes it.
//! It refuses to outlive its environment: the handle is closed by an asynchronous clean-up hook, because a loop that is
//! closed with an open handle aborts the process.
#![expect(unsafe_code, reason = "libuv and V8 are called through symbols of the running binary")]

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    cell::RefCell,
    ffi::c_int,
    ptr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use napi::{
    Env, Error, Status,
    bindgen_prelude::{ArrayBuffer, Result},
    sys,
};
use offloop::{
    clock::monotonic,
    exporter::is_forked_child,
    monitor::{
        machine::Settings,
        report::Origin,
        usage::{ThreadState, Usage},
        watchdog::{Outlet, Watch, WatchedLoop},
    },
};

use super::{
    heartbeat::Heartbeat,
    interrupt::{self, Request},
    symbols::{GcHooks, Opaque, UV_PREPARE, Uv, V8},
    thread::{ThreadMeter, own_cpu},
};

/// Scavenges, full collections and the rest.
const ALL_COLLECTIONS: c_int = 31;

/// One environment as the watchdog and its own thread see it.
pub struct Station {
    v8: Option<V8>,
    /// A stack was taken whose content was known.
    are_stacks_proven: AtomicBool,
    meter: ThreadMeter,
    heartbeat: Heartbeat,
    /// `None` once the environment is going, or where libuv cannot be reached.
    site: Mutex<Option<Site>>,
    has_turns: bool,
    is_inspected: AtomicBool,
}

/// Pointers that are valid until the environment's clean-up hook has run.
struct Site {
    uv: Uv,
    uv_loop: Opaque,
    env: sys::napi_env,
    isolate: Opaque,
    handle: Opaque,
}

// SAFETY: other threads only call `uv_metrics_idle_time` and `RequestInterrupt` with them, which any thread may, and
// only while they hold the lock, under which the environment's own thread takes the site away before they dangle.
unsafe impl Send for Site {}

/// What the handle's callback needs; reached through the handle, on the loop's thread only.
struct HandleData {
    uv: Uv,
    uv_loop: Opaque,
    isolate: Opaque,
    gc: Option<GcHooks>,
    watch: RefCell<Option<Arc<Watch>>>,
    layout: Layout,
    /// Of the asynchronous clean-up hook.
    removal: sys::napi_async_cleanup_hook_handle,
}

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
        // SAFETY: takes nothing; on the isolate's thread it is the isolate.
        let v8 = v8.filter(|v8| !unsafe { (v8.isolate)() }.is_null());
        let station = |site: Option<Site>| Station {
            v8,
            are_stacks_proven: AtomicBool::new(false),
            meter: ThreadMeter::of_this_thread(),
            heartbeat: Heartbeat::new(interval),
            has_turns: site.is_some(),
            site: Mutex::new(site),
            is_inspected: AtomicBool::new(false),
        };
        let Some(uv) = uv else { return Arc::new(station(None)) };
        // SAFETY: we are on the environment's thread, and the symbols are libuv's.
        unsafe {
            let Some(site) = open_site(env, uv, v8) else { return Arc::new(station(None)) };
            let handle = site.handle;
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
                (*handle_data(uv, handle)).removal = removal;
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

    /// Takes the stack of the calling thread, the loop's own: unless its innermost frame is `function` on `line` of
    /// `script`, this V8 is not what its version says, and no stack is asked for.
    pub fn prove_stacks(&self, env: sys::napi_env, function: &str, script: &str, line: u32) {
        let Some(v8) = self.v8.filter(|_| self.has_turns) else { return };
        // SAFETY: on the isolate's thread, which runs JavaScript, so isolate and environment are alive.
        let frames = unsafe { interrupt::frames(v8, env, (v8.isolate)()) };
        let is_proven = frames.first().is_some_and(|frame| {
            frame.function == function && frame.script == script && frame.line == line
        });
        self.are_stacks_proven.store(is_proven, Ordering::Relaxed);
    }

    /// Whether a debugger can be attached.
    pub fn set_inspected(&self, is_inspected: bool) {
        self.is_inspected.store(is_inspected, Ordering::Relaxed);
    }

    /// A watch over this environment's loop, not started.
    pub fn watch(
        station: &Arc<Self>,
        settings: Settings,
        origin: Origin,
        performance_origin_millis: f64,
        outlet: Outlet,
    ) -> Arc<Watch> {
        let reader = Box::new(Reader(Arc::clone(station)));
        Watch::new(settings, origin, performance_origin_millis, reader, outlet)
    }

    /// From now on turns are stamped for `watch`. On the loop's thread.
    pub fn attach(&self, watch: &Arc<Watch>) {
        let Some((uv, handle)) = self.handle() else {
            self.heartbeat.beat();
            return;
        };
        // SAFETY: on the loop's thread, with its open handle.
        unsafe {
            let data = handle_data(uv, handle);
            *(*data).watch.borrow_mut() = Some(Arc::clone(watch));
            (uv.prepare_start)(handle, on_prepare);
            (uv.unref)(handle);
            if let Some(gc) = (*data).gc {
                (gc.add_prologue)((*data).isolate, on_gc_begin, data.cast(), ALL_COLLECTIONS);
                (gc.add_epilogue)((*data).isolate, on_gc_end, data.cast(), ALL_COLLECTIONS);
            }
        }
    }

    /// Turns are stamped no more. On the loop's thread; idempotent.
    pub fn detach(&self) {
        if let Some((uv, handle)) = self.handle() {
            // SAFETY: on the loop's thread, with its open handle.
            unsafe { detach(uv, handle) };
        }
    }

    /// JavaScript's timer has fired. On the loop's thread.
    pub fn beat(&self, watch: &Watch) {
        watch.look(self.heartbeat.beat(), own_cpu);
    }

    /// The turn under way is judged as it is. On the loop's thread.
    pub fn settle(&self, watch: &Arc<Watch>) {
        watch.settle(own_cpu);
    }

    fn handle(&self) -> Option<(Uv, Opaque)> {
        self.site().as_ref().map(|site| (site.uv, site.handle))
    }

    fn site(&self) -> MutexGuard<'_, Option<Site>> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The environment goes. On its thread.
    fn leave(&self) {
        let mut site = if is_forked_child() {
            let Ok(site) = self.site.try_lock() else { return };
            site
        } else {
            self.site()
        };
        let Some(Site { uv, handle, .. }) = site.take() else { return };
        drop(site);
        // SAFETY: on the loop's thread; the handle is open and closed exactly here, where the site was taken.
        unsafe {
            let watch = detach(uv, handle);
            (uv.close)(handle, on_closed);
            if let Some(watch) = watch.filter(|_| !is_forked_child()) {
                watch.stop();
            }
        }
    }
}

/// What the core calls from the watchdog's thread.
struct Reader(Arc<Station>);

impl WatchedLoop for Reader {
    fn idle(&self) -> Option<Duration> {
        let Station { has_turns, heartbeat, .. } = &*self.0;
        if !has_turns {
            return Some(heartbeat.idle());
        }
        let site = self.0.site();
        let Site { uv, uv_loop, .. } = site.as_ref()?;
        // SAFETY: the loop lives while there is a site; this function may be called from any thread.
        Some(Duration::from_nanos(unsafe { (uv.metrics_idle_time)(*uv_loop) }))
    }

    fn loop_time_age(&self) -> Option<Duration> {
        let site = self.0.site();
        let Site { uv, uv_loop, .. } = site.as_ref()?;
        // SAFETY: the loop lives while there is a site. `uv_now` reads one aligned word of it, milliseconds of `uv_hrtime`.
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
        self.0.is_inspected.load(Ordering::Relaxed)
    }

    fn request_stack(&self, watch: &Arc<Watch>, turn: u64) -> bool {
        let site = self.0.site();
        let (Some(Site { env, isolate, .. }), Some(v8)) = (site.as_ref(), self.0.v8) else {
            return false;
        };
        if !self.0.has_stacks() {
            return false;
        }
        let watch = Arc::downgrade(watch);
        let request = Request { watch, v8, env: *env, turn, requested_at: monotonic() };
        // SAFETY: the isolate lives while there is a site, and the lock is held.
        unsafe { request.send(*isolate) };
        true
    }
}

/// # Safety
/// On the environment's thread, with libuv's own functions.
unsafe fn open_site(env: sys::napi_env, uv: Uv, v8: Option<V8>) -> Option<Site> {
    let mut uv_loop = ptr::null_mut();
    // SAFETY: the environment is alive.
    if unsafe { sys::napi_get_uv_event_loop(env, &raw mut uv_loop) } != sys::Status::napi_ok {
        return None;
    }
    let uv_loop: Opaque = uv_loop.cast();
    // SAFETY: takes nothing; on the isolate's thread it is the isolate.
    let isolate = v8.map_or(ptr::null_mut(), |v8| unsafe { (v8.isolate)() });
    // SAFETY: a constant of libuv's.
    let size = unsafe { (uv.handle_size)(UV_PREPARE) };
    let layout = Layout::from_size_align(size.max(8), 16).ok()?;
    // SAFETY: the layout has a size.
    let handle: Opaque = unsafe { alloc_zeroed(layout) }.cast();
    if handle.is_null() {
        return None;
    }
    // SAFETY: memory of the size that libuv asks for, on the loop's thread.
    if unsafe { (uv.prepare_init)(uv_loop, handle) } != 0 {
        // SAFETY: allocated above, and libuv does not know it.
        unsafe { dealloc(handle.cast(), layout) };
        return None;
    }
    let data = HandleData {
        uv,
        uv_loop,
        isolate,
        gc: v8.and_then(|v8| v8.gc).filter(|_| !isolate.is_null()),
        watch: RefCell::default(),
        layout,
        removal: ptr::null_mut(),
    };
    // SAFETY: an initialised handle; `on_closed` takes the data back.
    unsafe { (uv.handle_set_data)(handle, Box::into_raw(Box::new(data)).cast()) };
    Some(Site { uv, uv_loop, env, isolate, handle })
}

/// # Safety
/// `handle` must be open.
unsafe fn handle_data(uv: Uv, handle: Opaque) -> *mut HandleData {
    // SAFETY: `open_site` has set it.
    unsafe { (uv.handle_get_data)(handle).cast() }
}

/// # Safety
/// On the loop's thread, with an open handle.
unsafe fn detach(uv: Uv, handle: Opaque) -> Option<Arc<Watch>> {
    // SAFETY: the data lives as long as the handle is open.
    unsafe {
        let data = handle_data(uv, handle);
        let watch = (*data).watch.borrow_mut().take()?;
        (uv.prepare_stop)(handle);
        if let Some(gc) = (*data).gc {
            (gc.remove_prologue)((*data).isolate, on_gc_begin, data.cast());
            (gc.remove_epilogue)((*data).isolate, on_gc_end, data.cast());
        }
        Some(watch)
    }
}

/// On the loop's thread, before each look for events: two clock readings and a few stores.
unsafe extern "C" fn on_prepare(handle: Opaque) {
    // SAFETY: the first word of a handle is its `data`; libuv calls back while the handle is open.
    let HandleData { uv, uv_loop, watch, .. } = unsafe { &**handle.cast::<*mut HandleData>() };
    if let Some(watch) = &*watch.borrow() {
        // SAFETY: the loop is running.
        let idle = unsafe { (uv.metrics_idle_time)(*uv_loop) };
        watch.look(Duration::from_nanos(idle), own_cpu);
    }
}

unsafe extern "C" fn on_gc_begin(_: Opaque, _: c_int, _: c_int, data: Opaque) {
    // SAFETY: `detach` removes the callback before the data goes.
    if let Some(watch) = &*unsafe { &*data.cast::<HandleData>() }.watch.borrow() {
        watch.clock.gc_begins(monotonic());
    }
}

unsafe extern "C" fn on_gc_end(_: Opaque, _: c_int, _: c_int, data: Opaque) {
    // SAFETY: as above.
    if let Some(watch) = &*unsafe { &*data.cast::<HandleData>() }.watch.borrow() {
        watch.clock.gc_ends(monotonic());
    }
}

/// The environment is going; the loop still turns until the hook is removed.
unsafe extern "C" fn on_cleanup(
    _: sys::napi_async_cleanup_hook_handle,
    data: *mut std::ffi::c_void,
) {
    // SAFETY: `open` leaked it for this one call.
    let station = unsafe { Arc::from_raw(data.cast::<Station>()) };
    station.leave();
}

unsafe extern "C" fn on_closed(handle: Opaque) {
    // SAFETY: libuv is done with the handle, so its data and memory are ours again.
    unsafe {
        let data = Box::from_raw(*handle.cast::<*mut HandleData>());
        dealloc(handle.cast(), data.layout);
        if !data.removal.is_null() {
            sys::napi_remove_async_cleanup_hook(data.removal);
        }
    }
}

/// The table of open spans as an ArrayBuffer that keeps it alive.
pub fn table_buffer<'env>(env: &'env Env, watch: Arc<Watch>) -> Result<ArrayBuffer<'env>> {
    let words = watch.open_spans.words();
    let (address, bytes) = (words.as_ptr().cast_mut().cast::<u8>(), std::mem::size_of_val(words));
    // SAFETY: the words live as long as `watch`, which the finalizer drops. Rust only reads them, as atomics.
    let buffer =
        unsafe { ArrayBuffer::from_external(env, address, bytes, watch, |_, watch| drop(watch))? };
    if std::ptr::eq(buffer.as_ptr(), address) {
        Ok(buffer)
    } else {
        Err(Error::new(Status::GenericFailure, "external memory is forbidden".to_owned()))
    }
}
