//! JavaScript's long texts, written into a block that JavaScript holds open: many by one call.
//! It refuses to ask whether a text fits one byte per unit: `js/handoff/` knows before it calls.
#![expect(
    unsafe_code,
    reason = "texts go straight from V8 into the block; calls of so many arguments have no safe form"
)]

use std::{
    ffi::{CStr, c_void},
    ptr,
};

use napi::{Env, Error, Status, bindgen_prelude::*, sys};
use offloop::{
    contain::contained,
    handoff::{BULK_HEADER_BYTES, BlockLease, latin1_record_head},
};

/// Texts of one call, as in `js/handoff/layout.js`.
const MOST_TEXTS: usize = 32;
const MOST_ARGUMENTS: usize = 1 + 2 * MOST_TEXTS;

/// Of the functions; not every runtime takes none.
const NAME: &CStr = c"write";

/// Where the texts of one block go.
pub struct TextWriter {
    address: *mut u8,
    len: usize,
    /// The function may outlive every lease of the block.
    _memory: Box<dyn Send + Sync>,
}

impl TextWriter {
    pub fn of(lease: &BlockLease) -> Self {
        Self { address: lease.address(), len: lease.len(), _memory: Box::new(lease.keep_alive()) }
    }

    /// `(word, number, text, …)` writes bulk records and returns the word behind them.
    pub fn records(self, env: &Env) -> Result<Function<'_, (), f64>> {
        self.into_function(env, write::<Records>)
    }

    /// `(byte, text)` writes a text and returns its bytes.
    pub fn text(self, env: &Env) -> Result<Function<'_, (), f64>> {
        self.into_function(env, write::<OneText>)
    }

    /// The JavaScript function that writes; this lives as long as the function does.
    fn into_function(
        self,
        env: &Env,
        write: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
    ) -> Result<Function<'_, (), f64>> {
        let mut function = ptr::null_mut();
        let data = Box::into_raw(Box::new(self)).cast();
        // SAFETY: the environment is alive, it is its thread that calls us, in a call of its JavaScript that holds the handles
        // made here. `data` is freed by the finalizer, or below if there is none; then nothing calls the function, which
        // nobody has seen.
        unsafe {
            let made = sys::napi_create_function(
                env.raw(),
                NAME.as_ptr(),
                NAME.count_bytes().cast_signed(),
                Some(write),
                data,
                &raw mut function,
            );
            let status = match made {
                sys::Status::napi_ok => sys::napi_add_finalizer(
                    env.raw(),
                    function,
                    data,
                    Some(finalize),
                    ptr::null_mut(),
                    ptr::null_mut(),
                ),
                failed => failed,
            };
            if status != sys::Status::napi_ok {
                drop(Box::from_raw(data.cast::<Self>()));
                return Err(Error::new(Status::from(status), "a function cannot be made"));
            }
            Function::from_napi_value(env.raw(), function)
        }
    }

    /// Writes `text` from byte `start` on; its units. `None`: it is none, or there is no room.
    ///
    /// # Safety
    /// On the thread of `env`, which holds the block open for writing, with a living handle.
    unsafe fn latin1(
        &self,
        env: sys::napi_env,
        text: sys::napi_value,
        start: usize,
    ) -> Option<usize> {
        let room = self.len.checked_sub(start)?;
        let mut units = 0;
        // SAFETY: as the caller promises; `room` bytes from `start` on are in the block, which `_memory` keeps. JavaScript
        // that holds the block open names places behind its commit index alone: native threads do not read them, and
        // JavaScript, which could write them, waits for us.
        let status = unsafe {
            let to = self.address.add(start).cast();
            sys::napi_get_value_string_latin1(env, text, to, room, &raw mut units)
        };
        // Node-API writes a zero behind the text; without room for it there may be more of the text.
        (status == sys::Status::napi_ok && units + 1 < room).then_some(units)
    }
}

/// What a call writes.
trait Write {
    /// What the call returns. `None`: it does not fit, or the arguments are wrong.
    ///
    /// # Safety
    /// On the thread of `env`, which holds the block of `writer` open for writing, with living handles.
    unsafe fn write(
        writer: &TextWriter,
        env: sys::napi_env,
        arguments: &[sys::napi_value],
    ) -> Option<usize>;
}

struct OneText;

impl Write for OneText {
    unsafe fn write(
        writer: &TextWriter,
        env: sys::napi_env,
        arguments: &[sys::napi_value],
    ) -> Option<usize> {
        let &[byte, text] = arguments else { return None };
        // SAFETY: as the caller promises.
        unsafe { writer.latin1(env, text, whole(env, byte)? as usize) }
    }
}

struct Records;

impl Write for Records {
    unsafe fn write(
        writer: &TextWriter,
        env: sys::napi_env,
        arguments: &[sys::napi_value],
    ) -> Option<usize> {
        let (word, texts) = arguments.split_first()?;
        // SAFETY: as the caller promises.
        let mut at = unsafe { whole(env, *word) }?.checked_mul(8)? as usize;
        for &[number, text] in texts.as_chunks::<2>().0 {
            let start = at.checked_add(BULK_HEADER_BYTES)?;
            // SAFETY: as the caller promises.
            let (number, units) =
                unsafe { (whole(env, number)?, writer.latin1(env, text, start)?) };
            let head = latin1_record_head(number, u32::try_from(units).ok()?);
            // SAFETY: the head lies between `at`, which is behind the commit index, and `start`, which is in the block, or
            // `latin1` would have found no room.
            unsafe { ptr::copy_nonoverlapping(head.as_ptr(), writer.address.add(at), head.len()) };
            at = start.checked_add(units.checked_next_multiple_of(8)?)?;
        }
        Some(at / 8)
    }
}

/// # Safety
/// On the thread of `env`, with a living handle.
unsafe fn whole(env: sys::napi_env, value: sys::napi_value) -> Option<u32> {
    let mut number = 0;
    // SAFETY: as the caller promises.
    let status = unsafe { sys::napi_get_value_uint32(env, value, &raw mut number) };
    (status == sys::Status::napi_ok).then_some(number)
}

unsafe extern "C" fn write<What: Write>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    contained(ptr::null_mut(), || {
        // SAFETY: Node-API calls us on the thread of its own environment, with the arguments of a call under way.
        let written = contained(None, || unsafe { write_arguments::<What>(env, info) });
        let answer = written.map_or(-1.0, |answer| answer as f64);
        let mut result = ptr::null_mut();
        // SAFETY: as above.
        unsafe { sys::napi_create_double(env, answer, &raw mut result) };
        result
    })
}

/// # Safety
/// For a callback of a function that [`TextWriter::into_function`] has made, while it is called.
unsafe fn write_arguments<What: Write>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> Option<usize> {
    let mut arguments = [ptr::null_mut(); MOST_ARGUMENTS];
    let mut count = arguments.len();
    let mut data: *mut c_void = ptr::null_mut();
    // SAFETY: Node-API fills in what there is, at most `count` arguments; `data` is the writer that the function was made
    // with, which its finalizer alone frees, when nobody can call the function any more.
    unsafe {
        let status = sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            arguments.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        );
        let writer = data.cast::<TextWriter>().as_ref()?;
        let arguments = arguments.get(..count)?; // `count` is of the call, which may have had more
        if status == sys::Status::napi_ok { What::write(writer, env, arguments) } else { None }
    }
}

unsafe extern "C" fn finalize(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is what `into_function` leaked, and finalizers run once.
    contained((), || drop(unsafe { Box::from_raw(data.cast::<TextWriter>()) }));
}
