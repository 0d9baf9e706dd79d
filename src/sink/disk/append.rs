//! One append to one file: owns opening, the write that is whole or undone, and Node's words for what went wrong.
//! It refuses to choose names.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::sink::{SendError, SendErrorKind, errno::errno};

/// A failed step: the system's error and what Node would call the step.
pub(in crate::sink) struct Failure {
    pub(in crate::sink) error: io::Error,
    syscall: &'static str,
    path: Option<PathBuf>,
}

/// Whether a file must, may or must not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink) enum Open {
    /// Only one that is there.
    Existing,
    /// Only one that is not.
    New,
    /// Either.
    Either,
}

/// Opens `path` for appending; `mode` are the permissions of a new file, which the umask can narrow.
pub(in crate::sink) fn open(path: &Path, how: Open, mode: u32) -> Result<File, Failure> {
    let failed = |error| Failure { error, syscall: "open", path: Some(path.to_owned()) };
    let mut options = OpenOptions::new();
    options.create_new(how == Open::New).create(how == Open::Either);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A symbolic link that somebody has planted under our name is not followed (F77).
        options.append(true).mode(mode).custom_flags(libc::O_NOFOLLOW);
        options.open(path).map_err(failed)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom};
        let _ = mode;
        // A file opened for appending only cannot be cut back there; nobody else writes to it.
        let mut file = options.write(true).truncate(false).open(path).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(file)
    }
}

/// Appends `body`, whole or not at all (F74). The inner `Err` says that not even the undoing worked.
pub(in crate::sink) fn append(file: &File, body: &[u8]) -> Result<u64, (Failure, Result<u64, ()>)> {
    let failed = |error| Failure { error, syscall: "write", path: None };
    let before = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return Err((failed(error), Err(()))),
    };
    // One write. A size limit comes as EFBIG: Node ignores the signal that would end the process. Only when the system
    // takes less than all is there a second one, to learn the reason (a full disk, a quota, a limit) or to finish after a
    // signal.
    let mut writer = file;
    match writer.write_all(body) {
        Ok(()) => Ok(before + body.len() as u64),
        Err(error) => {
            let cut = file.set_len(before).is_ok();
            Err((failed(error), if cut { Ok(before) } else { Err(()) }))
        }
    }
}

/// Creates `path` and what is missing above it.
pub(in crate::sink) fn make_directory(path: &Path, mode: u32) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder.create(path).map_err(|error| Failure {
        error,
        syscall: "mkdir",
        path: Some(path.to_owned()),
    })
}

impl Failure {
    /// `ENOSPC: no space left on device, write`, as Node's file functions word it.
    pub(in crate::sink) fn into_error(self) -> SendError {
        let errno = errno(&self.error);
        let what = match errno {
            Some(errno) => format!("{}: {}", errno.code, errno.text),
            None => self.error.to_string(),
        };
        let message = match &self.path {
            Some(path) => format!("{what}, {} '{}'", self.syscall, path.display()),
            None => format!("{what}, {}", self.syscall),
        };
        let kind = match errno {
            Some(errno) if errno.is_shortage() => SendErrorKind::Exhausted,
            _ => SendErrorKind::File,
        };
        SendError {
            code: errno.map(|errno| errno.code.to_owned()),
            syscall: Some(self.syscall),
            errno: errno.map(|errno| errno.number),
            ..SendError::new(kind, message)
        }
    }
}
