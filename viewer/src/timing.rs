//! How much CPU time questions take, for `npm run bench -- viewer`. It is in no program that is delivered.

use std::{fs, path::PathBuf, sync::atomic::AtomicBool, time::Instant};

use crate::{
    index::Index,
    query::{By, latency, parse, search},
    questions::{Asked, Cache, Parameters, Reading, answer},
    reading::{Options, read},
    source::discover,
    tree::{Forest, Visited, critical_path, order},
};

/// How long a question is asked again and again, in milliseconds of CPU time, and how often at most.
const LEAST_MILLIS: f64 = 200.0;
const MOST_ROUNDS: u32 = 500;

/// What was measured, and its mean milliseconds of CPU time.
pub type Timed = (&'static str, f64);

/// Reads files, asks what the page asks about them, each question many times.
pub fn time_questions(paths: &[PathBuf]) -> Vec<Timed> {
    let paths = paths.to_vec();
    let find = move || discover(&paths, false);
    let index = read(find, &Options::new(u64::MAX), &mut |_| {});
    let largest = (0..).zip(&index.traces).max_by_key(|(_, trace)| trace.spans);
    let trace = largest.map_or(0, |(number, _)| number);
    let never = AtomicBool::new(false);
    let mut timed = Vec::new();
    let mut time = |name, run: &mut dyn FnMut() -> usize| {
        // The clock of a thread goes by the ticks of the scheduler.
        let before = Clock::now();
        let mut rounds = 0;
        while rounds < MOST_ROUNDS && before.millis() < LEAST_MILLIS {
            std::hint::black_box(run());
            rounds += 1;
        }
        timed.push((name, before.millis() / f64::from(rounds)));
    };

    let rows = || index.rows_of(trace).collect::<Vec<u32>>();
    time("tree", &mut || order(&index, &Forest::new(&index, rows())).len());
    let forest = Forest::new(&index, rows());
    let root = crate::query::root(&index, trace).0;
    let root = forest.rows.binary_search(&root).unwrap_or(0) as u32;
    time("critical path", &mut || {
        critical_path(&index, &forest, root, &mut Visited::new(&forest)).len()
    });
    let own = crate::tree::self_times(&index, &Forest::of_all(&index));
    time("percentiles of all operations", &mut || {
        latency(&index, &By::Operation, &mut index.rows(), &own).len()
    });
    for (name, text) in [
        ("filter: duration and status", "duration>100ms status=error"),
        ("filter: one attribute", "http.route=/cart"),
        ("filter: text in values", "declined"),
        ("filter: trace", "trace=4bf92f3577b34da6a3ce929d0e0e4736"),
    ] {
        let filter = parse(text).unwrap_or_default();
        time(name, &mut || search(&index, &filter, &never).rows.len());
    }

    let key = format!("key:{trace}");
    let mut cache = Cache::default();
    let _ = ask(&index, &mut cache, "skeleton", &[("trace", &key)]);
    time("skeleton, all pieces", &mut || {
        let mut from = 0;
        loop {
            let with = [("trace", key.as_str()), ("from", &from.to_string())];
            let body = ask(&index, &mut cache, "skeleton", &with);
            match body.get(8..12).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes) {
                None | Some(0) => return from as usize,
                Some(rows) => from += rows,
            }
        }
    });
    // A new cache each time: the first question after something has changed.
    for question in ["traces", "latency", "histogram", "timeline", "facets", "blocks"] {
        let filter = [("filter", "status=error,unset,ok")];
        time(question, &mut || ask(&index, &mut Cache::default(), question, &filter).len());
    }
    for question in ["skeleton", "critical-path", "bands"] {
        let name = match question {
            "skeleton" => "tree and first piece",
            "critical-path" => "tree and critical path",
            _ => "tree and bands",
        };
        time(name, &mut || ask(&index, &mut Cache::default(), question, &[("trace", &key)]).len());
    }
    timed
}

fn ask(index: &Index, cache: &mut Cache, question: &str, with: &[(&str, &str)]) -> Vec<u8> {
    let pairs = with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let with = Parameters::new(pairs.collect());
    let reading = Reading::default();
    let is_cancelled = AtomicBool::new(false);
    answer(question, &Asked { index, reading, with: &with, is_cancelled: &is_cancelled }, cache)
        .body
}

/// CPU time of this thread; where the system does not tell it, the time that passes.
struct Clock {
    started: Instant,
    cpu: Option<u64>,
}

impl Clock {
    fn now() -> Clock {
        Clock { started: Instant::now(), cpu: thread_nanos() }
    }

    fn millis(&self) -> f64 {
        match (self.cpu, thread_nanos()) {
            (Some(before), Some(now)) => (now - before) as f64 / 1e6,
            _ => self.started.elapsed().as_secs_f64() * 1e3,
        }
    }
}

fn thread_nanos() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}
