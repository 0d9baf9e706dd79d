//! Files that are too old: owns which ones of a directory go, and how often it is looked at.
//! It refuses to touch what has another name than our files have, or is no file.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::name::is_file_name;

const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Whether a time has passed since `then`. A clock that was set back says nothing: no file is old because of it.
pub(super) fn is_older(then: SystemTime, now: SystemTime, age: Duration) -> bool {
    now.duration_since(then).is_ok_and(|elapsed| elapsed >= age)
}

/// When a directory was looked at last.
#[derive(Debug, Default)]
pub(super) struct Looked(Option<SystemTime>);

impl Looked {
    /// Whether it is time again. The answer is taken for a look.
    pub fn is_due(&mut self, now: SystemTime, max_age: Duration) -> bool {
        let pause = (max_age / 8).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        // A look that lies ahead was made before the clock was set back.
        let is_due = self.0.is_none_or(|last| last > now || is_older(last, now, pause));
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// Removes the files of ours in `directory` to which nothing has been written for `max_age`, whichever process did, except
/// those `in_use`. What cannot be read or removed stays: it costs disk, never spans.
pub(super) fn remove_old(
    directory: &Path,
    in_use: &HashSet<PathBuf>,
    now: SystemTime,
    max_age: Duration,
) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_str().is_some_and(is_file_name) {
            continue;
        }
        // Of the entry itself: a link is not followed.
        let is_old = entry.metadata().is_ok_and(|metadata| {
            let written = metadata.modified();
            metadata.is_file() && written.is_ok_and(|written| is_older(written, now, max_age))
        });
        let path = entry.path();
        if is_old && !in_use.contains(&path) {
            let _ = fs::remove_file(path);
        }
    }
}
