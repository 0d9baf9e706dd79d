//! Opens a file and finds out what it is: owns the way through decompression to a layout.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;

use super::{
    discover::Input,
    format::{Compression, Layout, Refused, compression, layout},
    frames::FrameReader,
    lines::{Chunk, LONGEST_LINE, LineReader, read_up_to},
    values::ValueReader,
};

/// Bytes that tell what a file is.
pub(crate) const HEAD: usize = 64 << 10;
/// Says that the text is UTF-8; some editors leave it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file, or standard input, whose lines can be read.
pub(crate) struct Opened {
    splitter: Splitter,
    /// Whether the offset of a line is its place in the file.
    pub is_plain: bool,
    /// The first error, which is also the end.
    failure: Option<io::Error>,
    is_over: bool,
}

enum Splitter {
    Lines(LineReader<Box<dyn Read + Send>>),
    Values(ValueReader<Box<dyn Read + Send>>),
    Frames(FrameReader<Box<dyn Read + Send>>),
}

/// What a file with these first bytes is, and how it can be read if it grows.
pub(crate) enum Shape {
    /// The offset of a line is its place in the file.
    Lines,
    Frames,
    /// It is read anew as a whole.
    Whole,
    Refused(Refused),
}

pub(crate) fn shape(head: &[u8]) -> Shape {
    if compression(head) != Compression::None || head.starts_with(MARK) {
        return Shape::Whole;
    }
    match layout(head) {
        Ok(Layout::Lines) => Shape::Lines,
        Ok(Layout::Frames) => Shape::Frames,
        Ok(Layout::Values) => Shape::Whole,
        Err(refused) => Shape::Refused(refused),
    }
}

/// Opens `input`. The bytes that are read from it are added to `read`.
pub(crate) fn open(input: &Input, read: &Arc<AtomicU64>) -> io::Result<Result<Opened, Refused>> {
    let reader: Box<dyn Read + Send> = match input {
        Input::File(path) => Box::new(File::open(path)?),
        Input::StandardInput => Box::new(io::stdin()),
    };
    open_reader(Box::new(Counted { reader, read: Arc::clone(read) }), LONGEST_LINE)
}

/// The same for a file that is open already.
pub(crate) fn open_file(file: File) -> io::Result<Result<Opened, Refused>> {
    open_reader(Box::new(file), LONGEST_LINE)
}

pub(super) fn open_reader(
    mut reader: Box<dyn Read + Send>,
    longest: usize,
) -> io::Result<Result<Opened, Refused>> {
    let mut head = Vec::new();
    read_up_to(&mut reader, HEAD, &mut head)?;
    let kind = compression(&head);
    let whole = Cursor::new(head).chain(reader);
    let mut decoded: Box<dyn Read + Send> = match kind {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
    };
    let mut head = Vec::new();
    let failure = read_up_to(&mut decoded, HEAD, &mut head).err();
    let has_mark = head.starts_with(MARK);
    if has_mark {
        head.drain(..MARK.len());
    }
    let layout = match layout(&head) {
        Ok(layout) => layout,
        Err(refused) => return Ok(Err(refused)),
    };
    let decoded = Failing { reader: decoded, failure };
    let text: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(decoded));
    let is_plain = kind == Compression::None && layout == Layout::Lines && !has_mark;
    let splitter = match layout {
        Layout::Lines => Splitter::Lines(LineReader::new(text, longest)),
        Layout::Values => Splitter::Values(ValueReader::new(text, longest)),
        Layout::Frames => Splitter::Frames(FrameReader::new(text, longest)),
    };
    Ok(Ok(Opened { splitter, is_plain, failure: None, is_over: false }))
}

impl Opened {
    /// The next lines. Nothing at the end, and behind an error.
    pub fn next(&mut self) -> Option<Chunk> {
        if self.is_over {
            return None;
        }
        let next = match &mut self.splitter {
            Splitter::Lines(lines) => lines.next(),
            Splitter::Values(values) => values.next(),
            Splitter::Frames(frames) => frames.next(),
        };
        match next {
            Ok(chunk) => {
                self.is_over = chunk.is_none();
                chunk
            }
            Err(error) => {
                self.is_over = true;
                self.failure = Some(error);
                match &mut self.splitter {
                    Splitter::Lines(lines) => lines.rest(),
                    Splitter::Values(values) => values.rest(),
                    Splitter::Frames(_) => None,
                }
            }
        }
    }

    /// Why reading has ended early.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }
}

/// Counts what goes through.
struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// A stream that stays where it has failed. Some decoders go on behind an error as if it were the end.
struct Failing {
    reader: Box<dyn Read + Send>,
    failure: Option<io::Error>,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(io::Error::new(failure.kind(), failure.to_string()));
        }
        let result = self.reader.read(buffer);
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failure = Some(io::Error::new(error.kind(), error.to_string()));
        }
        result
    }
}
