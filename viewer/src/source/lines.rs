//! Whole lines from a stream: owns how much is read at once and what happens with a line that never ends.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

/// Bytes that are read at once.
pub(super) const BLOCK: usize = 1 << 20;
/// Bytes of the longest line that is read. A longer one is skipped without being held.
pub(crate) const LONGEST_LINE: usize = 128 << 20;

/// Some lines of a stream.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    lines: Vec<LineAt>,
    /// Where lines begin that are too long.
    pub too_long: Vec<u64>,
    /// Whether the stream ended within the last line.
    pub is_cut: bool,
}

#[derive(Clone, Copy, Debug)]
struct LineAt {
    /// In the stream, behind any decompression.
    offset: u64,
    start: usize,
    end: usize,
}

impl Chunk {
    /// The lines: where each begins in the stream, its bytes, and whether it has an end.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8], bool)> {
        let last = self.lines.len();
        self.lines.iter().enumerate().map(move |(index, line)| {
            let bytes = self.bytes.get(line.start..line.end).unwrap_or_default();
            (line.offset, bytes, !(self.is_cut && index + 1 == last))
        })
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Where its first line begins in the stream.
    pub fn start(&self) -> Option<u64> {
        let first = self.lines.first().map(|line| line.offset);
        first.into_iter().chain(self.too_long.first().copied()).min()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.too_long.is_empty()
    }

    /// Appends a line of another layout.
    pub(super) fn push(&mut self, offset: u64, line: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(line);
        self.lines.push(LineAt { offset, start, end: self.bytes.len() });
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// The lines of a stream that ends.
pub(super) struct LineReader<R> {
    reader: R,
    lines: Lines,
}

impl<R: Read> LineReader<R> {
    pub fn new(reader: R, longest: usize) -> LineReader<R> {
        LineReader { reader, lines: Lines::new(longest) }
    }

    /// The next lines. Nothing at the end of the stream.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        Ok(self.lines.next(&mut self.reader)?.or_else(|| self.lines.rest()))
    }

    /// What is left of a stream that has failed.
    pub fn rest(&mut self) -> Option<Chunk> {
        self.lines.rest()
    }
}

/// The lines of something that may grow: what is behind the last end of a line waits for more.
#[derive(Debug)]
pub(crate) struct Lines {
    /// What has been read behind the last line that was handed out.
    rest: Vec<u8>,
    /// Where `rest` begins.
    offset: u64,
    longest: usize,
    /// Where the line begins that is too long, while its end is looked for.
    skipping: Option<u64>,
}

impl Lines {
    pub fn new(longest: usize) -> Lines {
        Lines { rest: Vec::new(), offset: 0, longest, skipping: None }
    }

    /// Where the next byte is to be read.
    pub fn position(&self) -> u64 {
        self.offset + self.rest.len() as u64
    }

    /// Where the line begins that has no end yet.
    pub fn line_start(&self) -> u64 {
        self.skipping.unwrap_or(self.offset)
    }

    /// What is known of that line.
    pub fn unfinished(&self) -> &[u8] {
        &self.rest
    }

    /// Goes back to `line_start`, or to another place where a line begins.
    pub fn go_back_to(&mut self, line_start: u64) {
        *self = Lines { offset: line_start, ..Lines::new(self.longest) };
    }

    /// The next lines that have an end. Nothing if there are none so far.
    pub fn next(&mut self, reader: &mut impl Read) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        loop {
            let before = self.rest.len();
            if before > self.longest {
                self.skipping = Some(self.offset);
            }
            if let Some(start) = self.skipping {
                let has_end = self.skip_line(reader)?;
                chunk.too_long.push(start);
                return Ok(has_end.then_some(chunk));
            }
            let block = BLOCK.max(before);
            // What was read before an error is lines all the same.
            let read = read_up_to(reader, block, &mut self.rest);
            let new = self.rest.get(before..).unwrap_or_default();
            if let Some(last) = memrchr(b'\n', new) {
                self.hand_out(before + last + 1, &mut chunk);
                return Ok(Some(chunk));
            }
            if read? == 0 {
                return Ok(None);
            }
        }
    }

    /// Hands the line without its end out.
    pub fn rest(&mut self) -> Option<Chunk> {
        let mut chunk = Chunk { is_cut: true, ..Chunk::default() };
        if let Some(start) = self.skipping.take() {
            chunk.too_long.push(start);
        } else {
            self.hand_out(self.rest.len(), &mut chunk);
        }
        (!chunk.is_empty()).then_some(chunk)
    }

    /// What `rest` would hand out, and keeps it.
    pub fn copy_of_rest(&self) -> Option<Chunk> {
        let Lines { ref rest, offset, longest, skipping } = *self;
        Lines { rest: rest.clone(), offset, longest, skipping }.rest()
    }

    fn hand_out(&mut self, bytes: usize, chunk: &mut Chunk) {
        let rest = self.rest.split_off(bytes);
        chunk.bytes = std::mem::replace(&mut self.rest, rest);
        let mut start = 0;
        let ends =
            memchr_iter(b'\n', &chunk.bytes).chain(chunk.is_cut.then_some(chunk.bytes.len()));
        for end in ends {
            if end - start > self.longest {
                chunk.too_long.push(self.offset + start as u64);
            } else if end > start {
                chunk.lines.push(LineAt { offset: self.offset + start as u64, start, end });
            }
            start = end + 1;
        }
        self.offset += bytes as u64;
    }

    /// Reads to the end of a line without keeping it. Returns whether it has come.
    fn skip_line(&mut self, reader: &mut impl Read) -> io::Result<bool> {
        loop {
            self.offset += self.rest.len() as u64;
            self.rest = Vec::new();
            let read = read_up_to(reader, BLOCK, &mut self.rest);
            if let Some(end) = memchr(b'\n', &self.rest) {
                self.rest.drain(..=end);
                self.offset += end as u64 + 1;
                self.skipping = None;
                return Ok(true);
            }
            if read? == 0 {
                return Ok(false);
            }
        }
    }
}

/// Appends up to `bytes` bytes; fewer only at the end of the stream.
pub(crate) fn read_up_to(
    reader: &mut impl Read,
    bytes: usize,
    out: &mut Vec<u8>,
) -> io::Result<usize> {
    out.reserve(bytes);
    reader.take(bytes as u64).read_to_end(out)
}
