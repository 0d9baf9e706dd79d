//! Requests behind a length of four bytes each, as JSON or as zstd around JSON: each becomes a line.

use std::io::{self, Read};

use super::{
    format::is_zstd,
    lines::{BLOCK, Chunk, read_up_to},
};

pub(crate) struct FrameReader<R> {
    reader: R,
    offset: u64,
    longest: usize,
    /// Whether a last frame that is not whole waits for more.
    is_growing: bool,
}

impl<R: Read> FrameReader<R> {
    pub fn new(reader: R, longest: usize) -> FrameReader<R> {
        FrameReader { reader, offset: 0, longest, is_growing: false }
    }

    /// For something that may grow, of which `reader` has what begins at `offset`.
    pub fn growing(reader: R, offset: u64, longest: usize) -> FrameReader<R> {
        FrameReader { reader, offset, longest, is_growing: true }
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next requests. Nothing at the end of the stream.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        while chunk.bytes() < BLOCK && !chunk.is_cut {
            match self.frame(&mut chunk) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if chunk.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    /// Reads one frame. Returns whether there was one.
    fn frame(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        let offset = self.offset;
        let mut head = Vec::new();
        read_up_to(&mut self.reader, 4, &mut head)?;
        let Some(length) = head.first_chunk::<4>().map(|head| u32::from_be_bytes(*head) as usize)
        else {
            chunk.is_cut = !head.is_empty() && !self.is_growing;
            if chunk.is_cut {
                chunk.push(offset, &head);
            }
            return Ok(false);
        };
        self.offset += 4 + length as u64;
        if length > self.longest {
            let mut rest = (&mut self.reader).take(length as u64);
            let skipped = io::copy(&mut rest, &mut io::sink())?;
            if self.is_growing && skipped < length as u64 {
                self.offset = offset;
                return Ok(false);
            }
            chunk.too_long.push(offset);
            return Ok(true);
        }
        let mut body = Vec::new();
        let read = (&mut self.reader).take(length as u64).read_to_end(&mut body)?;
        let is_whole = read == length;
        if self.is_growing && !is_whole {
            self.offset = offset;
            return Ok(false);
        }
        if is_zstd(&body) {
            let limit = self.longest as u64 + 1;
            let mut text = Vec::new();
            // A frame that does not decompress to its end is a line that does not parse: it is counted as such.
            let result = zstd::stream::read::Decoder::new(body.as_slice())
                .and_then(|decoder| decoder.take(limit).read_to_end(&mut text));
            if text.len() > self.longest {
                chunk.too_long.push(offset);
                return Ok(true);
            }
            chunk.push(offset, if result.is_err() && text.is_empty() { &body } else { &text });
        } else {
            chunk.push(offset, &body);
        }
        chunk.is_cut = !is_whole;
        Ok(is_whole)
    }
}
