//! Functions of libuv and V8 in the running binary, found by name: no headers, and one addon for all versions of Node.
//! It refuses to guess: what is missing, or a V8 that nobody has tried, means "cannot". Even a version that was tried proves
//! nothing, because a build can be patched: `interrupt::prove_stacks` takes one stack whose content is known.
#![expect(unsafe_code, reason = "symbols of the running binary have no types")]
#![expect(
    clippy::missing_transmute_annotations,
    reason = "the field that a symbol goes into is its annotation"
)]

use std::ffi::{CStr, c_char, c_int, c_void};

/// Something whose insides belong to libuv, V8 or Node.
pub type Opaque = *mut c_void;
/// `uv_prepare_cb`, `uv_close_cb`.
pub type HandleCallback = unsafe extern "C" fn(Opaque);
/// `v8::InterruptCallback`.
pub type InterruptCallback = unsafe extern "C" fn(isolate: Opaque, data: Opaque);
/// `v8::Isolate::GCCallbackWithData`.
pub type GcCallback =
    unsafe extern "C" fn(isolate: Opaque, kind: c_int, flags: c_int, data: Opaque);

/// Versions of V8 (major and minor) whose classes have been seen to fit the types below: Node 20, 22, 24 and 26.
const TESTED_V8: [&str; 4] = ["11.3.", "12.4.", "13.6.", "14.6."];
/// `UV_PREPARE`, the same in every libuv 1.x.
pub const UV_PREPARE: c_int = 9;

/// The part of libuv that we use; its C interface is stable for all of 1.x.
#[derive(Clone, Copy)]
pub struct Uv {
    pub handle_size: unsafe extern "C" fn(c_int) -> usize,
    pub handle_set_data: unsafe extern "C" fn(Opaque, Opaque),
    pub handle_get_data: unsafe extern "C" fn(Opaque) -> Opaque,
    pub prepare_init: unsafe extern "C" fn(Opaque, Opaque) -> c_int,
    pub prepare_start: unsafe extern "C" fn(Opaque, HandleCallback) -> c_int,
    pub prepare_stop: unsafe extern "C" fn(Opaque) -> c_int,
    pub unref: unsafe extern "C" fn(Opaque),
    pub close: unsafe extern "C" fn(Opaque, HandleCallback),
    pub metrics_idle_time: unsafe extern "C" fn(Opaque) -> u64,
    pub now: unsafe extern "C" fn(Opaque) -> u64,
    pub hrtime: unsafe extern "C" fn() -> u64,
}

/// The part of V8 that we use. Members take `this` first; a `Local` is a pointer to a handle's slot and comes back in a
/// register, as does a `Location` (two `int`s): so it is on SysV x86-64 and AAPCS64, and nowhere else is it tried.
#[derive(Clone, Copy)]
pub struct V8 {
    pub request_interrupt: unsafe extern "C" fn(Opaque, InterruptCallback, Opaque),
    pub current_stack_trace: unsafe extern "C" fn(Opaque, c_int, c_int) -> Opaque,
    pub frame_count: unsafe extern "C" fn(Opaque) -> c_int,
    pub frame: unsafe extern "C" fn(Opaque, Opaque, u32) -> Opaque,
    pub function_name: unsafe extern "C" fn(Opaque) -> Opaque,
    pub script_name: unsafe extern "C" fn(Opaque) -> Opaque,
    pub location: unsafe extern "C" fn(Opaque) -> u64,
    pub isolate: unsafe extern "C" fn() -> Opaque,
    pub gc: Option<GcHooks>,
}

/// Callbacks around garbage collections.
#[derive(Clone, Copy)]
pub struct GcHooks {
    pub add_prologue: unsafe extern "C" fn(Opaque, GcCallback, Opaque, c_int),
    pub add_epilogue: unsafe extern "C" fn(Opaque, GcCallback, Opaque, c_int),
    pub remove_prologue: unsafe extern "C" fn(Opaque, GcCallback, Opaque),
    pub remove_epilogue: unsafe extern "C" fn(Opaque, GcCallback, Opaque),
}

/// A function pointer of the type that the field has.
macro_rules! function {
    ($name:literal) => {{
        let address = address($name)?;
        // SAFETY: a non-null address of a function that, by its name, has the signature of the field that it goes into: in C
        // by libuv's stable interface, in C++ by the mangled name and the ABI that `V8` describes, for versions that
        // were tried. A pointer to a function has the size of a pointer wherever this is built.
        unsafe { std::mem::transmute(address) }
    }};
}

impl Uv {
    /// `None` where a function is missing: Deno. Bun has the names, over functions that end the process: whoever is on
    /// Bun must not ask.
    pub fn load() -> Option<Uv> {
        Some(Uv {
            handle_size: function!(c"uv_handle_size"),
            handle_set_data: function!(c"uv_handle_set_data"),
            handle_get_data: function!(c"uv_handle_get_data"),
            prepare_init: function!(c"uv_prepare_init"),
            prepare_start: function!(c"uv_prepare_start"),
            prepare_stop: function!(c"uv_prepare_stop"),
            unref: function!(c"uv_unref"),
            close: function!(c"uv_close"),
            metrics_idle_time: function!(c"uv_metrics_idle_time"),
            now: function!(c"uv_now"),
            hrtime: function!(c"uv_hrtime"),
        })
    }
}

impl V8 {
    /// `None` where a function is missing or nobody has tried this version on this kind of machine.
    pub fn load(version: &str) -> Option<V8> {
        let is_tested = TESTED_V8.iter().any(|tested| version.starts_with(tested));
        let has_abi = cfg!(all(unix, any(target_arch = "x86_64", target_arch = "aarch64")));
        if !is_tested || !has_abi {
            return None;
        }
        Some(V8 {
            request_interrupt: function!(c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_"),
            current_stack_trace: function!(
                c"_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE"
            ),
            frame_count: function!(c"_ZNK2v810StackTrace13GetFrameCountEv"),
            frame: function!(c"_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj"),
            function_name: function!(c"_ZNK2v810StackFrame15GetFunctionNameEv"),
            script_name: function!(c"_ZNK2v810StackFrame13GetScriptNameEv"),
            location: function!(c"_ZNK2v810StackFrame11GetLocationEv"),
            isolate: function!(c"_ZN2v87Isolate10GetCurrentEv"),
            gc: GcHooks::load(),
        })
    }
}

impl GcHooks {
    fn load() -> Option<GcHooks> {
        Some(GcHooks {
            add_prologue: function!(
                c"_ZN2v87Isolate21AddGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_"
            ),
            add_epilogue: function!(
                c"_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_"
            ),
            remove_prologue: function!(
                c"_ZN2v87Isolate24RemoveGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_"
            ),
            remove_epilogue: function!(
                c"_ZN2v87Isolate24RemoveGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_"
            ),
        })
    }
}

#[cfg(unix)]
fn address(name: &CStr) -> Option<std::ptr::NonNull<c_void>> {
    let name: *const c_char = name.as_ptr();
    // SAFETY: `name` is a C string; the default handle searches what is loaded.
    std::ptr::NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name) })
}

#[cfg(windows)]
fn address(name: &CStr) -> Option<std::ptr::NonNull<c_void>> {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleW(name: *const u16) -> Opaque;
        fn GetProcAddress(module: Opaque, name: *const c_char) -> Opaque;
    }
    // SAFETY: without a name it is the module of the executable, which stays loaded; `name` is a C string.
    std::ptr::NonNull::new(unsafe {
        GetProcAddress(GetModuleHandleW(std::ptr::null()), name.as_ptr())
    })
}
