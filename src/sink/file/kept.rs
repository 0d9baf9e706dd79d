//! The files that this process has written, of all its sinks: what `max_files` counts.
//! It refuses to touch the file of another sink that may still write to it.

use std::{
    collections::{HashSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
};

use crate::lock::lock;

/// Files of sinks that ended are remembered up to this number, in all directories together: what is forgotten stays on disk.
const MOST_REMEMBERED: usize = 4096;

static FILES: Mutex<VecDeque<Kept>> = Mutex::new(VecDeque::new());

/// A sink; when it is dropped, its files may be removed by those that come after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner(Arc<()>);

impl Owner {
    /// For the thread that writes, which may end later than the sink.
    pub fn handle(&self) -> Handle {
        Handle(Arc::downgrade(&self.0))
    }
}

/// An owner, not held.
#[derive(Clone, Debug)]
pub(super) struct Handle(Weak<()>);

/// A file of this process, the oldest first.
struct Kept {
    path: PathBuf,
    owner: Handle,
}

impl Handle {
    /// A file has been begun in `directory`. The oldest ones there go that this sink has written, or one that has ended,
    /// until there are `most`.
    pub fn began(&self, path: &Path, directory: &Path, most: usize) {
        for oldest in self.note(path, directory, most.max(1)) {
            // Already gone is as good; anything else costs disk, never spans.
            let _ = fs::remove_file(oldest);
        }
    }

    /// Files that other sinks of this process may still write to.
    pub fn in_use_by_others(&self) -> HashSet<PathBuf> {
        let files = lock(&FILES);
        let others = files.iter().filter(|kept| !kept.is_ended() && !self.is_owner_of(kept));
        others.map(|kept| kept.path.clone()).collect()
    }

    /// What is too many, forgotten.
    fn note(&self, path: &Path, directory: &Path, most: usize) -> Vec<PathBuf> {
        let mut files = lock(&FILES);
        files.push_back(Kept { path: path.to_owned(), owner: self.clone() });
        let mut too_many =
            count(&files, |kept| self.may_remove(kept, directory)).saturating_sub(most);
        let mut removed = Vec::new();
        files.retain(|kept| {
            let stays = too_many == 0 || !self.may_remove(kept, directory);
            if !stays {
                too_many -= 1;
                removed.push(kept.path.clone());
            }
            stays
        });
        let mut forgotten = count(&files, Kept::is_ended).saturating_sub(MOST_REMEMBERED);
        files.retain(|kept| {
            let stays = forgotten == 0 || !kept.is_ended();
            forgotten -= usize::from(!stays);
            stays
        });
        removed
    }

    fn may_remove(&self, kept: &Kept, directory: &Path) -> bool {
        (self.is_owner_of(kept) || kept.is_ended()) && kept.path.parent() == Some(directory)
    }

    fn is_owner_of(&self, kept: &Kept) -> bool {
        Weak::ptr_eq(&self.0, &kept.owner.0)
    }
}

impl Kept {
    fn is_ended(&self) -> bool {
        self.owner.0.strong_count() == 0
    }
}

fn count(files: &VecDeque<Kept>, is_counted: impl Fn(&Kept) -> bool) -> usize {
    files.iter().filter(|kept| is_counted(kept)).count()
}
