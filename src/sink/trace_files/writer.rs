//! Writes trace files: one append per file and batch (R80), whole or not at all (F74).
//! It refuses to stop at the first file that fails: the others are not to blame.

use std::{
    fs::File,
    io,
    time::{Duration, SystemTime},
};

use super::{
    TraceFilesConfig,
    bundle::{is_trace_id, unbundle},
    name::{Names, TraceId, name},
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
            let appended = match self.try_append(id, lines) {
                Err(failure) if failure.error.kind() == io::ErrorKind::NotFound => {
                    make_directory(&self.config.directory, DIRECTORY_MODE)
                        .and_then(|()| self.try_append(id, lines))
                }
                appended => appended,
            };
            result = result.and(appended.map_err(Failure::into_error));
        }
        result
    }

    fn try_append(&mut self, id: &TraceId, lines: &[u8]) -> Result<(), Failure> {
        let file = match self.names.known(id) {
            Some(name) => open(&self.config.directory.join(name), Open::Either, FILE_MODE)?,
            None => self.begin_file(id)?,
        };
        append(&file, lines).map(drop).map_err(|(failure, left)| {
            if left.is_err() {
                // A line that is not whole must not be continued.
                self.names.forget(id);
            }
            failure
        })
    }

    /// Creates the file of a trace. Nobody else has one of that name: what is cut back after a failed write is ours,
    /// also where several writers and processes record one trace into one directory.
    fn begin_file(&mut self, id: &TraceId) -> Result<File, Failure> {
        let mut since_epoch =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        loop {
            let path = self.config.directory.join(name(id, since_epoch));
            match open(&path, Open::New, FILE_MODE) {
                Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => {
                    since_epoch += Duration::from_millis(1);
                }
                Err(failure) => return Err(failure),
                Ok(file) => {
                    self.names.remember(id, since_epoch);
                    return Ok(file);
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", not(miri)))] // files, and the kernel's count of system calls
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;
    use crate::sink::trace_files::bundle;

    /// A directory that goes away with its test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let name = format!("offloop-traces-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            Scratch(path)
        }

        fn writer(&self) -> Writer {
            Writer::new(TraceFilesConfig::new(&self.0))
        }

        fn files(&self) -> Vec<PathBuf> {
            let mut files: Vec<PathBuf> =
                fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort_by_key(|path| path.to_string_lossy().chars().rev().collect::<String>());
            files
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// `lines` lines of each trace in one body.
    fn body(traces: u32, lines: usize) -> Vec<u8> {
        let of_one = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(3000)).repeat(lines);
        let text = of_one.repeat(traces as usize).into_bytes();
        let ids: Vec<String> = (0..traces).map(|trace| format!("{trace:032x}")).collect();
        let parts = ids
            .iter()
            .enumerate()
            .map(|(nth, id)| (id.as_str(), nth * of_one.len()..(nth + 1) * of_one.len()));
        bundle(text, parts).unwrap()
    }

    /// `write` calls of this thread so far.
    fn writes() -> u64 {
        let io = fs::read_to_string("/proc/thread-self/io").unwrap();
        io.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap().parse().unwrap()
    }

    #[test]
    fn r80_one_append_per_trace_file_and_batch() {
        let scratch = Scratch::new("r80");
        let mut writer = scratch.writer();
        writer.append(&body(1, 1)).unwrap();
        for traces in [1, 7, 30] {
            let body = body(traces, 20);
            let before = writes();
            writer.append(&body).unwrap();
            assert_eq!(writes() - before, u64::from(traces), "{traces} traces of 20 lines");
        }
        assert_eq!(scratch.files().len(), 30);
    }

    #[test]
    fn f77_a_link_in_the_place_of_a_trace_file_is_not_followed() {
        let scratch = Scratch::new("f77");
        let mut writer = scratch.writer();
        writer.append(&body(2, 1)).unwrap();
        let [first, second] = scratch.files().try_into().unwrap();
        let victim = scratch.0.join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::remove_file(&first).unwrap();
        std::os::unix::fs::symlink(&victim, &first).unwrap();
        let error = writer.append(&body(2, 1)).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("ELOOP"));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(lines(&second), 2, "the other trace is not to blame");
    }

    #[test]
    fn f72_a_directory_that_disappears_comes_back() {
        let scratch = Scratch::new("f72");
        let mut writer = scratch.writer();
        writer.append(&body(1, 1)).unwrap();
        fs::remove_dir_all(&scratch.0).unwrap();
        writer.append(&body(1, 1)).unwrap();
        assert_eq!(scratch.files().iter().map(|file| lines(file)).sum::<usize>(), 1);
    }

    #[test]
    fn a_body_that_is_no_bundle_is_refused() {
        let scratch = Scratch::new("body");
        let error = scratch.writer().append(b"{}\n").unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Unsendable);
        assert!(!scratch.0.exists());
    }

    #[test]
    fn writers_that_begin_in_the_same_millisecond_have_files_of_their_own() {
        let scratch = Scratch::new("own");
        let mut writers: Vec<Writer> = (0..20).map(|_| scratch.writer()).collect();
        for _ in 0..2 {
            for writer in &mut writers {
                writer.append(&body(1, 1)).unwrap();
            }
        }
        let files = scratch.files();
        assert_eq!(files.len(), writers.len());
        assert!(files.iter().all(|file| lines(file) == 2));
    }

    fn lines(file: &Path) -> usize {
        fs::read_to_string(file).unwrap().lines().count()
    }
}
