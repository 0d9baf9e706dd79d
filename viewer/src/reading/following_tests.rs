//! Following files, without threads and with a clock that the tests set.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    sync::{Mutex, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use super::{
    messages::{Shared, Step},
    pipeline::parse_chunk,
    *,
};
use crate::{
    account::Skipped,
    following::{Event, Follower, Look, Sink},
    parse::LineParser,
    source::{Chunk, discover},
    span_flags::Flags,
    test_directory::TestDirectory,
    test_spans::{Random, TestSpan, lines, span},
};

/// An index that follows a directory.
struct Watch {
    directory: TestDirectory,
    index: Index,
    merger: Merger,
    shared: Arc<Shared>,
    follower: Follower,
    key: RandomState,
    next: u64,
    now: SystemTime,
}

/// Parses and merges at once.
struct Direct<'a> {
    index: &'a mut Index,
    merger: &'a mut Merger,
    shared: &'a Shared,
    key: &'a RandomState,
    next: &'a mut u64,
}

impl Direct<'_> {
    fn step(&mut self, step: Step) {
        self.merger.take((*self.next, step));
        *self.next += 1;
        while self.merger.go_on(self.index) {}
    }
}

impl Sink for Direct<'_> {
    fn event(&mut self, file: u32, event: Event) {
        self.step(Step::Event { file, event });
    }

    fn lines(&mut self, file: u32, chunk: Chunk) -> bool {
        if self.is_full() {
            return false;
        }
        self.shared.budget.take(chunk.memory());
        let mut parser = LineParser::default();
        self.step(parse_chunk(&mut parser, file, chunk, self.key, &Mutex::default()));
        true
    }

    fn is_full(&self) -> bool {
        self.shared.is_full.load(Ordering::Relaxed)
    }
}

impl Watch {
    fn new() -> Watch {
        Watch::with_memory(u64::MAX)
    }

    fn with_memory(max_memory: u64) -> Watch {
        let (key, shared) = (RandomState::default(), Arc::new(Shared::default()));
        Watch {
            directory: TestDirectory::new(),
            index: Index::new(&key, max_memory),
            merger: Merger::new(Arc::clone(&shared)),
            follower: Follower::new(shared.counters.clone()),
            shared,
            key,
            next: 0,
            now: SystemTime::now(),
        }
    }

    fn look(&mut self) {
        self.look_after(Duration::from_millis(500));
    }

    fn look_after(&mut self, pause: Duration) {
        self.now += pause;
        let found = discover(&[self.directory.path("")], false);
        let rewinds = self.shared.take_rewinds();
        let Watch { index, merger, shared, key, next, .. } = self;
        let mut sink = Direct { index, merger, shared, key, next };
        let look = Look { now: self.now, is_last: false };
        self.follower.look(&found, look, &rewinds, &mut sink);
        merger.relieve(index);
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(self.directory.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn cut(&self, name: &str, bytes: u64) {
        let file = OpenOptions::new().write(true).open(self.directory.path(name)).unwrap();
        file.set_len(bytes).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.directory.path(from), self.directory.path(to)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.directory.path(name)).unwrap();
    }

    /// The names of all spans, in order.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.index.shown().map(|(_, span)| self.index.name(span).to_owned()).collect();
        names.sort();
        names
    }

    fn read(&self) -> u64 {
        self.count(&self.shared.counters.read)
    }

    fn checked(&self) -> u64 {
        self.count(&self.shared.counters.checked)
    }

