//! OTLP/JSON lines in local files: owns the directory and how large its files grow.
//! It refuses to write on the calling thread: that is `disk`'s.

mod kept;
mod name;
mod old;
mod writer;

use std::{path::PathBuf, sync::Arc, time::Duration};

use self::{kept::Owner, writer::Writer};
use super::{ContentEncoding, Request, Sending, Sink, disk::Disk};

/// Where files go and how large they grow.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The directory. It is created when it is missing, and again if it disappears (F72).
    pub directory: PathBuf,
    /// A file that would grow beyond this is left as it is and the next one begun.
    pub max_file_bytes: u64,
    /// Files kept of this sink and of those of this process that wrote to the same directory and have ended; the oldest are
    /// removed. Files of other processes, and so of earlier lives of this program, are never touched.
    pub max_files: usize,
    /// A file is followed by the next one at this age, and goes when nothing has been written to it for so long: this sink's,
    /// and those in the directory that earlier lives of this program and other processes have written under such names.
    pub max_age: Option<Duration>,
    /// How the bodies are compressed that the sink is sent, each a gzip member or zstd frame of its own.
    pub encoding: ContentEncoding,
}

impl FileConfig {
    /// 64 MiB per file, ten files of any age, no compression.
    pub fn new(directory: impl Into<PathBuf>) -> FileConfig {
        FileConfig {
            directory: directory.into(),
            max_file_bytes: 64 << 20,
            max_files: 10,
            max_age: None,
            encoding: ContentEncoding::Identity,
        }
    }
}

/// Appends each batch, a line that ends in a line feed, or such lines compressed. Its thread starts with the first `send` and ends when the sink is dropped.
#[derive(Debug)]
pub struct FileSink {
    disk: Disk,
    /// Dropped with the sink, not with its thread.
    _owner: Owner,
}

impl FileSink {
    /// Touches nothing yet.
    pub fn new(config: FileConfig) -> Arc<FileSink> {
        let owner = Owner::default();
        let handle = owner.handle();
        let disk = Disk::new(config.encoding, move || {
            let mut writer = Writer::new(config.clone(), handle.clone());
            Box::new(move |body| writer.append(body))
        });
        Arc::new(FileSink { disk, _owner: owner })
    }
}

impl Sink for FileSink {
    fn send(&self, request: Request) -> Sending {
        self.disk.send(request)
    }
}
