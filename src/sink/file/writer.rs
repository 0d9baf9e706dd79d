//! The one that writes: owns the current file, its rotation and what happens when the disk says no.
//! It refuses half lines: a batch is in the file whole or not at all (F74).

use std::{
    fs::File,
    io,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::{FileConfig, kept::Handle, name::file_name};
use crate::sink::{
    SendError,
    disk::append::{Failure, Open, append, make_directory, open},
};

/// Read by the group, by nobody else. Spans hold statements, addresses and names of people, so not the whole world;
/// log shippers run under another account of the same group, so not the owner alone. The umask can only narrow it.
const FILE_MODE: u32 = 0o640;
const DIRECTORY_MODE: u32 = 0o750;

/// Number of the last file this process began: two sinks of one process never share a name.
static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);

/// Appends lines to the newest of its files. Opens and closes the file for each batch: a directory that was removed is
/// noticed, and no descriptor of the application's budget is held (F72, F80).
#[derive(Debug)]
pub(super) struct Writer {
    config: FileConfig,
    /// Whose files they are.
    owner: Handle,
    /// The file being written.
    current: Option<PathBuf>,
    /// Bytes in it.
    length: u64,
}

impl Writer {
    /// Touches nothing yet.
    pub fn new(config: FileConfig, owner: Handle) -> Writer {
        Writer { config, owner, current: None, length: 0 }
    }

    /// Appends `body` and a line feed with one write.
    pub fn append(&mut self, body: &[u8]) -> Result<(), SendError> {
        match self.try_append(body) {
            Err(failure) if failure.error.kind() == io::ErrorKind::NotFound => {
                make_directory(&self.config.directory, DIRECTORY_MODE)
                    .and_then(|()| self.try_append(body))
            }
            result => result,
        }
        .map_err(Failure::into_error)
    }

    fn try_append(&mut self, body: &[u8]) -> Result<(), Failure> {
        let line_bytes = body.len() as u64 + 1;
        let full =
            self.length > 0 && self.length.saturating_add(line_bytes) > self.config.max_file_bytes;
        // A file that was removed, replaced by a link or closed to us is left: the batch goes to a new one.
        let kept = self
            .current
            .as_ref()
            .filter(|_| !full)
            .and_then(|path| open(path, Open::Existing, FILE_MODE).ok());
        let file = match kept {
            Some(file) => file,
            None => self.begin_file()?,
        };
        match append(&file, body, b"\n") {
            Ok(length) => {
                self.length = length;
                Ok(())
            }
            Err((failure, left)) => {
                // A line that is not whole must not stay; if it does, the next batch begins a new file.
                self.length = left.unwrap_or(u64::MAX);
                Err(failure)
            }
        }
    }

    /// Creates the next file; what is too many is removed.
    fn begin_file(&mut self) -> Result<File, Failure> {
        loop {
            let number = LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
            let path =
                self.config.directory.join(file_name(SystemTime::now(), process::id(), number));
            match open(&path, Open::New, FILE_MODE) {
                // Another copy of this library in the same process.
                Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(failure) => return Err(failure),
                Ok(file) => {
                    self.owner.began(&path, &self.config.directory, self.config.max_files);
                    self.current = Some(path);
                    self.length = 0;
                    return Ok(file);
                }
            }
        }
    }
}