    fn count(&self, counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    fn file(&self, name: &str) -> &crate::index::FileState {
        let path = self.directory.path(name);
        let is_it = |file: &&crate::index::FileState| {
            file.input == crate::source::Input::File(path.clone())
        };
        self.index.files.iter().rev().find(is_it).unwrap()
    }
}

fn line(id: u64) -> String {
    lines(&[numbered(id)])
}

fn numbered(id: u64) -> TestSpan {
    TestSpan {
        name: format!("{id:05}"),
        trace: u128::from(id % 7 + 1),
        ..span(id, id / 3, 1000 + id, 2000 + id)
    }
}

fn named(ids: impl IntoIterator<Item = u64>) -> Vec<String> {
    ids.into_iter().map(|id| format!("{id:05}")).collect()
}

#[test]
fn v91_only_what_is_appended_is_read() {
    let mut watch = Watch::new();
    let mut bytes = 0;
    for id in 1..=1000 {
        let line = line(id);
        bytes += line.len() as u64;
        watch.append("a.jsonl", &line);
        watch.look();
        assert_eq!(watch.index.span_count(), id);
    }
    assert_eq!(watch.read(), bytes);
    // The first and the last KiB, before and behind each reading.
    assert!(watch.checked() <= 1000 * 2 * 2048, "{}", watch.checked());
    let before = (watch.next, watch.read(), watch.checked());
    for _ in 0..100 {
        watch.look();
    }
    assert_eq!((watch.next, watch.read(), watch.checked()), before, "nothing is done for nothing");
    assert_eq!(watch.file("a.jsonl").counts.lines, 1000);
}

#[test]
fn v91_a_line_that_comes_in_pieces_is_read_once() {
    let mut watch = Watch::new();
    watch.append("a.jsonl", line(1));
    watch.look();
    let text = line(2) + &line(3);
    for piece in text.as_bytes().chunks(50) {
        watch.append("a.jsonl", piece);
        watch.look();
    }
    assert_eq!(watch.names(), named(1..=3));
    assert_eq!(watch.read(), (line(1) + &text).len() as u64);
}

#[test]
fn v91_a_frame_that_comes_in_pieces_waits_for_its_end() {
    let mut watch = Watch::new();
    let frame = |id| {
        let body = zstd::stream::encode_all(line(id).as_bytes(), 1).unwrap();
        [&(body.len() as u32).to_be_bytes()[..], &body].concat()
    };
    watch.append("a.json", frame(1));
    watch.look();
    for id in 2..=20 {
        let (one, two) = (frame(id), frame(id + 100));
        watch.append("a.json", &one[..one.len() / 2]);
        watch.look();
        watch.append("a.json", &one[one.len() / 2..]);
        watch.append("a.json", &two);
        watch.look();
    }
    assert_eq!(watch.names(), named((1..=20).chain(102..=120)));
    assert_eq!(watch.file("a.json").counts.skipped_lines(), 0);
}

#[test]
fn v92_rotation_by_renaming_reads_nothing_twice_and_loses_nothing() {
    let mut watch = Watch::new();
    let mut bytes = 0;
    for id in 1..=300 {
        let line = line(id);
        bytes += line.len() as u64;
        watch.append("traces.json", &line);
        if id % 4 == 0 {
            watch.look();
        }
        if id % 10 == 0 {
            watch.rename("traces.json", &format!("traces-{id}.json"));
        }
        if id % 15 == 0 {
            watch.look();
        }
    }
    watch.look();
    assert_eq!(watch.names(), named(1..=300));
    assert_eq!(watch.read(), bytes);
    assert_eq!(watch.index.files.len(), 30);
    assert!(watch.index.files.iter().all(|file| !file.is_gone && file.duplicates == 0));
    assert_eq!(watch.file("traces-10.json").shown, 10);
}

#[test]
fn v92_a_number_that_is_given_again_is_another_file() {
    let mut watch = Watch::new();
    let path = watch.directory.path("probe");
    let has_time = File::create(path).unwrap().metadata().unwrap().created().is_ok();
    for id in 1..=1000 {
        watch.append("a.jsonl", line(id));
        watch.look();
        assert!(watch.names().contains(&format!("{id:05}")));
        watch.remove("a.jsonl");
    }
    watch.look();
    if has_time {
        assert_eq!(watch.names(), named(1..=1000));
    }
    // The same where the system does not say when a file was made: with another name it is another file.
    let mut watch = Watch::new();
    for id in 1..=100 {
        watch.append(&format!("{id}.jsonl"), line(id));
        watch.look();
        watch.remove(&format!("{id}.jsonl"));
    }
    assert_eq!(watch.names(), named(1..=100));
}

#[test]
fn v93_a_file_that_is_shorter_or_another_one_is_read_anew() {
    let mut watch = Watch::new();
    watch.append("a.jsonl", line(1) + &line(2) + &line(3));
    watch.append("b.jsonl", line(9));
    watch.look();
    // Shorter.
    watch.cut("a.jsonl", line(1).len() as u64);
    watch.look();
    assert_eq!(watch.names(), named([1, 9]));
    // Emptied and written again, as copying and truncating does it, to the same length and to a greater one.
    for ids in [vec![4], vec![5, 6, 7, 8]] {
        watch.cut("a.jsonl", 0);
        watch.append("a.jsonl", ids.iter().map(|id| line(*id)).collect::<String>());
        watch.look();
        assert_eq!(watch.names(), named(ids.into_iter().chain([9])));
    }
    let counts = &watch.file("a.jsonl").counts;
    assert_eq!((counts.lines, counts.seen, watch.file("a.jsonl").shown), (4, 4, 4));
    // Another end, and nothing else.
    let text = fs::read_to_string(watch.directory.path("a.jsonl")).unwrap();
    watch.cut("a.jsonl", 0);
    watch.append("a.jsonl", text.replace("00008", "00018"));
    watch.look();
    assert_eq!(watch.names(), named([5, 6, 7, 9, 18]));
}

#[test]
fn v93_taking_a_line_without_its_end_back_drops_nothing() {
    let mut watch = Watch::new();
    watch.append("a.jsonl", line(1) + &line(2));
    watch.look();
    let whole = (line(1) + &line(2)).len() as u64;
    let rows: Vec<u32> = watch.index.shown().map(|(row, _)| row).collect();
    for (kept, shown_before) in [(100, false), (250, true), (300, false)] {
        watch.append("a.jsonl", &line(50).as_bytes()[..kept]);
        watch.look();
        if shown_before {
            watch.look_after(Duration::from_secs(11));
            assert_eq!(watch.file("a.jsonl").counts.skipped(Skipped::Cut), 1);
        }
        watch.cut("a.jsonl", whole);
        watch.look();
        assert_eq!(watch.index.shown().map(|(row, _)| row).collect::<Vec<_>>(), rows);
        assert_eq!(watch.file("a.jsonl").counts.skipped(Skipped::Cut), 0);
    }
    // Taken back, and another one in its place, between two looks.
    watch.append("a.jsonl", &line(50).as_bytes()[..200]);
    watch.look();
    watch.cut("a.jsonl", whole);
    watch.append("a.jsonl", line(60));
    watch.look();
    assert_eq!(watch.names(), named([1, 2, 60]));
    assert_eq!(watch.index.shown().map(|(row, _)| row).take(2).collect::<Vec<_>>(), rows);
}

#[test]
fn v17_a_line_without_its_end_waits_and_is_read_again_if_it_grows() {
    let text = line(1);
    let two = format!("{}\n", lines(&[numbered(2)]).trim_end());
    for cut in (1..two.len()).step_by(41) {
        let mut watch = Watch::new();
        watch.append("a.jsonl", &text);
        watch.look();
        watch.append("a.jsonl", &two.as_bytes()[..cut]);
        watch.look();
        watch.look_after(Duration::from_secs(9));
        let counts = watch.file("a.jsonl").counts.clone();
        assert_eq!((counts.lines, counts.skipped_lines()), (1, 0), "it waits");
        watch.look_after(Duration::from_secs(2));
        let counts = watch.file("a.jsonl").counts.clone();
        let is_whole = cut >= two.len() - 1;
        assert_eq!(counts.lines, 2);
        assert_eq!(counts.skipped(Skipped::Cut), u64::from(!is_whole), "{cut}");
        watch.append("a.jsonl", &two.as_bytes()[cut..]);
        watch.append("a.jsonl", line(3));
        watch.look();
        let counts = watch.file("a.jsonl").counts.clone();
        assert_eq!((counts.lines, counts.parsed), (3, 3));
        assert_eq!(watch.names(), named(1..=3));
        assert_eq!(watch.read(), (text.clone() + &two + &line(3)).len() as u64);
    }
}

#[test]
fn v94_a_file_that_was_removed_keeps_its_spans() {
    let mut watch = Watch::new();
    watch.append("a.jsonl", line(1));
    watch.append("b.jsonl", line(2));
    watch.look();
    watch.remove("a.jsonl");
    watch.look();
    assert!(watch.index.files[0].is_gone && !watch.index.files[1].is_gone);
    assert_eq!(watch.names(), named([1, 2]));
    // It comes back, as after a mistake of somebody.
    fs::write(watch.directory.path("c.txt"), line(2)).unwrap();
    watch.rename("b.jsonl", "b.txt");
    watch.look();
    assert!(watch.index.files[1].is_gone);
    watch.append("b.txt", line(3));
    watch.rename("b.txt", "b.jsonl");
    watch.look();
    assert_eq!(watch.names(), named([1, 2, 3]));
    assert_eq!((watch.index.files.len(), watch.index.files[1].is_gone), (2, false));
}

/// A trace of its own, with a value of its own.
fn alone(id: u64) -> String {
    let user = format!("{{\"stringValue\":\"user {id} {}\"}}", "x".repeat(100));
    lines(&[TestSpan {
        trace: u128::from(id + 1000),
        attributes: crate::test_spans::attribute("user", &user),
        ..numbered(id)
    }])
}

#[test]
fn v94_memory_of_removed_files_comes_back_when_it_is_needed() {
    let text = |ids: std::ops::RangeInclusive<u64>| ids.map(alone).collect::<String>();
    let mut all = Watch::new();
    all.append("a.jsonl", text(1..=2000));
    all.look();
    let limit = all.index.memory() * 3 / 2;

    let mut watch = Watch::with_memory(limit);
    // Spans of trace 7 are in both files, and 100 in a copy of the first one.
    watch.append("a.jsonl", text(1..=2000) + &line(7));
    watch.append("b.jsonl", line(14));
    watch.look();
    let before = watch.index.memory();
    watch.remove("a.jsonl");
    watch.look();
    assert_eq!(
        (watch.index.span_count(), watch.index.memory()),
        (2002, before),
        "nothing presses yet"
    );
    watch.append("b.jsonl", text(3001..=4500));
    for _ in 0..5 {
        watch.look();
    }
    assert!(watch.index.memory() < limit && !watch.index.is_full);
    let expected = named([7, 14].into_iter().chain(3001..=4500));
    assert_eq!(watch.names(), expected);
    let gone = &watch.index.files[0];
    assert_eq!((gone.is_gone, gone.shown, gone.released), (true, 1, 2000));
    assert_eq!(watch.file("b.jsonl").failure, None);
    assert_eq!(watch.file("b.jsonl").shown, 1501);
    // What is left is what it was.
    for (row, span) in watch.index.shown().filter(|(_, span)| span.id > 3000) {
        let user = watch.index.attribute(row, "user").unwrap().to_string();
        assert!(user.starts_with(&format!("user {} x", span.id)), "{user}");
        assert_eq!(watch.index.service(span.resource), "shop");
        assert_eq!(watch.index.scope(span), "http");
        assert_eq!(watch.index.row_of(u128::from(span.id + 1000), span.id), Some(row));
    }
    // Spans that come again are known, also those whose ids are there twice.
    let mut twice = numbered(14);
    twice.name.push('x');
    for _ in 0..2 {
        watch.append("c.jsonl", line(14) + &lines(&[twice.clone()]));
    }
    watch.look();
    assert_eq!((watch.file("c.jsonl").shown, watch.file("c.jsonl").duplicates), (1, 3));
}

#[test]
fn v94_reading_goes_on_where_it_stopped_when_there_is_room_again() {
    let text = |ids: std::ops::RangeInclusive<u64>| ids.map(alone).collect::<String>();
    let mut all = Watch::new();
    all.append("a.jsonl", text(1..=2000));
    all.look();
    let mut watch = Watch::with_memory(all.index.memory() * 5 / 4);
    watch.append("a.jsonl", text(1..=2000));
    watch.look();
    // Values are left out by now, so that more spans fit than before.
    let mut next = 3001;
    while !watch.index.is_full {
        watch.append("b.jsonl", text(next..=next + 99));
        next += 100;
        watch.look();
    }
    watch.append("b.jsonl", text(next..=next + 99));
    watch.append("c.jsonl.gz", {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text(9001..=9010).as_bytes()).unwrap();
        encoder.finish().unwrap()
    });
    for _ in 0..30 {
        watch.look();
    }
    let failure = Some("was not read to its end: --max-memory is used up");
    assert_eq!(watch.file("b.jsonl").failure.as_deref(), failure);
    assert_eq!(watch.file("c.jsonl.gz").failure.as_deref(), failure);
    assert!(!watch.names().contains(&format!("{:05}", next + 99)));
    watch.remove("a.jsonl");
    for _ in 0..3 {
        watch.look_after(Duration::from_secs(11));
    }
    assert_eq!(watch.names(), named((3001..=next + 99).chain(9001..=9010)));
    let file = watch.file("b.jsonl");
    assert_eq!(
        (file.failure.as_deref(), file.counts.lines, file.duplicates),
        (None, next + 99 - 3000, 0)
    );
    assert_eq!(watch.file("c.jsonl.gz").failure, None);
}

