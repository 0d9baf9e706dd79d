//! What an environment's own thread does for the watchdog: a `uv_prepare` handle that stamps each turn, and callbacks
//! around garbage collections. Neither keeps the loop alive nor wakes it.
//! It refuses to be felt: in a storm of tiny turns most are only counted.
#![expect(unsafe_code, reason = "libuv and V8 are called through symbols of the running binary")]

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    cell::{Cell, RefCell},
    ffi::c_int,
    ptr,
    sync::Arc,
    time::Duration,
};

use napi::sys;
use offloop::{clock::monotonic, contain::contained, monitor::watchdog::Watch};

use super::{
    symbols::{GcHooks, Opaque, UV_PREPARE, Uv},
    thread::{ThreadMeter, coarse_tick, own_cpu},
};

/// Scavenges, full collections and the rest.
const ALL_COLLECTIONS: c_int = 31;

/// An open handle on a loop. Everything here happens on the loop's thread.
#[derive(Clone, Copy)]
pub struct Hook {
    uv: Uv,
    handle: Opaque,
}

/// A function of JavaScript that is called when a block is over, before anybody hears of it.
#[derive(Clone, Copy)]
pub struct AtEnd {
    env: sys::napi_env,
    function: sys::napi_ref,
}

/// What the callbacks need; reached through the handle.
struct HandleData {
    uv: Uv,
    uv_loop: Opaque,
    isolate: Opaque,
    gc: Option<GcHooks>,
    meter: Arc<ThreadMeter>,
    watch: RefCell<Option<Arc<Watch>>>,
    at_end: Cell<Option<AtEnd>>,
    layout: Layout,
    /// Of the asynchronous clean-up hook.
    removal: sys::napi_async_cleanup_hook_handle,
}

impl Hook {
    /// # Safety
    /// On the thread of `uv_loop` and `isolate`, which may be null, with functions of their own; the loop outlives the
    /// handle, so [`Hook::close`] must be called.
    pub unsafe fn open(
        uv: Uv,
        uv_loop: Opaque,
        isolate: Opaque,
        gc: Option<GcHooks>,
        meter: Arc<ThreadMeter>,
    ) -> Option<Hook> {
        // SAFETY: libuv looks the number up in a table of constants.
        let size = unsafe { (uv.handle_size)(UV_PREPARE) };
        let layout = Layout::from_size_align(size.max(8), 16).ok()?;
        // SAFETY: the layout has a size.
        let handle: Opaque = unsafe { alloc_zeroed(layout) }.cast();
        if handle.is_null() {
            return None;
        }
        // SAFETY: zeroed memory of the size that libuv asks for, aligned for any type of C, on the loop's thread (the
        // caller's promise).
        if unsafe { (uv.prepare_init)(uv_loop, handle) } != 0 {
            // SAFETY: allocated above with this layout, and libuv has not taken it into its loop.
            unsafe { dealloc(handle.cast(), layout) };
            return None;
        }
        let data = HandleData {
            uv,
            uv_loop,
            isolate,
            gc: gc.filter(|_| !isolate.is_null()),
            meter,
            watch: RefCell::default(),
            at_end: Cell::default(),
            layout,
            removal: ptr::null_mut(),
        };
        // SAFETY: an initialised handle. What is leaked here is taken back by `on_closed`, which alone frees it.
        unsafe { (uv.handle_set_data)(handle, Box::into_raw(Box::new(data)).cast()) };
        Some(Hook { uv, handle })
    }

    /// The clean-up hook that waits for the handle to be closed.
    ///
    /// # Safety
    /// On the loop's thread, before [`Hook::close`].
    pub unsafe fn set_removal(self, removal: sys::napi_async_cleanup_hook_handle) {
        // SAFETY: the data lives as long as the handle is open, and no callback borrows it: this thread, on which they run,
        // is here.
        unsafe { (*self.data()).removal = removal }
    }

    /// From now on turns are stamped for `watch`.
    ///
    /// # Safety
    /// On the loop's thread, before [`Hook::close`].
    pub unsafe fn start(self, watch: &Arc<Watch>) {
        let Hook { uv, handle } = self;
        // SAFETY: the data lives as long as the handle is open. This is the thread of loop and isolate, and the functions are
        // theirs; the callbacks are taken away by `stop`, before `close` lets the data go.
        unsafe {
            let data = self.data();
            *(*data).watch.borrow_mut() = Some(Arc::clone(watch));
            (uv.prepare_start)(handle, on_prepare);
            (uv.unref)(handle);
            if let Some(gc) = (*data).gc {
                (gc.add_prologue)((*data).isolate, on_gc_begin, data.cast(), ALL_COLLECTIONS);
                (gc.add_epilogue)((*data).isolate, on_gc_end, data.cast(), ALL_COLLECTIONS);
            }
        }
    }

    /// `function` is called at the end of each long turn until `stop_calls`, which answers it again.
    ///
    /// # Safety
    /// On the loop's thread, before [`Hook::close`]; `function` is a reference of `env`, the loop's own environment, and
    /// stays one until `stop_calls`.
    pub unsafe fn call_at_end(self, env: sys::napi_env, function: sys::napi_ref) {
        // SAFETY: the data lives as long as the handle is open.
        unsafe { (*self.data()).at_end.set(Some(AtEnd { env, function })) }
    }

