//! `offloop-parsers <index|tape|sonic|questions> <directory>`: prints as JSON the CPU time of this thread for reading the
//! files of the directory, which are in memory then, or for questions about them (means of many).

use std::{env, fs, hint::black_box, mem, time::Duration};

use cpu_time::ThreadTime;
use memchr::memchr_iter;
use offloop_viewer::measure::Store;
use simd_json::{Buffers, Node, Tape, fill_tape};

/// Bytes that a parser gets at once, and whole lines of them.
const BLOCK: usize = 1 << 20;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let [what, directory] = &words[..] else { panic!("offloop-parsers <what> <directory>") };
    let blocks = blocks(directory);
    match what.as_str() {
        "index" => {
            let started = ThreadTime::now();
            let store = Store::new(blocks.iter().map(Vec::as_slice));
            let spent = started.elapsed();
            reading(&blocks, spent, store.spans(), store.memory());
        }
        "tape" => {
            let started = ThreadTime::now();
            let lines = tapes(&blocks);
            reading(&blocks, started.elapsed(), lines, 0);
        }
        "sonic" => {
            let started = ThreadTime::now();
            let lines = values(&blocks);
            reading(&blocks, started.elapsed(), lines, 0);
        }
        "questions" => questions(directory),
        _ => panic!("{what} is not known"),
    }
}

fn blocks(directory: &str) -> Vec<Vec<u8>> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut blocks = Vec::new();
    for name in names {
        let text = fs::read(name).unwrap();
        let mut rest = &text[..];
        while !rest.is_empty() {
            let least = BLOCK.min(rest.len()) - 1;
            let end =
                memchr::memchr(b'\n', &rest[least..]).map_or(rest.len(), |end| least + end + 1);
            let (block, behind) = rest.split_at(end);
            blocks.push(block.to_vec());
            rest = behind;
        }
    }
    blocks
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', block).map(move |end| &block[mem::replace(&mut start, end + 1)..end])
}

/// The tape of each line, with buffers that are kept; the copy that the parser writes into belongs to it.
fn tapes(blocks: &[Vec<u8>]) -> usize {
    let (mut buffers, mut copy, mut nodes) =
        (Buffers::default(), Vec::new(), Vec::<Node<'static>>::new());
    let mut count = 0;
    for line in blocks.iter().flat_map(|block| lines(block)) {
        copy.clear();
        copy.extend_from_slice(line);
        let mut tape = Tape(mem::take(&mut nodes)).reset();
        fill_tape(&mut copy, &mut buffers, &mut tape).unwrap();
        black_box(&tape.0);
        nodes = tape.reset().0;
        count += 1;
    }
    count
}

fn values(blocks: &[Vec<u8>]) -> usize {
    let read = |line| black_box(sonic_rs::from_slice::<sonic_rs::Value>(line).unwrap());
    blocks.iter().flat_map(|block| lines(block)).map(read).count()
}

fn reading(blocks: &[Vec<u8>], spent: Duration, count: usize, memory: u64) {
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    let rate = bytes as f64 / 1e6 / spent.as_secs_f64();
    println!(
        "{{\"bytes\":{bytes},\"count\":{count},\"memory\":{memory},\"megabytesPerCpuSecond\":{rate:.1}}}"
    );
}

/// CPU time of what the page asks, by the name of the question.
fn questions(directory: &str) {
    let timed = offloop_viewer::time_questions(&[directory.into()]);
    let members = timed.iter().map(|(name, millis)| format!("\"{name}\":{millis:.3}"));
    println!("{{{}}}", members.collect::<Vec<_>>().join(","));
}
