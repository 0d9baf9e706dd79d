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

/// What was measured, and the least milliseconds of CPU time in which it was done.
pub type Timed = (&'static str, f64);

/// Reads files, asks what the page asks about them, each question `rounds` times.
pub fn time_questions(paths: &[PathBuf], rounds: usize) -> Vec<Timed> {
    let paths = paths.to_vec();
    let find = move || discover(&paths, false);
    let index = read(find, &Options::new(u64::MAX), &mut |_| {});
    let largest = (0..).zip(&index.traces).max_by_key(|(_, trace)| trace.spans);
    let trace = largest.map_or(0, |(number, _)| number);
    let never = AtomicBool::new(false);
    let mut timed = Vec::new();
    let mut time = |name, run: &mut dyn FnMut() -> usize| {
        let least = (0..rounds).map(|_| cpu_millis(run)).fold(f64::INFINITY, f64::min);
        timed.push((name, least));
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
fn cpu_millis(run: &mut dyn FnMut() -> usize) -> f64 {
    let started = Instant::now();
    let before = thread_nanos();
    std::hint::black_box(run());
    match (before, thread_nanos()) {
        (Some(before), Some(after)) => (after - before) as f64 / 1e6,
        _ => started.elapsed().as_secs_f64() * 1e3,
    }
}

fn thread_nanos() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}
