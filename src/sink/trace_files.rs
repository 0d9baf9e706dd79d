//! JSON lines in one file per trace: owns the directory and the names.
//! It refuses to write on the calling thread (that is `disk`'s) and to make a path of anything but a checked trace id.

mod bundle;
mod name;
mod writer;

use std::{path::PathBuf, sync::Arc};

pub use self::bundle::{bundle, is_trace_id};
use self::writer::Writer;
use super::{ContentEncoding, Request, Sending, Sink, disk::Disk};

/// Where files go and how many names are remembered.
#[derive(Clone, Debug)]
pub struct TraceFilesConfig {
    /// The directory. It is created when it is missing, and again if it disappears (F72).
    pub directory: PathBuf,
    /// Traces whose file is remembered, so that memory is bounded (R84). One that was forgotten goes on in a new file.
    pub max_traces: usize,
}

impl TraceFilesConfig {
    /// Ten thousand traces, about a megabyte.
    pub fn new(directory: impl Into<PathBuf>) -> TraceFilesConfig {
        TraceFilesConfig { directory: directory.into(), max_traces: 10_000 }
    }
}

/// Appends the lines of each trace of a batch to the trace's file, one write each. Bodies are what [`bundle`] makes.
#[derive(Debug)]
pub struct TraceFilesSink(Disk);

impl TraceFilesSink {
    /// Touches nothing yet.
    pub fn new(config: TraceFilesConfig) -> Arc<TraceFilesSink> {
        Arc::new(TraceFilesSink(Disk::new(ContentEncoding::Identity, move || {
            let mut writer = Writer::new(config.clone());
            Box::new(move |body| writer.append(body))
        })))
    }
}

impl Sink for TraceFilesSink {
    fn send(&self, request: Request) -> Sending {
        self.0.send(request)
    }
}