#[test]
fn v91_a_compressed_file_is_read_anew_when_it_has_been_quiet() {
    let mut watch = Watch::new();
    let packed = |ids: std::ops::RangeInclusive<u64>| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(ids.map(line).collect::<String>().as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    watch.append("a.jsonl.gz", packed(1..=20));
    watch.look();
    assert_eq!(watch.names(), named(1..=20));
    let before = watch.read();
    watch.append("a.jsonl.gz", packed(21..=30));
    watch.look();
    watch.look();
    assert_eq!(watch.read(), before, "not more often than every ten seconds");
    watch.look_after(Duration::from_secs(10));
    assert_eq!(watch.names(), named(1..=30));
    assert_eq!(watch.file("a.jsonl.gz").duplicates, 0);
    watch.look_after(Duration::from_secs(20));
    assert_eq!(
        watch.read(),
        before + fs::metadata(watch.directory.path("a.jsonl.gz")).unwrap().len()
    );
}

#[test]
fn v91_a_compressed_file_that_is_never_quiet_is_read_anew_all_the_same() {
    let mut watch = Watch::new();
    let packed = |id: u64| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(line(id).as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for id in 1..=30 {
        watch.append("a.jsonl.gz", packed(id));
        watch.look_after(Duration::from_secs(1));
        assert_eq!(watch.names(), named(1..=1), "at {id}");
    }
    watch.append("a.jsonl.gz", packed(31));
    watch.look_after(Duration::from_secs(1));
    assert_eq!(watch.names(), named(1..=31));
    assert_eq!(watch.file("a.jsonl.gz").duplicates, 0);
}

#[test]
fn v25_a_file_that_cannot_be_read_is_tried_again() {
    let mut watch = Watch::new();
    fs::create_dir(watch.directory.path("later")).unwrap();
    watch.append("a.jsonl", b"\xff\xfe{\0");
    watch.look();
    assert!(watch.index.files[0].failure.as_deref().unwrap().contains("UTF-16"));
    let before = watch.checked() + watch.next;
    watch.look();
    assert_eq!(watch.checked() + watch.next, before);
    watch.cut("a.jsonl", 0);
    watch.append("a.jsonl", line(1));
    watch.look();
    assert_eq!(watch.index.files[0].failure, None);
    assert_eq!(watch.names(), named([1]));
}

/// All that can be asked about the spans, without numbers of rows and files.
fn content(index: &Index) -> Vec<String> {
    let text = |(_, span): (u32, &crate::index::Span)| {
        let trace = &index.traces[span.trace as usize];
        format!(
            "{:x} {:x} {} {} {} {} {} {} {}",
            trace.id,
            span.id,
            index.name(span),
            span.start,
            span.flags.has(Flags::ID_TWICE),
            index.parent_row(span).is_some(),
            trace.spans,
            trace.start,
            trace.end
        )
    };
    let mut all: Vec<String> = index.shown().map(text).collect();
    all.sort();
    all
}

/// A file as the test knows it.
#[derive(Default)]
struct Model {
    /// By name. What has gone is under a name that no file has.
    files: BTreeMap<String, Vec<u8>>,
}

impl Model {
    fn read(&self) -> Index {
        let directory = TestDirectory::new();
        for (name, bytes) in &self.files {
            directory.write(&format!("{name}.jsonl"), bytes);
        }
        let path = directory.path("");
        let find = move || discover(std::slice::from_ref(&path), false);
        read(find, &Options { parsers: 1, max_memory: u64::MAX }, &mut |_| ())
    }
}

#[test]
fn v91_v92_v93_whatever_happens_to_the_files_the_index_is_that_of_what_they_have() {
    let mut undone = 0;
    for seed in 1..=60 {
        let mut random = Random(seed * 7_919);
        let mut watch = Watch::new();
        let mut model = Model::default();
        let mut next = 1;
        for step in 0..60 {
            let names: Vec<String> =
                model.files.keys().filter(|name| !name.starts_with("gone")).cloned().collect();
            let known =
                (!names.is_empty()).then(|| &names[random.below(names.len() as u64) as usize]);
            let file = |name: &str| format!("{name}.jsonl");
            match (random.below(12), known) {
                (0..=3, Some(name)) | (4, Some(name)) => {
                    // Sometimes what another file has, too, or another span with its ids.
                    let mut text = match random.below(6) {
                        0 if next > 2 => line(random.below(next - 1) + 1),
                        1 if next > 2 => {
                            let mut other = numbered(random.below(next - 1) + 1);
                            other.name.push('x');
                            lines(&[other])
                        }
                        _ => {
                            next += 1;
                            line(next - 1)
                        }
                    };
                    if random.below(4) == 0 {
                        text.truncate(random.below(text.len() as u64) as usize);
                    }
                    watch.append(&file(name), &text);
                    model.files.get_mut(name).unwrap().extend(text.bytes());
                }
                (5, Some(name)) => {
                    // The undo of an unfinished line.
                    let bytes = model.files.get_mut(name).unwrap();
                    let end = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
                    undone += usize::from(end < bytes.len());
                    bytes.truncate(end);
                    watch.cut(&file(name), end as u64);
                }
                (6, Some(name)) => {
                    let bytes = model.files.get_mut(name).unwrap();
                    let end = random.below(bytes.len() as u64 + 1);
                    bytes.truncate(end as usize);
                    watch.cut(&file(name), end);
                }
                (7, Some(name)) => {
                    let text = line(next) + &line(next + 1);
                    next += 2;
                    watch.cut(&file(name), 0);
                    watch.append(&file(name), &text);
                    model.files.insert(name.clone(), text.into_bytes());
                }
                (8, Some(name)) => {
                    let to = format!("renamed-{seed}-{step}");
                    watch.rename(&file(name), &file(&to));
                    let bytes = model.files.remove(name).unwrap();
                    model.files.insert(to, bytes);
                }
                (9, Some(name)) if random.below(3) == 0 => {
                    watch.look_after(Duration::from_secs(11));
                    watch.look();
                    watch.remove(&file(name));
                    watch.look();
                    let bytes = model.files.remove(name).unwrap();
                    model.files.insert(format!("gone-{step}"), bytes);
                }
                _ => {
                    let name = format!("new-{step}");
                    let text = line(next);
                    next += 1;
                    watch.append(&file(&name), &text);
                    model.files.insert(name, text.into_bytes());
                }
            }
            match random.below(4) {
                0 => watch.look_after(Duration::from_secs(11)),
                1 | 2 => watch.look(),
                _ => {}
            }
        }
        for _ in 0..3 {
            watch.look_after(Duration::from_secs(11));
        }
        let naive = model.read();
        assert_eq!(content(&watch.index), content(&naive), "seed {seed}");
        for (name, _) in model.files.iter().filter(|(name, _)| !name.starts_with("gone")) {
            let file = watch.file(&format!("{name}.jsonl"));
            let is_it = |other: &&crate::index::FileState| {
                other.input.name().ends_with(&format!("/{name}.jsonl"))
            };
            let expected = naive.files.iter().find(is_it).unwrap();
            assert_eq!(file.counts, expected.counts, "seed {seed}, {name}");
            assert_eq!(file.counts.seen, file.shown + file.duplicates + file.counts.bad);
        }
    }
    assert!(undone > 20, "{undone}");
}
