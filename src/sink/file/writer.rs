//! The one that writes: owns the current file, its rotation and what happens when the disk says no.
//! It refuses half lines: a batch is in the file whole or not at all (F74).

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, IoSlice, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::{FileConfig, name::file_name};
use crate::sink::{SendError, SendErrorKind, errno::errno};

/// Read by the group, by nobody else. Spans hold statements, addresses and names of people, so not the whole world;
/// log shippers run under another account of the same group, so not the owner alone. The umask can only narrow it.
#[cfg(unix)]
const FILE_MODE: u32 = 0o640;

/// Number of the last file this process began: two sinks of one process never share a name.
static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);

/// Appends lines to the newest of its files. Opens and closes the file for each batch: a directory that was removed is
/// noticed, and no descriptor of the application's budget is held (F72, F80).
#[derive(Debug)]
pub(super) struct Writer {
    config: FileConfig,
    /// Files of this writer, oldest first; the last is the one being written.
    files: VecDeque<PathBuf>,
    /// Bytes in the last file.
    length: u64,
}

/// A failed step: the system's error and what Node would call the step.
struct Failure {
    error: io::Error,
    syscall: &'static str,
    path: Option<PathBuf>,
}

impl Writer {
    /// Touches nothing yet.
    pub fn new(config: FileConfig) -> Writer {
        Writer { config, files: VecDeque::new(), length: 0 }
    }

    /// Appends `body` and a line feed with one write.
    pub fn append(&mut self, body: &[u8]) -> Result<(), SendError> {
        match self.try_append(body) {
            Err(failure) if failure.error.kind() == io::ErrorKind::NotFound => {
                make_directory(&self.config.directory).and_then(|()| self.try_append(body))
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
        let kept = self.files.back().filter(|_| !full).and_then(|path| open(path, false).ok());
        let file = match kept {
            Some(file) => file,
            None => self.begin_file()?,
        };
        let failed = |error| Failure { error, syscall: "write", path: None };
        let before = file.metadata().map_err(failed)?.len();
        let Err(error) = write_line(&file, body) else {
            self.length = before + line_bytes;
            return Ok(());
        };
        // A line that is not whole must not stay; if even this fails, the next batch begins a new file.
        let cut = mutant!("F74") || file.set_len(before).is_ok();
        self.length = if cut { before } else { u64::MAX };
        Err(failed(error))
    }

    /// Creates the next file and removes what is too many.
    fn begin_file(&mut self) -> Result<File, Failure> {
        loop {
            let number = LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
            let path =
                self.config.directory.join(file_name(SystemTime::now(), process::id(), number));
            match open(&path, true) {
                // Another copy of this library in the same process.
                Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(failure) => return Err(failure),
                Ok(file) => {
                    self.files.push_back(path);
                    self.length = 0;
                    while self.files.len() > self.config.max_files.max(1) {
                        if let Some(oldest) = self.files.pop_front() {
                            // Already gone is as good; anything else costs disk, never spans.
                            let _ = fs::remove_file(oldest);
                        }
                    }
                    return Ok(file);
                }
            }
        }
    }
}

/// One append. A size limit comes as EFBIG: Node ignores the signal that would end the process. Only when the system takes less than all is there a second one, to learn the reason (a full disk, a
/// quota, a limit) or to finish after a signal.
fn write_line(mut file: &File, body: &[u8]) -> io::Result<()> {
    // Without gathered writes (Windows) the line needs one piece of memory.
    let joined = if cfg!(unix) { Vec::new() } else { [body, b"\n"].concat() };
    let (mut first, mut last): (&[u8], &[u8]) =
        if cfg!(unix) { (body, b"\n") } else { (&joined, b"") };
    while !first.is_empty() || !last.is_empty() {
        match file.write_vectored(&[IoSlice::new(first), IoSlice::new(last)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => {
                let (of_first, of_last) =
                    (bytes.min(first.len()), bytes.saturating_sub(first.len()));
                first = first.get(of_first..).unwrap_or_default();
                last = last.get(of_last..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn open(path: &Path, create: bool) -> Result<File, Failure> {
    let failed = |error| Failure { error, syscall: "open", path: Some(path.to_owned()) };
    let mut options = OpenOptions::new();
    options.create_new(create);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A symbolic link planted under our name leads nowhere (F77).
        let no_links = if mutant!("F77") { 0 } else { libc::O_NOFOLLOW };
        options.append(true).mode(FILE_MODE).custom_flags(no_links);
        options.open(path).map_err(failed)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom};
        // A file opened for appending only cannot be cut back there; nobody else writes to it.
        let mut file = options.write(true).open(path).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(file)
    }
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o750);
    }
    builder.create(path).map_err(|error| Failure {
        error,
        syscall: "mkdir",
        path: Some(path.to_owned()),
    })
}

impl Failure {
    /// `ENOSPC: no space left on device, write`, as Node's file functions word it.
    fn into_error(self) -> SendError {
        let errno = errno(&self.error);
        let what = match errno {
            Some(errno) => format!("{}: {}", errno.code, errno.text),
            None => self.error.to_string(),
        };
        let message = match &self.path {
            Some(path) => format!("{what}, {} '{}'", self.syscall, path.display()),
            None => format!("{what}, {}", self.syscall),
        };
        SendError {
            code: errno.map(|errno| errno.code.to_owned()),
            syscall: Some(self.syscall),
            errno: errno.map(|errno| errno.number),
            ..SendError::new(SendErrorKind::File, message)
        }
    }
}
