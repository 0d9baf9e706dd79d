//! OTLP/JSON lines in local files: owns the directory and how large its files grow.
//! It refuses to write on the calling thread: that is `disk`'s.

mod name;
mod writer;

use std::{path::PathBuf, sync::Arc};

use self::writer::Writer;
use super::{Request, Sending, Sink, disk::Disk};

/// Where files go and how large they grow.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The directory. It is created when it is missing, and again if it disappears (F72).
    pub directory: PathBuf,
    /// A file that would grow beyond this is left as it is and the next one begun.
    pub max_file_bytes: u64,
    /// Files this sink keeps; older ones of its own are removed. Files of other processes are never touched.
    pub max_files: usize,
}

impl FileConfig {
    /// 64 MiB per file, ten files.
    pub fn new(directory: impl Into<PathBuf>) -> FileConfig {
        FileConfig { directory: directory.into(), max_file_bytes: 64 * 1024 * 1024, max_files: 10 }
    }
}

/// Appends each batch as one line. Its thread starts with the first `send` and ends when the sink is dropped.
#[derive(Debug)]
pub struct FileSink(Disk);

impl FileSink {
    /// Touches nothing yet.
    pub fn new(config: FileConfig) -> Arc<FileSink> {
        Arc::new(FileSink(Disk::new(move || {
            let mut writer = Writer::new(config.clone());
            Box::new(move |body| writer.append(body))
        })))
    }
}

impl Sink for FileSink {
    fn send(&self, request: Request) -> Sending {
        self.0.send(request)
    }
}
