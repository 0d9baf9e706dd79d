//! Files that grow, are renamed, cut off, removed: owns what of them has been read, and finding out what is to be read.
//! It refuses to know time and threads: both come from whoever asks it to look.

mod growing;
mod tracked;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use foldhash::quality::RandomState;

use self::tracked::{Place, Tracked};
use crate::{
    index::{FileFacts, Identity},
    source::{Chunk, Found, Input},
};

/// Why a file was not read to its end, behind its name.
pub(crate) const FULL: &str = "was not read to its end: --max-memory is used up";

/// What is to be done with the index about a file, beside its lines.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// This is known of it.
    Facts(Box<FileFacts>),
    /// Its spans are to be forgotten: what comes is all that it has.
    Forget,
    /// The lines that come next are one without its end, which begins at this place.
    Cut(u64),
    /// The spans of that line are to be forgotten.
    ForgetCut,
    /// What was left out of it comes now.
    Resume,
}

/// Takes what is found.
pub(crate) trait Sink {
    fn event(&mut self, file: u32, event: Event);
    /// Returns whether the lines were taken.
    fn lines(&mut self, file: u32, chunk: Chunk) -> bool;
    /// Whether no more lines are taken for now.
    fn is_full(&self) -> bool;
}

/// Bytes that were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// To be parsed.
    pub read: Arc<AtomicU64>,
    /// To find out whether a file that has changed still begins and goes on as it did.
    pub checked: Arc<AtomicU64>,
    /// Bytes of the files that were there when the last look began.
    pub total: Arc<AtomicU64>,
}

/// How a look is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub now: SystemTime,
    /// Whether no other look follows: nothing waits for its end any more.
    pub is_last: bool,
}

pub(crate) struct Follower {
    files: Vec<Tracked>,
    /// Several if a number was given again, or if a file has several names.
    by_identity: HashMap<Identity, Vec<usize>, RandomState>,
    /// Files of which nothing is known but the name.
    unknown: Vec<usize>,
    counters: Counters,
    key: RandomState,
}

impl Follower {
    pub fn new(counters: Counters) -> Follower {
        let key = RandomState::default();
        let by_identity = HashMap::with_hasher(key.clone());
        Follower { files: Vec::new(), by_identity, unknown: Vec::new(), counters, key }
    }

    /// Reads what there is and has not been read. `rewinds` are files and the places from which they are to be read again.
    pub fn look(
        &mut self,
        found: &Found,
        look: Look,
        rewinds: &BTreeMap<u32, u64>,
        sink: &mut impl Sink,
    ) {
        for (file, offset) in rewinds {
            if let Some(file) = self.files.get_mut(*file as usize) {
                file.rewind(*offset, sink);
            }
        }
        self.files.iter_mut().for_each(|file| file.is_there = false);
        let places: Vec<Place> = found.inputs.iter().map(Place::of).collect();
        self.counters.total.store(places.iter().map(Place::bytes).sum(), Ordering::Relaxed);
        for place in places {
            let file = self.file_at(&place);
            if let Some(file) = self.files.get_mut(file) {
                file.is_there = true;
                file.look(place, look, sink);
            }
        }
        for (path, error) in &found.failures {
            let file = self.file_named(&Input::File(path.clone()));
            if let Some(file) = self.files.get_mut(file) {
                file.is_there = true;
                file.fail(format!("cannot be read: {}", reason(error)), sink);
            }
        }
        for file in self.files.iter_mut().filter(|file| !file.is_there) {
            file.go(sink);
        }
    }

    /// Bytes that have been read of the files that are there.
    pub fn bytes_read(&self) -> u64 {
        self.files.iter().filter(|file| file.is_there).map(Tracked::bytes_read).sum()
    }

    /// The file in this place, which is added if it is new.
    fn file_at(&mut self, place: &Place) -> usize {
        let Some(identity) = place.identity() else { return self.file_named(&place.input) };
        let known = self.by_identity.get(&identity).map_or(&[][..], Vec::as_slice);
        let free = |file: &&usize| self.files.get(**file).is_some_and(|file| !file.is_there);
        let is_named =
            |file: &&usize| self.files.get(**file).is_some_and(|file| *file.input() == place.input);
        let found = known.iter().filter(free).find(is_named);
        // The newest of several: the others have gone.
        let found = found.or_else(|| known.iter().rev().find(free)).copied();
        let is_it = |file: &usize| self.files.get(*file).is_some_and(|file| file.may_be(place));
        if let Some(file) = found.filter(is_it) {
            return file;
        }
        let file = self.file_named(&place.input);
        self.unknown.retain(|unknown| *unknown != file);
        self.by_identity.entry(identity).or_default().push(file);
        file
    }

    /// The file with this name of which nothing else is known, which is added if it is new.
    fn file_named(&mut self, input: &Input) -> usize {
        let has_name =
            |file: &&usize| self.files.get(**file).is_some_and(|file| file.input() == input);
        if let Some(file) = self.unknown.iter().find(has_name) {
            return *file;
        }
        let file = self.files.len();
        let (counters, key) = (self.counters.clone(), self.key.clone());
        self.files.push(Tracked::new(file as u32, input.clone(), counters, key));
        self.unknown.push(file);
        file
    }
}

/// The words of the system, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
