//! One file: owns what is known of it, and what a change of its size or its time means.

use std::{
    fs::{self, File, Metadata},
    io::{self, Cursor, Read, Seek, SeekFrom},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use foldhash::quality::RandomState;

use super::{
    Counters, Event, FULL, Look, Sink,
    growing::{Change, Growing},
    reason,
};
use crate::{
    index::{FileFacts, Identity},
    source::{HEAD, Input, Shape, open, read_up_to, shape},
};

/// How long a last line without its end has to be silent until it is shown as far as it goes.
const SILENCE: Duration = Duration::from_secs(10);
/// A file that can only be read anew as a whole is not read more often than this.
const BETWEEN_READINGS: Duration = Duration::from_secs(10);
/// Nor before it has been quiet for one look, unless that takes as long as this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A name, and what is there.
pub(super) struct Place {
    pub input: Input,
    metadata: Option<io::Result<Metadata>>,
}

impl Place {
    pub fn of(input: &Input) -> Place {
        let metadata = match input {
            Input::File(path) => Some(fs::metadata(path)),
            Input::StandardInput => None,
        };
        Place { input: input.clone(), metadata }
    }

    pub fn identity(&self) -> Option<Identity> {
        Some(Identity::of(self.metadata()?))
    }

    pub fn bytes(&self) -> u64 {
        self.metadata().map_or(0, Metadata::len)
    }

    fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()?.as_ref().ok()
    }
}

/// What changes whenever somebody writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// How far reading has come.
struct Done {
    /// Whether there is nothing to read until the file changes.
    is_all: bool,
    failure: Option<String>,
}

impl Done {
    const ALL: Done = Done { is_all: true, failure: None };
    const PART: Done = Done { is_all: false, failure: None };

    /// It is no use to try again until it changes.
    fn failed(words: String) -> Done {
        Done { is_all: true, failure: Some(words) }
    }
}

enum Content {
    /// Nothing has been read yet.
    Unread,
    /// What is appended to it is read.
    Growing(Box<Growing>),
    /// It is read anew as a whole.
    Whole { read_at: SystemTime },
}

pub(super) struct Tracked {
    number: u32,
    facts: FileFacts,
    told: Option<FileFacts>,
    pub is_there: bool,
    content: Content,
    /// What it was when all of it had been read.
    stamp: Option<Stamp>,
    /// What it was at the last look, and since when.
    seen: Option<(Stamp, SystemTime)>,
    counters: Counters,
    key: RandomState,
}

impl Tracked {
    pub fn new(number: u32, input: Input, counters: Counters, key: RandomState) -> Tracked {
        Tracked {
            number,
            facts: FileFacts::new(input),
            told: None,
            is_there: false,
            content: Content::Unread,
            stamp: None,
            seen: None,
            counters,
            key,
        }
    }

    pub fn input(&self) -> &Input {
        &self.facts.input
    }

    pub fn bytes_read(&self) -> u64 {
        match &self.content {
            Content::Unread => 0,
            Content::Growing(growing) => growing.position(),
            Content::Whole { .. } => self.facts.bytes,
        }
    }

    /// Whether this may be the file in `place`, which has its number. Where numbers are given again, one with another name
    /// has to begin as it did; one with the same name may have been written anew.
    pub fn may_be(&self, place: &Place) -> bool {
        let is_unique = self.facts.identity.is_some_and(|identity| identity.is_unique());
        if is_unique || !self.facts.is_gone && *self.input() == place.input {
            return true;
        }
        let Input::File(path) = &place.input else { return true };
        match &self.content {
            Content::Growing(growing) => File::open(path).is_ok_and(|mut file| {
                growing.is_as_it_was(&mut file, &self.key, &self.counters.checked)
            }),
            Content::Whole { .. } => Some(place.bytes()) == self.stamp.map(|stamp| stamp.bytes),
            Content::Unread => true,
        }
    }

    /// It cannot be read, and why.
    pub fn fail(&mut self, failure: String, sink: &mut impl Sink) {
        self.facts.failure = Some(failure);
        self.tell(sink);
    }

    /// It is not there any more. What was read of it stays.
    pub fn go(&mut self, sink: &mut impl Sink) {
        if !self.facts.is_gone {
            self.facts.is_gone = true;
            self.facts.failure = None;
            self.show_cut(sink);
            self.tell(sink);
        }
    }

