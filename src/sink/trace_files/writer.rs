//! The one that writes: one append per trace file and batch (R80), each whole or not at all (F74).
//! It refuses to stop at the first file that fails: the others are not to blame.

use std::{io, time::SystemTime};

use super::{
    TraceFilesConfig,
    bundle::{is_trace_id, unbundle},
    name::Names,
};
use crate::sink::{
    SendError, SendErrorKind,
    disk::append::{Failure, Open, append, make_directory, open},
};

/// What the recorder's own files have; tools of other accounts read them. The umask can narrow it.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// Appends to trace files. Opens and closes each for every batch: no descriptor of the application's budget is held
/// (F80).
#[derive(Debug)]
pub(super) struct Writer {
    config: TraceFilesConfig,
    names: Names,
}

impl Writer {
    /// Touches nothing yet.
    pub fn new(config: TraceFilesConfig) -> Writer {
        let names = Names::new(config.max_traces);
        Writer { config, names }
    }

    /// Appends the lines of every trace in `body`. The error is that of the first file that failed.
    pub fn append(&mut self, body: &[u8]) -> Result<(), SendError> {
        let malformed = || SendError::new(SendErrorKind::Unsendable, "lines without their traces");
        let mut result = Ok(());
        for (id, lines) in unbundle(body).ok_or_else(malformed)? {
            if !is_trace_id(id) {
                return Err(malformed());
            }
            let name = self.names.file_name(id, SystemTime::now());
            let appended = match self.try_append(&name, lines) {
                Err(failure) if failure.error.kind() == io::ErrorKind::NotFound => {
                    make_directory(&self.config.directory, DIRECTORY_MODE)
                        .and_then(|()| self.try_append(&name, lines))
                }
                appended => appended,
            };
            result = result.and(appended.map_err(Failure::into_error));
        }
        result
    }

    fn try_append(&self, name: &str, lines: &[u8]) -> Result<(), Failure> {
        let file = open(&self.config.directory.join(name), Open::Either, FILE_MODE)?;
        append(&file, lines, b"").map_err(|(failure, _)| failure)?;
        Ok(())
    }
}
