//! Requests that are spread over many lines, alone or as the elements of an array: each becomes a line.

use std::io::{self, Read};

use super::lines::{BLOCK, Chunk, read_up_to};

pub(super) struct ValueReader<R> {
    reader: R,
    offset: u64,
    longest: usize,
    state: State,
    /// The value that has begun, unless it is too long.
    value: Vec<u8>,
    /// Where it begins.
    start: u64,
}

#[derive(Default)]
struct State {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
}

impl<R: Read> ValueReader<R> {
    pub fn new(reader: R, longest: usize) -> ValueReader<R> {
        ValueReader {
            reader,
            offset: 0,
            longest,
            state: State::default(),
            value: Vec::new(),
            start: 0,
        }
    }

    /// The next values. Nothing at the end of the stream.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        let mut block = Vec::new();
        while chunk.bytes() < BLOCK {
            block.clear();
            let read = read_up_to(&mut self.reader, BLOCK, &mut block);
            for byte in &block {
                self.take(*byte, &mut chunk);
            }
            match read {
                Ok(0) => {
                    self.finish(&mut chunk);
                    break;
                }
                Err(error) if block.is_empty() && chunk.is_empty() => return Err(error),
                _ => {}
            }
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    /// What is left of a stream that has failed.
    pub fn rest(&mut self) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        self.finish(&mut chunk);
        (!chunk.is_empty()).then_some(chunk)
    }

    fn take(&mut self, byte: u8, chunk: &mut Chunk) {
        let state = &mut self.state;
        let was_inside = state.depth > 0;
        match byte {
            _ if state.is_escaped => state.is_escaped = false,
            b'\\' if state.in_text => state.is_escaped = true,
            b'"' if was_inside => state.in_text = !state.in_text,
            b'{' | b'[' if state.in_text => {}
            // The brackets of an array of requests, and what is between them, belong to no request.
            b'{' => state.depth += 1,
            b'[' if was_inside => state.depth += 1,
            b'}' | b']' if !state.in_text => state.depth = state.depth.saturating_sub(1),
            _ => {}
        }
        let is_inside = state.depth > 0;
        if !was_inside && is_inside {
            self.start = self.offset;
            self.value.clear();
        }
        if (was_inside || is_inside) && self.value.len() <= self.longest {
            self.value.push(byte);
        }
        if was_inside && !is_inside {
            self.end(chunk);
        }
        self.offset += 1;
    }

    fn end(&mut self, chunk: &mut Chunk) {
        if self.value.len() > self.longest {
            chunk.too_long.push(self.start);
            self.value = Vec::new();
        } else {
            chunk.push(self.start, &self.value);
        }
    }

    fn finish(&mut self, chunk: &mut Chunk) {
        if self.state.depth > 0 {
            self.state = State::default();
            chunk.is_cut = self.value.len() <= self.longest;
            self.end(chunk);
        }
    }
}