    /// Reads from `offset` on once more.
    pub fn rewind(&mut self, offset: u64, sink: &mut impl Sink) {
        self.stamp = None;
        match &mut self.content {
            Content::Growing(growing) if offset > 0 => {
                growing.go_back_to(offset);
                sink.event(self.number, Event::Resume);
            }
            _ => self.begin_anew(sink),
        }
    }

    /// Reads what there is and has not been read.
    pub fn look(&mut self, place: Place, look: Look, sink: &mut impl Sink) {
        self.facts.is_gone = false;
        self.facts.input = place.input;
        let metadata = match &place.metadata {
            Some(Ok(metadata)) => Some(metadata),
            Some(Err(error)) => {
                return self.fail(format!("cannot be read: {}", reason(error)), sink);
            }
            None => None,
        };
        self.facts.identity = metadata.map(Identity::of);
        self.facts.bytes = metadata.map_or(self.facts.bytes, Metadata::len);
        let stamp = Stamp {
            bytes: self.facts.bytes,
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
        };
        let since = match self.seen {
            Some((seen, since)) if seen == stamp => since,
            Some(_) => look.now,
            None => stamp.modified.map_or(look.now, |modified| modified.min(look.now)),
        };
        self.seen = Some((stamp, since));
        let silence = look.now.duration_since(since).unwrap_or_default();
        if self.stamp != Some(stamp) {
            let is_regular = metadata.is_some_and(Metadata::is_file);
            let read = self.read(is_regular, silence, look, sink).unwrap_or_else(|error| Done {
                is_all: false,
                failure: Some(format!("cannot be read: {}", reason(&error))),
            });
            self.stamp = read.is_all.then_some(stamp);
            self.facts.failure = read.failure;
        }
        if look.is_last || silence >= SILENCE {
            self.show_cut(sink);
        }
        self.tell(sink);
    }

    fn read(
        &mut self,
        is_regular: bool,
        silence: Duration,
        look: Look,
        sink: &mut impl Sink,
    ) -> io::Result<Done> {
        let is_unread = matches!(self.content, Content::Unread);
        if !is_regular {
            // Of what is no file there is nothing to read twice.
            return if is_unread { self.whole(look, sink) } else { Ok(Done::ALL) };
        }
        if let Content::Whole { read_at } = &self.content {
            let pause = look.now.duration_since(*read_at).unwrap_or_default();
            if pause < BETWEEN_READINGS || silence.is_zero() && pause < LONGEST_WAIT {
                return Ok(Done::PART);
            }
            self.begin_anew(sink);
        }
        let Some(mut file) = self.open()? else { return Ok(Done::PART) };
        match self.change(&mut file, sink)? {
            Some(Change::Nothing) => return Ok(Done::ALL),
            Some(_) => {
                let Content::Growing(growing) = &self.content else { return Ok(Done::PART) };
                file.seek(SeekFrom::Start(growing.position()))?;
                return self.append(file, sink);
            }
            None => {}
        }
        let mut head = Vec::new();
        file.rewind()?;
        read_up_to(&mut file, HEAD, &mut head)?;
        if head.is_empty() {
            return Ok(Done::ALL);
        }
        let growing = match shape(&head) {
            Shape::Refused(refused) => return Ok(Done::failed(refused.words().into())),
            Shape::Whole => return self.whole(look, sink),
            Shape::Lines => Growing::lines(),
            // The last frame would wait for its end.
            Shape::Frames if look.is_last => return self.whole(look, sink),
            Shape::Frames => Growing::frames(),
        };
        self.facts.is_plain = growing.is_plain();
        self.content = Content::Growing(Box::new(growing));
        self.tell(sink);
        self.append(Cursor::new(head).chain(file), sink)
    }

    /// The file, unless another one has taken its name: the next look will find out what has happened.
    fn open(&self) -> io::Result<Option<File>> {
        let Input::File(path) = &self.facts.input else { return Ok(None) };
        let file = File::open(path)?;
        let identity = Identity::of(&file.metadata()?);
        Ok(Some(file).filter(|_| Some(identity) == self.facts.identity))
    }