    /// Nothing is called any more; answers what was.
    ///
    /// # Safety
    /// On the loop's thread, before [`Hook::close`].
    pub unsafe fn stop_calls(self) -> Option<sys::napi_ref> {
        // SAFETY: the data lives as long as the handle is open.
        unsafe { (*self.data()).at_end.take().map(|at_end| at_end.function) }
    }

    /// Turns are stamped no more; answers for whom they were. Idempotent.
    ///
    /// # Safety
    /// On the loop's thread, before [`Hook::close`].
    pub unsafe fn stop(self) -> Option<Arc<Watch>> {
        // SAFETY: as in `start`; a watch is there only between the two, so what is removed has been added.
        unsafe {
            let data = self.data();
            let watch = (*data).watch.borrow_mut().take()?;
            (self.uv.prepare_stop)(self.handle);
            if let Some(gc) = (*data).gc {
                (gc.remove_prologue)((*data).isolate, on_gc_begin, data.cast());
                (gc.remove_epilogue)((*data).isolate, on_gc_end, data.cast());
            }
            Some(watch)
        }
    }

    /// The handle goes, and then the clean-up hook.
    ///
    /// # Safety
    /// On the loop's thread, once, after [`Hook::stop`].
    pub unsafe fn close(self) {
        // SAFETY: the handle is open and not closing (the caller's promise: once); `on_closed` frees what is its.
        unsafe { (self.uv.close)(self.handle, on_closed) }
    }

    /// # Safety
    /// Before [`Hook::close`].
    unsafe fn data(self) -> *mut HandleData {
        // SAFETY: `open` has set it, and the handle is still there (the caller's promise).
        unsafe { (self.uv.handle_get_data)(self.handle).cast() }
    }
}

/// On the loop's thread, before each look for events.
unsafe extern "C" fn on_prepare(handle: Opaque) {
    contained((), || {
        // SAFETY: the first word of a handle is its `data`, which `open` has set; libuv calls back while the handle is
        // open, and nothing but `on_closed` frees the data.
        let data = unsafe { &**handle.cast::<*mut HandleData>() };
        let borrowed = data.watch.borrow();
        let Some(watch) = borrowed.as_ref().filter(|watch| !watch.clock.skip(coarse_tick)) else {
            return;
        };
        // SAFETY: the loop is the one that calls us.
        let idle = Duration::from_nanos(unsafe { (data.uv.metrics_idle_time)(data.uv_loop) });
        let now = monotonic();
        let Some(at_end) = data.at_end.get().filter(|_| watch.clock.ends_long(now, idle)) else {
            return watch.look(now, idle, || data.meter.usage());
        };
        // Getters of the application's may be called now, and in them anything: nothing of the handle is held meanwhile.
        let (watch, meter) = (Arc::clone(watch), Arc::clone(&data.meter));
        drop(borrowed);
        // SAFETY: on the environment's thread, with a reference that is there until it is taken out of the data.
        unsafe { at_end.call() };
        watch.look(now, idle, || meter.usage());
    });
}

impl AtEnd {
    /// Calls the function. What it throws is nobody's.
    ///
    /// # Safety
    /// On the environment's thread, while the reference is one of its own.
    unsafe fn call(self) {
        let AtEnd { env, function } = self;
        let mut scope = ptr::null_mut();
        // SAFETY: the environment is alive (the caller's promise); each value is used only if the call before has made it,
        // and within the scope. An environment that may run no JavaScript any more answers with an error.
        unsafe {
            if sys::napi_open_handle_scope(env, &raw mut scope) != sys::Status::napi_ok {
                return;
            }
            let (mut callback, mut this, mut result) =
                (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
            let is_ready = sys::napi_get_reference_value(env, function, &raw mut callback)
                == sys::Status::napi_ok
                && !callback.is_null()
                && sys::napi_get_undefined(env, &raw mut this) == sys::Status::napi_ok;
            if is_ready {
                let status =
                    sys::napi_call_function(env, this, callback, 0, ptr::null(), &raw mut result);
                if status == sys::Status::napi_pending_exception {
                    sys::napi_get_and_clear_last_exception(env, &raw mut result);
                }
            }
            sys::napi_close_handle_scope(env, scope);
        }
    }
}

unsafe extern "C" fn on_gc_begin(_: Opaque, _: c_int, _: c_int, data: Opaque) {
    contained((), || {
        // SAFETY: `Hook::stop` removes this callback, on the thread that collects, before `Hook::close` lets the data go.
        if let Some(watch) = &*unsafe { &*data.cast::<HandleData>() }.watch.borrow() {
            watch.clock.collections.begin(monotonic(), own_cpu());
        }
    });
}

unsafe extern "C" fn on_gc_end(_: Opaque, _: c_int, _: c_int, data: Opaque) {
    contained((), || {
        // SAFETY: as in `on_gc_begin`.
        if let Some(watch) = &*unsafe { &*data.cast::<HandleData>() }.watch.borrow() {
            watch.clock.collections.end(monotonic(), own_cpu());
        }
    });
}

unsafe extern "C" fn on_closed(handle: Opaque) {
    contained((), || {
        // SAFETY: libuv calls back once, when it is done with the handle, so its data and memory are ours again. The
        // clean-up hook is the one that `set_removal` was given, and is removed here alone.
        unsafe {
            let data = Box::from_raw(*handle.cast::<*mut HandleData>());
            dealloc(handle.cast(), data.layout);
            if !data.removal.is_null() {
                sys::napi_remove_async_cleanup_hook(data.removal);
            }
        }
    });
}
