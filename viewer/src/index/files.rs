//! Files as the index knows them: their account, and how they are recognised when they are opened again.

use std::{fs::Metadata, time::UNIX_EPOCH};

use crate::{account::LineCounts, source::Input};

/// Places of lines that are too long which are named.
const MOST_PLACES: usize = 10;

/// What is known of a file apart from its lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FileFacts {
    pub input: Input,
    /// Bytes of the file, or what has been read of standard input.
    pub bytes: u64,
    /// Whether the offset of a line is its place in the file.
    pub is_plain: bool,
    pub identity: Option<Identity>,
    /// Why it was not read, or not to its end; a sentence without its name.
    pub failure: Option<String>,
    /// Whether it is not there any more. Its spans stay.
    pub is_gone: bool,
}

impl FileFacts {
    pub fn new(input: Input) -> FileFacts {
        FileFacts {
            input,
            bytes: 0,
            is_plain: false,
            identity: None,
            failure: None,
            is_gone: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct FileState {
    pub input: Input,
    /// Bytes of the file, or what has been read of standard input.
    pub bytes: u64,
    pub counts: LineCounts,
    pub duplicates: u64,
    /// Spans of it in the index.
    pub shown: u64,
    /// Spans of it that were given up after it was removed, because the memory was used up.
    pub released: u64,
    /// Where the first lines begin that are too long.
    pub too_long: Vec<u64>,
    /// Why it was not read, or not to its end; a sentence without its name.
    pub failure: Option<String>,
    /// Whether the offset of a line is its place in the file.
    pub is_plain: bool,
    pub identity: Option<Identity>,
    /// Whether it is not there any more. Its spans stay.
    pub is_gone: bool,
    /// The account without the last line, which has no end and is shown as far as it goes.
    before_cut: Option<Box<BeforeCut>>,
}

#[derive(Debug)]
struct BeforeCut {
    /// Where the line begins.
    offset: u64,
    counts: LineCounts,
    shown: u64,
    duplicates: u64,
    too_long: usize,
}

impl FileState {
    pub fn new(input: Input) -> FileState {
        FileState {
            input,
            bytes: 0,
            counts: LineCounts::default(),
            duplicates: 0,
            shown: 0,
            released: 0,
            too_long: Vec::new(),
            failure: None,
            is_plain: false,
            identity: None,
            is_gone: false,
            before_cut: None,
        }
    }

    /// Whether it has gone and left nothing, as a path that led nowhere and is a directory now.
    pub fn is_nothing(&self) -> bool {
        self.is_gone && self.counts.lines == 0
    }

    pub fn learn(&mut self, facts: FileFacts) {
        let FileFacts { input, bytes, is_plain, identity, failure, is_gone } = facts;
        (self.input, self.bytes, self.is_plain) = (input, bytes, is_plain);
        (self.identity, self.failure, self.is_gone) = (identity, failure, is_gone);
    }

    /// Remembers the account: a last line without its end comes next, which begins at `offset`.
    pub fn begin_cut(&mut self, offset: u64) {
        let FileState { counts, shown, duplicates, too_long, .. } = self;
        self.before_cut = Some(Box::new(BeforeCut {
            offset,
            counts: counts.clone(),
            shown: *shown,
            duplicates: *duplicates,
            too_long: too_long.len(),
        }));
    }

    /// Takes the account back to what it was without that line. Returns where it begins.
    pub(super) fn end_cut(&mut self) -> Option<u64> {
        let BeforeCut { offset, counts, shown, duplicates, too_long } = *self.before_cut.take()?;
        (self.counts, self.shown, self.duplicates) = (counts, shown, duplicates);
        self.too_long.truncate(too_long);
        Some(offset)
    }

    /// Empties the account.
    pub(super) fn begin_anew(&mut self) {
        self.counts = LineCounts::default();
        (self.shown, self.duplicates, self.released) = (0, 0, 0);
        self.too_long.clear();
        self.before_cut = None;
    }

    pub fn remember_too_long(&mut self, offset: u64) {
        if self.too_long.len() < MOST_PLACES {
            self.too_long.push(offset);
        }
    }
}

/// What tells a file from another one that has taken its name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
    /// When it was made, where the system says so: numbers are given again at once.
    created: u64,
}

impl Identity {
    /// Whether no other file can ever have it.
    pub fn is_unique(&self) -> bool {
        self.created != 0
    }

    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        Identity { device: metadata.dev(), number: metadata.ino(), created: created(metadata) }
    }

    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Identity {
        Identity { device: 0, number: 0, created: created(metadata) }
    }
}

fn created(metadata: &Metadata) -> u64 {
    let since = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
}
