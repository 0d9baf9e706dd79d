use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::*;
use crate::handoff::BlockPool;

/// What `js/` does, on another thread: records of five words that carry a number.
struct Writer {
    pool: BlockPool,
    lease: BlockLease,
    position: u32,
}

const FIRST_WORD: u32 = 2;

impl Writer {
    fn new() -> Self {
        let pool = BlockPool::default();
        let lease = pool.acquire(1).unwrap();
        Writer { pool, lease, position: FIRST_WORD }
    }

    fn record(&mut self, kind: u32, number: u32) {
        let words = [kind, RECORD_HEADER_WORDS as u32, number, 0, 0];
        for (at, value) in words.into_iter().enumerate() {
            self.lease.write_word(self.position as usize + at, f64::from(value));
        }
        self.position += RECORD_HEADER_WORDS as u32;
    }

    fn commit(&self) {
        self.lease.commit(self.position);
    }

    fn next_block(&mut self) -> (BlockLease, u32) {
        self.commit();
        self.lease = self.pool.acquire(1).unwrap();
        self.position = FIRST_WORD;
        (self.lease.clone(), FIRST_WORD)
    }
}

fn open(writer: &Writer) -> OpenBatch {
    writer.lease.reset_count();
    OpenBatch::new(writer.lease.clone(), vec![(writer.lease.clone(), writer.position)])
}

/// Kinds and numbers of the records of a batch.
fn records(raw: &RawBatch) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for segment in raw.segments() {
        let mut rest = segment.bytes().unwrap();
        while !rest.is_empty() {
            let number = whole(word(rest, 2).unwrap()).unwrap();
            let (kind, _, next) = split_record(rest).unwrap();
            found.push((kind, number));
            rest = next;
        }
    }
    found
}

#[test]
fn a_span_that_is_not_counted_stays_out() {
    let mut writer = Writer::new();
    let batch = open(&writer);
    let head = writer.lease.clone();
    writer.record(KIND_RESOURCE, 0);
    writer.record(KIND_SPAN, 1);
    writer.record(KIND_BULK, 1);
    writer.commit();
    assert!(head.count_from(0));
    writer.record(KIND_SCOPE, 2);
    writer.record(KIND_SPAN, 2);
    writer.record(KIND_BULK, 2);
    writer.commit(); // readable, and still not counted
    let raw = batch.take().unwrap();
    assert_eq!(raw.spans(), 1);
    assert_eq!(records(&raw), [(KIND_RESOURCE, 0), (KIND_SPAN, 1), (KIND_BULK, 1)]);
    assert!(!head.count_from(1), "JavaScript learns that it came too late");
    assert!(batch.take().is_none() && batch.is_taken() && !batch.grow([]));
}

#[test]
fn bulk_in_the_next_block_belongs_to_its_span() {
    let mut writer = Writer::new();
    let batch = open(&writer);
    let head = writer.lease.clone();
    writer.record(KIND_SPAN, 1);
    let next = writer.next_block();
    writer.record(KIND_BULK, 1);
    writer.commit();
    assert!(batch.grow([next]) && head.count_from(0));
    writer.record(KIND_SPAN, 2);
    let next = writer.next_block();
    writer.record(KIND_BULK, 2);
    writer.commit();
    assert!(batch.grow([next]));
    let raw = batch.take().unwrap();
    assert_eq!(records(&raw), [(KIND_SPAN, 1), (KIND_BULK, 1)]);
}

#[test]
fn every_span_is_in_exactly_one_batch_whoever_is_faster() {
    const SPANS: u32 = if cfg!(miri) { 300 } else { 200_000 };
    let current = Arc::new(Mutex::new(None::<Arc<OpenBatch>>));
    let is_over = Arc::new(AtomicBool::new(false));
    let taker = {
        let (current, is_over) = (Arc::clone(&current), Arc::clone(&is_over));
        thread::spawn(move || {
            let mut taken = Vec::new();
            while !is_over.load(Ordering::Acquire) {
                let batch = current.lock().unwrap().clone();
                if let Some(raw) = batch.and_then(|batch| batch.take()) {
                    let found = records(&raw);
                    let spans = found.iter().filter(|(kind, _)| *kind == KIND_SPAN).count();
                    assert_eq!(spans, raw.spans() as usize);
                    taken.extend(found);
                }
            }
            taken
        })
    };
    let mut writer = Writer::new();
    let mut rest = Vec::new();
    let mut head = writer.lease.clone();
    let mut batch: Option<Arc<OpenBatch>> = None;
    let mut count = 0;
    for number in 0..SPANS {
        loop {
            // As in js/processor/native_batcher.js: the new batch begins behind everything written, also in a taken block.
            if batch.is_none() {
                head = writer.lease.clone();
                count = 0;
                let opened = Arc::new(open(&writer));
                *current.lock().unwrap() = Some(Arc::clone(&opened));
                batch = Some(opened);
            }
            let mut grown = Vec::new();
            if writer.position > 20_000 {
                grown.push(writer.next_block());
            }
            writer.record(KIND_SPAN, number);
            if number % 7 == 0 {
                grown.push(writer.next_block());
            }
            writer.record(KIND_BULK, number);
            writer.commit();
            let open = batch.as_ref().unwrap();
            if open.grow(grown) && head.count_from(count) {
                count += 1;
                break;
            }
            batch = None;
        }
        if count == 50 {
            rest.extend(batch.take().and_then(|batch| batch.take()).iter().flat_map(records));
        }
    }
    rest.extend(batch.and_then(|batch| batch.take()).iter().flat_map(records));
    is_over.store(true, Ordering::Release);
    let mut all = taker.join().unwrap();
    assert!(!all.is_empty(), "the other thread was never faster");
    all.extend(rest);
    all.sort_unstable();
    let expected = [KIND_SPAN, KIND_BULK];
    let mut expected: Vec<_> =
        (0..SPANS).flat_map(|number| expected.map(|kind| (kind, number))).collect();
    expected.sort_unstable();
    assert!(all == expected, "a span is missing, doubled or torn");
}
