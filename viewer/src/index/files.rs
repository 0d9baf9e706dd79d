//! Files as the index knows them: their account, and how they are recognised when they are opened again.

use std::fs::Metadata;

use crate::{account::LineCounts, source::Input};

/// Places of lines that are too long which are named.
const MOST_PLACES: usize = 10;

#[derive(Debug)]
pub(crate) struct FileState {
    pub input: Input,
    /// Bytes of the file, or what has been read of standard input.
    pub bytes: u64,
    pub counts: LineCounts,
    pub duplicates: u64,
    /// Spans of it in the index.
    pub shown: u64,
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
}

impl FileState {
    pub fn new(input: Input) -> FileState {
        FileState {
            input,
            bytes: 0,
            counts: LineCounts::default(),
            duplicates: 0,
            shown: 0,
            too_long: Vec::new(),
            failure: None,
            is_plain: false,
            identity: None,
            is_gone: false,
            before_cut: None,
        }
    }

    /// Remembers the account: a last line without its end comes next, which begins at `offset`.
    pub fn begin_cut(&mut self, offset: u64) {
        let FileState { counts, shown, duplicates, .. } = self;
        let (counts, shown, duplicates) = (counts.clone(), *shown, *duplicates);
        self.before_cut = Some(Box::new(BeforeCut { offset, counts, shown, duplicates }));
    }

    /// Takes the account back to what it was without that line. Returns where it begins.
    pub(super) fn end_cut(&mut self) -> Option<u64> {
        let BeforeCut { offset, counts, shown, duplicates } = *self.before_cut.take()?;
        (self.counts, self.shown, self.duplicates) = (counts, shown, duplicates);
        Some(offset)
    }

    /// Empties the account.
    pub(super) fn begin_anew(&mut self) {
        self.counts = LineCounts::default();
        (self.shown, self.duplicates) = (0, 0);
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        Identity { device: metadata.dev(), number: metadata.ino() }
    }

    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Identity {
        let created = metadata.created().ok();
        let since = created.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Identity { device: 0, number: since.map_or(0, |since| since.as_nanos() as u64) }
    }
}
