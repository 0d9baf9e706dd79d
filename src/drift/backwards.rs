//! A protobuf message written from its last byte to its first, so that every length is known when it is written and
//! nothing is measured or moved.
//! It refuses to know messages.

/// Where a message ends, seen from the end of the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct End(usize);

/// The bytes written so far, at the back of a buffer that grows to the front.
#[derive(Debug, Default)]
pub(super) struct Backwards {
    buffer: Vec<u8>,
    start: usize,
}

impl Backwards {
    /// Forgets the message, keeps the memory.
    pub fn clear(&mut self) {
        self.start = self.buffer.len();
    }

    /// The message.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// What is written from now on stands before here.
    pub fn end(&self) -> End {
        End(self.buffer.len() - self.start)
    }

    /// Writes raw bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > self.start {
            self.grow(bytes.len());
        }
        let start = self.start - bytes.len().min(self.start);
        if let Some(room) = self.buffer.get_mut(start..self.start) {
            room.copy_from_slice(bytes);
            self.start = start;
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let written = self.buffer.len() - self.start;
        let length = (self.buffer.len() + needed).max(4096).saturating_mul(2);
        let mut larger = vec![0; length];
        if let Some(room) = larger.get_mut(length - written..) {
            room.copy_from_slice(self.bytes());
        }
        self.start = length - written;
        self.buffer = larger;
    }

    /// Writes a varint.
    #[inline]
    pub fn put_varint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(byte @ 0..0x80) => self.put(&[byte]),
            _ => self.put_long_varint(value),
        }
    }

    fn put_long_varint(&mut self, mut value: u64) {
        let mut bytes = [0u8; 10];
        let mut length = 0;
        for byte in &mut bytes {
            *byte = value as u8 & 0x7f;
            value >>= 7;
            length += 1;
            if value == 0 {
                break;
            }
            *byte |= 0x80;
        }
        self.put(bytes.get(..length).unwrap_or_default());
    }

    /// Writes tag and length of a message that ends at `end`.
    #[inline(always)] // out of line a recorded request takes 3 % more instructions
    pub fn put_head(&mut self, tag: u32, end: End) {
        let length = self.end().0 - end.0;
        self.put_tag(tag, length);
    }

    /// Writes a tag and a length, mostly one byte each.
    #[inline]
    fn put_tag(&mut self, tag: u32, length: usize) {
        match (u8::try_from(tag), u8::try_from(length)) {
            (Ok(tag @ 0..0x80), Ok(length @ 0..0x80)) => self.put(&[tag, length]),
            _ => {
                self.put_varint(length as u64);
                self.put_varint(u64::from(tag));
            }
        }
    }

    /// Writes a length-delimited field.
    pub fn put_bytes(&mut self, tag: u32, bytes: &[u8]) {
        self.put(bytes);
        self.put_tag(tag, bytes.len());
    }

    /// Writes a varint field.
    pub fn put_number(&mut self, tag: u32, value: u64) {
        self.put_varint(value);
        self.put_varint(u64::from(tag));
    }

    /// Writes a double field.
    pub fn put_double(&mut self, tag: u32, value: f64) {
        self.put(&value.to_le_bytes());
        self.put_varint(u64::from(tag));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_the_right_way_round() {
        let mut out = Backwards::default();
        let whole = out.end();
        out.put_bytes(0x12, &[7; 200]);
        let inner = out.end();
        out.put_number(0x10, 300);
        out.put_head(0x0a, inner);
        assert_eq!(out.bytes().get(..7), Some(&[0x0a, 3, 0x10, 0xac, 2, 0x12, 200][..]));
        out.put_head(0x0a, whole);
        assert_eq!(out.bytes().get(..3), Some(&[0x0a, 208, 1][..]));
        out.clear();
        for _ in 0..10_000 {
            out.put(b"ab");
        }
        assert_eq!(out.bytes(), "ab".repeat(10_000).as_bytes());
        out.clear();
        out.put_varint(u64::MAX);
        assert_eq!(out.bytes().len(), 10);
    }
}