    /// What has happened to a growing file. Nothing if it is to be read from its beginning on.
    fn change(&mut self, file: &mut File, sink: &mut impl Sink) -> io::Result<Option<Change>> {
        let Content::Growing(growing) = &mut self.content else { return Ok(None) };
        let change = growing.change(file, &self.key, &self.counters.checked)?;
        if change != Change::Nothing && growing.hide_cut() {
            sink.event(self.number, Event::ForgetCut);
        }
        match change {
            Change::Another => {
                self.begin_anew(sink);
                return Ok(None);
            }
            // Only now can it be told what the file is.
            Change::Appended | Change::Undone
                if growing.start() == 0 && growing.position() < HEAD as u64 =>
            {
                self.content = Content::Unread;
                return Ok(None);
            }
            Change::Undone => growing.go_back_to(growing.start()),
            Change::Appended | Change::Nothing => {}
        }
        Ok(Some(change))
    }

    /// Reads on from where `reader` is. Between two pieces the file is closed.
    fn append(&mut self, reader: impl Read, sink: &mut impl Sink) -> io::Result<Done> {
        let mut reader: Box<dyn Read + '_> = Box::new(reader);
        loop {
            let Content::Growing(growing) = &mut self.content else { return Ok(Done::PART) };
            let is_full = sink.is_full();
            let start = growing.start();
            let chunk = match is_full {
                false => growing.next(Counted { reader, count: &self.counters.read })?,
                true => None,
            };
            let has_more = chunk.is_some();
            let is_full = chunk.map_or(is_full, |chunk| !sink.lines(self.number, chunk));
            if is_full {
                growing.go_back_to(start);
            }
            let Some(mut file) = self.open()? else { return Ok(Done::PART) };
            let Content::Growing(growing) = &mut self.content else { return Ok(Done::PART) };
            let position = growing.position();
            if is_full || !has_more || file.metadata()?.len() <= position {
                growing.remember(&mut file, &self.key, &self.counters.checked)?;
                let failure = is_full.then(|| FULL.into());
                return Ok(Done { is_all: !is_full, failure });
            }
            file.seek(SeekFrom::Start(position))?;
            reader = Box::new(file);
        }
    }

    /// Reads all of it.
    fn whole(&mut self, look: Look, sink: &mut impl Sink) -> io::Result<Done> {
        if sink.is_full() {
            return Ok(Done { is_all: false, failure: Some(FULL.into()) });
        }
        let before = self.counters.read.load(Ordering::Relaxed);
        let mut opened = match open(&self.facts.input, &self.counters.read)? {
            Err(refused) => return Ok(Done::failed(refused.words().into())),
            Ok(opened) => opened,
        };
        self.content = Content::Whole { read_at: look.now };
        self.facts.is_plain = opened.is_plain;
        self.tell(sink);
        while let Some(chunk) = opened.next() {
            if !sink.lines(self.number, chunk) {
                return Ok(Done { is_all: false, failure: Some(FULL.into()) });
            }
        }
        if self.facts.identity.is_none() {
            self.facts.bytes = self.counters.read.load(Ordering::Relaxed) - before;
        }
        let failure = opened.failure();
        let words = |error| format!("was not read to its end: {}", reason(&error));
        Ok(failure.map_or(Done::ALL, |error| Done::failed(words(error))))
    }

    fn begin_anew(&mut self, sink: &mut impl Sink) {
        if !matches!(self.content, Content::Unread) {
            self.content = Content::Unread;
            sink.event(self.number, Event::Forget);
        }
        self.stamp = None;
    }

    fn show_cut(&mut self, sink: &mut impl Sink) {
        if let Content::Growing(growing) = &mut self.content
            && let Some(chunk) = growing.show_cut()
        {
            sink.event(self.number, Event::Cut(growing.start()));
            if !sink.lines(self.number, chunk) {
                growing.hide_cut();
            }
        }
    }

    /// Tells what is known, if that is something else than before.
    fn tell(&mut self, sink: &mut impl Sink) {
        if self.told.as_ref() != Some(&self.facts) {
            self.told = Some(self.facts.clone());
            sink.event(self.number, Event::Facts(Box::new(self.facts.clone())));
        }
    }
}

/// Counts what goes through.
pub(super) struct Counted<'a, R> {
    pub reader: R,
    pub count: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        self.count.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}
