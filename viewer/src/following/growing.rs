//! What is appended to a file: owns where reading goes on, and how it is told that the file is still the one it was.

use std::{
    fs::File,
    hash::{BuildHasher, Hasher},
    io::{self, Read, Seek, SeekFrom},
    sync::atomic::{AtomicU64, Ordering},
};

use foldhash::quality::RandomState;

use crate::source::{Chunk, FrameReader, LONGEST_LINE, Lines, read_up_to};

/// Bytes at the beginning of a file, and before the place up to which it was read, by which it is recognised.
const HEAD: u64 = 1 << 10;
const LAST: u64 = 1 << 10;
/// Bytes of a line without its end that are compared.
const UNFINISHED: usize = 4 << 10;

pub(super) struct Growing {
    kind: Kind,
    marks: Marks,
    is_cut_shown: bool,
}

enum Kind {
    Lines(Lines),
    /// Where the next frame begins. Of one that is not whole nothing is kept.
    Frames(u64),
}

/// By what a file is recognised: a hash of its beginning and of what is before the place `until`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Marks {
    until: u64,
    hash: u64,
}

/// What has happened to a file since it was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    Nothing,
    Appended,
    /// A line without its end was taken back; there may be another one in its place.
    Undone,
    /// It is shorter, or has another content.
    Another,
}

impl Growing {
    pub fn lines() -> Growing {
        Growing::new(Kind::Lines(Lines::new(LONGEST_LINE)))
    }

    pub fn frames() -> Growing {
        Growing::new(Kind::Frames(0))
    }

    fn new(kind: Kind) -> Growing {
        Growing { kind, marks: Marks::default(), is_cut_shown: false }
    }

    /// Whether the offset of a line is its place in the file.
    pub fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Lines(_))
    }

    /// Where the line or the frame begins that has no end yet.
    pub fn start(&self) -> u64 {
        match &self.kind {
            Kind::Lines(lines) => lines.line_start(),
            Kind::Frames(offset) => *offset,
        }
    }

    /// Where the next byte is to be read.
    pub fn position(&self) -> u64 {
        match &self.kind {
            Kind::Lines(lines) => lines.position(),
            Kind::Frames(offset) => *offset,
        }
    }

    pub fn go_back_to(&mut self, start: u64) {
        self.is_cut_shown = false;
        match &mut self.kind {
            Kind::Lines(lines) => lines.go_back_to(start),
            Kind::Frames(offset) => *offset = start,
        }
    }

    /// The next lines of `reader`, which is at `position`.
    pub fn next(&mut self, mut reader: impl Read) -> io::Result<Option<Chunk>> {
        match &mut self.kind {
            Kind::Lines(lines) => lines.next(&mut reader),
            Kind::Frames(offset) => {
                let mut frames = FrameReader::growing(reader, *offset, LONGEST_LINE);
                let chunk = frames.next()?;
                *offset = frames.offset();
                Ok(chunk)
            }
        }
    }

    /// The line without its end, if there is one and it is not shown already. From now on it is.
    pub fn show_cut(&mut self) -> Option<Chunk> {
        let Kind::Lines(lines) = &self.kind else { return None };
        let chunk = lines.copy_of_rest().filter(|_| !self.is_cut_shown)?;
        self.is_cut_shown = true;
        Some(chunk)
    }

    /// Returns whether that line was shown. From now on it is not.
    pub fn hide_cut(&mut self) -> bool {
        std::mem::take(&mut self.is_cut_shown)
    }

    /// Remembers by what the file is recognised.
    pub fn remember(
        &mut self,
        file: &mut File,
        key: &RandomState,
        checked: &AtomicU64,
    ) -> io::Result<()> {
        self.marks = Marks::of(file, self.start(), key, checked)?;
        Ok(())
    }

    /// Whether a file still has all that was read, apart from a line without its end.
    pub fn is_as_it_was(&self, file: &mut File, key: &RandomState, checked: &AtomicU64) -> bool {
        let marks = Marks::of(file, self.marks.until, key, checked);
        marks.is_ok_and(|marks| marks == self.marks)
    }

    pub fn change(
        &self,
        file: &mut File,
        key: &RandomState,
        checked: &AtomicU64,
    ) -> io::Result<Change> {
        let bytes = file.metadata()?.len();
        if bytes < self.marks.until
            || Marks::of(file, self.marks.until, key, checked)? != self.marks
        {
            return Ok(Change::Another);
        }
        let position = self.position();
        if self.start() < position
            && (bytes < position || !self.has_unfinished(file, position, checked)?)
        {
            return Ok(Change::Undone);
        }
        Ok(if bytes > position { Change::Appended } else { Change::Nothing })
    }

    /// Whether the line without its end is still there.
    fn has_unfinished(
        &self,
        file: &mut File,
        position: u64,
        checked: &AtomicU64,
    ) -> io::Result<bool> {
        let Kind::Lines(lines) = &self.kind else { return Ok(true) };
        let known = lines.unfinished();
        let known = known.get(known.len().saturating_sub(UNFINISHED)..).unwrap_or_default();
        let mut there = Vec::new();
        file.seek(SeekFrom::Start(position - known.len() as u64))?;
        read_up_to(file, known.len(), &mut there)?;
        checked.fetch_add(there.len() as u64, Ordering::Relaxed);
        Ok(there == known)
    }
}

impl Marks {
    fn of(
        file: &mut File,
        until: u64,
        key: &RandomState,
        checked: &AtomicU64,
    ) -> io::Result<Marks> {
        let mut hasher = key.build_hasher();
        let last = until.saturating_sub(LAST);
        let mut bytes = Vec::new();
        for (from, to) in [(0, until.min(HEAD)), (last, until)] {
            bytes.clear();
            file.seek(SeekFrom::Start(from))?;
            read_up_to(file, (to - from) as usize, &mut bytes)?;
            checked.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            hasher.write(&bytes);
        }
        Ok(Marks { until, hash: hasher.finish() })
    }
}
