//! The one that writes: owns the current file, its rotation and what happens when the disk says no.
//! It refuses half lines and half frames: a batch is in the file whole or not at all (F74).

use std::{
    fs::File,
    io,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::{
    FileConfig,
    kept::Handle,
    name::file_name,
    old::{Looked, is_older, remove_old},
};
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

/// Appends bodies to the newest of its files. Opens and closes the file for each batch: a directory that was removed is
/// noticed, and no descriptor of the application's budget is held (F72, F80).
#[derive(Debug)]
pub(super) struct Writer {
    config: FileConfig,
    /// Whose files they are.
    owner: Handle,
    /// The file being written, and when it was begun.
    current: Option<(PathBuf, SystemTime)>,
    /// Bytes in it.
    length: u64,
    looked: Looked,
}

impl Writer {
    /// Touches nothing yet.
    pub fn new(config: FileConfig, owner: Handle) -> Writer {
        Writer { config, owner, current: None, length: 0, looked: Looked::default() }
    }

    /// Appends `body` with one write.
    pub fn append(&mut self, body: &[u8]) -> Result<(), SendError> {
        self.append_at(body, SystemTime::now())
    }

    fn append_at(&mut self, body: &[u8], now: SystemTime) -> Result<(), SendError> {
        let result = match self.try_append(body, now) {
            Err(failure) if failure.error.kind() == io::ErrorKind::NotFound => {
                make_directory(&self.config.directory, DIRECTORY_MODE)
                    .and_then(|()| self.try_append(body, now))
            }
            result => result,
        };
        // Also on a full disk: this may be what makes room.
        self.remove_old(now);
        result.map_err(Failure::into_error)
    }

    fn try_append(&mut self, body: &[u8], now: SystemTime) -> Result<(), Failure> {
        let FileConfig { max_file_bytes, max_age, .. } = self.config;
        let full =
            self.length > 0 && self.length.saturating_add(body.len() as u64) > max_file_bytes;
        let is_old = |begun| max_age.is_some_and(|max_age| is_older(begun, now, max_age));
        // A file that was removed, replaced by a link or closed to us is left: the batch goes to a new one.
        let kept = self
            .current
            .as_ref()
            .filter(|(_, begun)| !full && !is_old(*begun))
            .and_then(|(path, _)| open(path, Open::Existing, FILE_MODE).ok());
        let file = match kept {
            Some(file) => file,
            None => self.begin_file(now)?,
        };
        match append(&file, body) {
            Ok(length) => {
                self.length = length;
                Ok(())
            }
            Err((failure, left)) => {
                // A line or a frame that is not whole must not stay; if it does, the next batch begins a new file.
                self.length = left.unwrap_or(u64::MAX);
                Err(failure)
            }
        }
    }

    /// Creates the next file; what is too many is removed.
    fn begin_file(&mut self, now: SystemTime) -> Result<File, Failure> {
        loop {
            let number = LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
            let name = file_name(now, process::id(), number, self.config.encoding);
            let path = self.config.directory.join(name);
            match open(&path, Open::New, FILE_MODE) {
                // Another copy of this library in the same process.
                Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(failure) => return Err(failure),
                Ok(file) => {
                    self.owner.began(&path, &self.config.directory, self.config.max_files);
                    self.current = Some((path, now));
                    self.length = 0;
                    return Ok(file);
                }
            }
        }
    }

    fn remove_old(&mut self, now: SystemTime) {
        let Some(max_age) = self.config.max_age else { return };
        if !self.looked.is_due(now, max_age) {
            return;
        }
        let mut in_use = self.owner.in_use_by_others();
        in_use.extend(self.current.as_ref().map(|(path, _)| path.clone()));
        remove_old(&self.config.directory, &in_use, now, max_age);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use super::*;
    use crate::sink::file::kept::Owner;

    const HOUR: Duration = Duration::from_secs(3600);

    /// A directory that goes away with its test, and a clock that is set by hand.
    struct World {
        directory: PathBuf,
        now: SystemTime,
        owner: Owner,
    }

    impl World {
        fn new(name: &str) -> World {
            let directory =
                std::env::temp_dir().join(format!("offloop-age-{}-{name}", process::id()));
            let _ = fs::remove_dir_all(&directory);
            World { directory, now: SystemTime::now(), owner: Owner::default() }
        }

        fn writer(&self, max_age: Option<Duration>) -> Writer {
            let config = FileConfig { max_age, ..FileConfig::new(&self.directory) };
            Writer::new(config, self.owner.handle())
        }

        /// Appends `line` when `later` has passed. The file is dated by this clock, too.
        fn append(&mut self, writer: &mut Writer, line: &str, later: Duration) {
            self.now += later;
            writer.append_at(format!("{line}\n").as_bytes(), self.now).unwrap();
            self.date(&writer.current.as_ref().unwrap().0, self.now);
        }

        fn date(&self, path: &Path, when: SystemTime) {
            File::options().append(true).open(path).unwrap().set_modified(when).unwrap();
        }

        fn put(&self, name: &str, written: SystemTime) {
            fs::create_dir_all(&self.directory).unwrap();
            fs::write(self.directory.join(name), name).unwrap();
            self.date(&self.directory.join(name), written);
        }

        /// What the files hold, as one text each.
        fn texts(&self) -> Vec<String> {
            let paths = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
            let mut texts: Vec<_> =
                paths.map(|path| fs::read_to_string(path).unwrap().replace('\n', " ")).collect();
            texts.sort();
            texts
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    #[test]
    fn f87_a_file_is_followed_at_its_age_and_goes_when_it_was_left_for_as_long() {
        let mut world = World::new("cycle");
        let mut writer = world.writer(Some(2 * HOUR));
        world.append(&mut writer, "0", Duration::ZERO);
        world.append(&mut writer, "1", HOUR);
        assert_eq!(world.texts(), ["0 1 "]);
        world.append(&mut writer, "2", HOUR);
        assert_eq!(world.texts(), ["0 1 ", "2 "], "the first is two hours old");
        world.append(&mut writer, "3", HOUR - Duration::from_secs(1));
        assert_eq!(world.texts(), ["0 1 ", "2 3 "], "it was written to less than two hours ago");
        world.append(&mut writer, "4", Duration::from_secs(900));
        assert_eq!(world.texts(), ["2 3 4 "]);
        world.append(&mut writer, "5", 100 * HOUR);
        assert_eq!(world.texts(), ["5 "], "a file that nobody wrote to for long is not continued");
    }

    #[test]
    fn f87_without_an_age_a_file_may_be_as_old_as_it_likes() {
        let mut world = World::new("none");
        let mut writer = world.writer(None);
        world.put("traces-2020-01-01T00-00-00-000Z-1-1.jsonl", SystemTime::UNIX_EPOCH);
        world.append(&mut writer, "0", Duration::ZERO);
        world.append(&mut writer, "1", 100_000 * HOUR);
        assert_eq!(world.texts().len(), 2);
        assert_eq!(world.texts()[0], "0 1 ");
    }

    #[test]
    fn f87_old_files_of_other_lives_go_and_nothing_else_does() {
        let mut world = World::new("others");
        let old = world.now - 3 * HOUR;
        for ending in ["jsonl", "jsonl.gz", "jsonl.zst"] {
            world.put(&format!("traces-2020-01-01T00-00-00-000Z-1-1.{ending}"), old);
        }
        let stay = ["traces-mine.jsonl", "a.log", "traces-2020-01-01T00-00-00-000Z-1-1.txt"];
        stay.iter().for_each(|name| world.put(name, old));
        let fresh = "traces-2020-01-01T00-00-00-000Z-1-2.jsonl";
        world.put(fresh, world.now - HOUR);
        fs::create_dir(world.directory.join("traces-2020-01-01T00-00-00-000Z-1-3.jsonl")).unwrap();
        // Silent for long, but of a sink of this process that is in use.
        let other = Owner::default();
        let config = FileConfig::new(&world.directory);
        let mut other_writer = Writer::new(config, other.handle());
        world.append(&mut other_writer, "other", Duration::ZERO);
        world.date(&other_writer.current.as_ref().unwrap().0, old);
        let mut writer = world.writer(Some(2 * HOUR));
        world.append(&mut writer, "0", Duration::ZERO);
        fs::remove_dir(world.directory.join("traces-2020-01-01T00-00-00-000Z-1-3.jsonl")).unwrap();
        let mut expected: Vec<_> = stay.into_iter().map(str::to_owned).collect();
        expected.extend([fresh.to_owned(), "0 ".to_owned(), "other ".to_owned()]);
        expected.sort();
        assert_eq!(world.texts(), expected);
    }

    #[test]
    fn f87_a_clock_that_is_set_back_removes_nothing_and_does_not_stop_the_clean_up() {
        let mut world = World::new("clock");
        let mut writer = world.writer(Some(2 * HOUR));
        world.append(&mut writer, "0", Duration::ZERO);
        world.now -= 1000 * HOUR;
        world.append(&mut writer, "1", Duration::ZERO);
        assert_eq!(world.texts(), ["0 1 "]);
        let old = "traces-2020-01-01T00-00-00-000Z-1-1.jsonl";
        world.put(old, world.now - 3 * HOUR);
        world.append(&mut writer, "2", HOUR);
        assert_eq!(world.texts(), ["0 1 2 "]);
    }
}
