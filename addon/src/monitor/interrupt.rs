//! The stack of JavaScript that is running, taken by an interrupt of V8: the thread stops at its next safe point, and
//! walks its own stack.
//! It refuses to run JavaScript, to be waited for, and to capture for a turn that is over.
#![expect(unsafe_code, reason = "V8 is called through symbols, its strings through Node-API")]

use std::{ffi::c_int, ptr, sync::Weak};

use napi::sys;
use offloop::{
    clock::{Moment, monotonic},
    contain::contained,
    monitor::{
        stack::{Frame, StackSample},
        watchdog::Watch,
    },
};

use super::{
    station::Station,
    symbols::{Opaque, V8},
};

const MAX_FRAMES: c_int = 32;
/// `kDetailed`: function names, script names and positions.
const DETAILED: c_int = 0x7f;
/// Bytes of a name that are kept.
const MAX_NAME_BYTES: usize = 1024;

/// A request under way. One that is never answered (its isolate goes first) costs these few bytes.
pub struct Request {
    pub watch: Weak<Watch>,
    pub station: Weak<Station>,
    pub v8: V8,
    pub turn: u64,
    pub requested_at: Moment,
}

impl Request {
    /// Asks V8 to interrupt `isolate`.
    ///
    /// # Safety
    /// The isolate must be alive, and `station` must be that of its environment.
    pub unsafe fn send(self, isolate: Opaque) {
        let request_interrupt = self.v8.request_interrupt;
        let request = Box::into_raw(Box::new(self));
        // SAFETY: the isolate is alive (the caller's promise); V8 allows RequestInterrupt on any thread. What is leaked
        // here is taken back by `on_interrupt`.
        unsafe { request_interrupt(isolate, on_interrupt, request.cast()) };
    }
}

/// On the isolate's thread, between two steps of JavaScript.
unsafe extern "C" fn on_interrupt(isolate: Opaque, data: Opaque) {
    contained((), || {
        // SAFETY: `data` is what `send` leaked, and V8 calls back once.
        let request = unsafe { Box::from_raw(data.cast::<Request>()) };
        let (Some(watch), Some(station)) = (request.watch.upgrade(), request.station.upgrade())
        else {
            return;
        };
        let env = station.env().filter(|_| watch.clock.turns() == request.turn);
        let frames = env.map_or_else(Vec::new, |env| {
            // SAFETY: V8 calls back on the isolate's own thread, while it runs JavaScript. That thread alone takes the
            // station's environment away, before it goes: while we run here, the one that was there is alive.
            unsafe { frames(request.v8, env, isolate) }
        });
        watch.answer_stack(StackSample {
            turn: request.turn,
            requested_at: request.requested_at,
            captured_at: monotonic(),
            frames,
        });
    });
}

/// Takes the stack of the calling thread, the loop's own: unless its innermost frame is `function` on `line` of
/// `script`, this V8 is not what its version says, and no stack is asked for.
pub fn prove_stacks(
    station: &Station,
    env: sys::napi_env,
    function: &str,
    script: &str,
    line: u32,
) {
    let Some(v8) = station.v8.filter(|_| station.has_turns()) else { return };
    // SAFETY: JavaScript of this environment has called us, so we are on its thread, and it and its isolate are alive.
    let frames = unsafe { frames(v8, env, (v8.isolate)()) };
    let is_proven = frames.first().is_some_and(|frame| {
        frame.function == function && frame.script == script && frame.line == line
    });
    station.note_proof(is_proven);
}

/// The stack of the calling thread, innermost frame first.
///
/// # Safety
/// Only on the isolate's thread, with the isolate's own living environment.
unsafe fn frames(v8: V8, env: sys::napi_env, isolate: Opaque) -> Vec<Frame> {
    let mut scope = ptr::null_mut();
    // SAFETY: the environment is alive; what V8 returns below lives in this scope.
    if unsafe { sys::napi_open_handle_scope(env, &raw mut scope) } != sys::Status::napi_ok {
        return Vec::new();
    }
    let mut frames = Vec::new();
    // SAFETY: these functions read V8's own stack and objects, run no JavaScript, and get the objects that V8 made, which
    // the scope keeps until it is closed; `prove_stacks` has seen that their types are as in `symbols`.
    unsafe {
        let trace = (v8.current_stack_trace)(isolate, MAX_FRAMES, DETAILED);
        let count = if trace.is_null() { 0 } else { (v8.frame_count)(trace) };
        for index in 0..u32::try_from(count).unwrap_or(0) {
            let frame = (v8.frame)(trace, isolate, index);
            if frame.is_null() {
                break;
            }
            let location = (v8.location)(frame); // line in the low half, column in the high half, both from 0
            frames.push(Frame {
                function: text(env, (v8.function_name)(frame)),
                script: text(env, (v8.script_name)(frame)),
                line: (location as u32).wrapping_add(1),
                column: ((location >> 32) as u32).wrapping_add(1),
            });
        }
        sys::napi_close_handle_scope(env, scope);
    }
    frames
}

/// # Safety
/// `string` must be null or a handle of `env`.
unsafe fn text(env: sys::napi_env, string: Opaque) -> String {
    if string.is_null() {
        return String::new();
    }
    let mut bytes = [0_u8; MAX_NAME_BYTES];
    let mut length = 0;
    // SAFETY: a `Local` is what Node-API calls a value, and this one is a handle of `env` (the caller's promise); Node-API
    // writes at most the given number of bytes.
    let status = unsafe {
        sys::napi_get_value_string_utf8(
            env,
            string.cast(),
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            &raw mut length,
        )
    };
    if status != sys::Status::napi_ok {
        return String::new();
    }
    String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned()
}
