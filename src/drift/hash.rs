//! SHA-256 of canonical text, hashed while it is printed (T7). The digest is ring's, in assembler and already
//! part of the addon.
//! It refuses to hold the text.

use ring::digest::{Context, SHA256, digest};

use super::{
    print::{Sink, print_canonical},
    value::Value,
};

/// Large enough to make a digest call worth it, small enough for the first cache.
const CHUNK: usize = 16 * 1024;

/// A hash in lower-case hexadecimal digits.
pub(super) type Hex = [u8; 64];

/// Hash of the canonical text of `value`.
pub(super) fn hash(value: Value<'_>, buffer: &mut Vec<u8>) -> Hex {
    buffer.clear();
    buffer.reserve(CHUNK);
    let mut sink = HashSink { context: None, buffer };
    print_canonical(value, &mut sink);
    let HashSink { context, buffer } = sink;
    match context {
        None => hash_text(buffer),
        Some(mut context) => {
            context.update(buffer);
            hex(context.finish().as_ref())
        }
    }
}

/// Hash of a text that is canonical already.
pub(super) fn hash_text(text: &[u8]) -> Hex {
    hex(digest(&SHA256, text).as_ref())
}

struct HashSink<'b> {
    context: Option<Context>,
    buffer: &'b mut Vec<u8>,
}

impl Sink for HashSink<'_> {
    #[inline]
    fn put(&mut self, piece: &[u8]) {
        if self.buffer.len() + piece.len() > CHUNK {
            self.flush(piece);
        } else {
            self.buffer.extend_from_slice(piece);
        }
    }
}

impl HashSink<'_> {
    #[cold]
    fn flush(&mut self, piece: &[u8]) {
        let context = self.context.get_or_insert_with(|| Context::new(&SHA256));
        context.update(self.buffer);
        self.buffer.clear();
        if piece.len() > CHUNK / 2 {
            context.update(piece);
        } else {
            self.buffer.extend_from_slice(piece);
        }
    }
}

fn hex(bytes: &[u8]) -> Hex {
    let mut out = [b'0'; 64];
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
    out
}
