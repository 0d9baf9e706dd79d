//! The table of open spans as JavaScript writes to it.
//! It refuses to copy: where memory cannot be shared, there is no table.
#![expect(unsafe_code, reason = "memory of Rust's is handed to JavaScript")]

use std::sync::Arc;

use napi::{
    Env, Error, Status,
    bindgen_prelude::{ArrayBuffer, Result},
};
use offloop::{contain::contained, monitor::open_spans::OpenSpanTable};

/// The table of open spans as an ArrayBuffer that keeps it alive.
pub fn table_buffer<'env>(env: &'env Env, table: Arc<OpenSpanTable>) -> Result<ArrayBuffer<'env>> {
    let words = table.words();
    let (address, bytes) = (words.as_ptr().cast_mut().cast::<u8>(), std::mem::size_of_val(words));
    // SAFETY: the words live, at one address, as long as `table`, which the finalizer drops. They are atomics, which may be
    // written behind a shared reference; what Rust reads of them while JavaScript writes, `OpenSpanTable` throws away.
    let buffer = unsafe {
        ArrayBuffer::from_external(env, address, bytes, table, |_, table| {
            contained((), || drop(table));
        })?
    };
    if std::ptr::eq(buffer.as_ptr(), address) {
        Ok(buffer)
    } else {
        Err(Error::new(Status::GenericFailure, "external memory is forbidden".to_owned()))
    }
}
