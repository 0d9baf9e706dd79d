//! Results that come late: random runs in which every message, result and abort takes its time, with the dispatcher's
//! books checked after every step. A run is its seed, and its seed is a list of things that happen:
//! `OFFLOOP_LATE_SEED=17` replays one, `OFFLOOP_LATE_RUNS=100000` makes as many.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use super::super::{
    retry::Jitter,
    simulation::{
        World,
        late::{Answer, Op},
        secs,
    },
};

const RUNS: u64 = 1_500;
const OPS: usize = 90;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The endpoints answer again: everything is delivered or given up, and what was told to end may hang for ever.
    Healed,
    /// Everybody shuts down, and no attempt ever ends.
    Silent,
    /// Everybody shuts down, and every attempt that is told to end does.
    Orderly,
}

fn generate(seed: u64) -> (Vec<Op>, End) {
    let mut jitter = Jitter::seeded(seed + 1);
    let mut below = move |limit: u32| (jitter.next() * f64::from(limit)) as u32;
    // Some runs are about one endpoint that is ill, some about shutdowns, some about everything.
    let (illness, impatience) = (below(4), below(4));
    let mut ops = vec![Op::Open(below(32) as u8), Op::Open(below(32) as u8)];
    for _ in 0..OPS {
        let pick = below(256) as u8;
        ops.push(match below(100) {
            0..=1 => Op::Open(below(32) as u8),
            2..=21 => Op::Admit(pick, below(6) as u8),
            22..=36 => Op::Work(pick),
            37 => Op::WorkFails(pick),
            38..=56 => Op::Receive,
            57..=74 if below(4) < illness => Op::Answer(pick, Answer::Unavailable),
            57..=74 => Op::Answer(pick, Answer::ALL[below(11) as usize]),
            75..=78 => Op::Aborted(pick),
            79 => Op::Panic(pick),
            80..=83 => Op::Flush(pick, below(3) > 0, below(5_000) as u16),
            84..=87 if below(4) <= impatience => Op::Shutdown(pick, below(1_500) as u16),
            88..=90 => Op::Jump(below(12_000) as u16),
            _ => Op::Advance(below(1_500) as u16),
        });
    }
    (ops, [End::Healed, End::Silent, End::Orderly][below(3) as usize])
}

fn play(ops: &[Op], end: End) {
    let mut world = World::between_threads();
    ops.iter().for_each(|op| world.apply(*op));
    match end {
        End::Healed => {
            for _ in 0..400 {
                world.catch_up();
                while let Some(nth) = world.open.first().map(|_| 0) {
                    world.apply(Op::Answer(nth, Answer::Taken));
                    world.catch_up();
                }
                world.apply(Op::Advance(250));
            }
            let lanes: Vec<_> = world.lanes.keys().copied().collect();
            for lane in lanes {
                assert_eq!(world.stats(lane).pending, 0, "lane {lane} waits for what cannot come");
            }
        }
        End::Silent => {}
        End::Orderly => {
            while !world.late().aborting.is_empty() {
                world.apply(Op::Aborted(0));
            }
        }
    }
    for lane in 0..world.lanes.len() {
        world.apply(Op::Shutdown(lane as u8, 1_000));
    }
    for _ in 0..8 {
        world.catch_up();
        world.advance(secs(1));
        while end == End::Orderly && !world.late().aborting.is_empty() {
            world.apply(Op::Aborted(0));
        }
    }
    world.catch_up();
    assert_eq!(world.closed.len(), world.lanes.len(), "a lane does not end");
    world.assert_over();
    assert_eq!(world.dispatcher.next_wake(), None, "a timer is left");
}

fn fails(ops: &[Op], end: End) -> bool {
    catch_unwind(AssertUnwindSafe(|| play(ops, end))).is_err()
}

/// The same failure with less: pieces of the list are left out as long as it goes on failing.
fn minimised(mut ops: Vec<Op>, end: End) -> Vec<Op> {
    let mut size = ops.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + size).min(ops.len()));
            if fails(&fewer, end) {
                ops = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    ops
}

fn check(seed: u64) -> Result<(), String> {
    let (ops, end) = generate(seed);
    if !fails(&ops, end) {
        return Ok(());
    }
    let ops = minimised(ops, end);
    Err(format!("seed {seed}: play(&{ops:?}, End::{end:?})"))
}

#[test]
fn results_that_come_late_are_forgotten_by_nobody() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("OFFLOOP_LATE_SEED") {
        let (ops, end) = generate(seed);
        return play(&ops, end);
    }
    let runs = number("OFFLOOP_LATE_RUNS").unwrap_or(RUNS);
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let failures: Vec<_> = thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let seeds = (0..runs).filter(move |seed| seed % threads == part);
                scope.spawn(move || seeds.filter_map(|seed| check(seed).err()).take(3).collect())
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|_| Vec::new())).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
