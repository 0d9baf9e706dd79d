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
            57..=74 => Op::Answer(pick, Answer::ALL[below(Answer::ALL.len() as u32) as usize]),
            75..=78 => Op::Aborted(pick),
            79 => Op::Panic(pick),
            91 => Op::Renew(pick),
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

/// Sequences that random runs have found and minimised. Each broke the schedule once.
fn replay(ops: &[Op]) {
    for end in [End::Healed, End::Silent, End::Orderly] {
        play(ops, end);
    }
}

#[test]
fn a_shutdown_that_takes_over_the_batch_of_a_probe_leaves_no_breaker_half_open() {
    use Op::{Admit, Advance, Jump, Open, Receive, Shutdown, Work};
    // The last chance of a closing lane probes a paused endpoint. Its time is over before the result comes.
    replay(&[
        Open(8),
        Open(0),
        Admit(8, 0),
        Work(198),
        Receive,
        Receive,
        Op::Answer(42, Answer::Throttled),
        Shutdown(204, 99),
        Receive,
        Jump(1882),
        Op::Answer(14, Answer::Unavailable),
    ]);
    // The same with another lane at the endpoint and a result that is final.
    replay(&[
        Open(28),
        Admit(24, 2),
        Receive,
        Work(203),
        Shutdown(222, 458),
        Receive,
        Open(12),
        Op::Answer(121, Answer::Throttled),
        Receive,
        Advance(517),
        Op::Answer(155, Answer::Tls),
    ]);
}

#[test]
fn an_overdue_attempt_that_panics_costs_no_later_attempt_its_batch() {
    use Op::{Admit, Advance, Open, Panic, Receive, Work};
    replay(&[Open(18), Admit(9, 0), Receive, Work(27), Receive, Advance(1219), Panic(239)]);
}

#[test]
fn the_halves_of_a_split_batch_are_not_taken_for_attempts_of_the_whole() {
    use Op::{Admit, Open, Receive, Work};
    replay(&[Open(3), Admit(217, 3), Receive, Work(8), Receive, Op::Answer(2, Answer::TooLarge)]);
}

#[test]
fn an_attempt_flush_waits_for_what_is_being_split() {
    use Op::{Admit, Advance, Flush, Jump, Open, Receive, Work};
    // Asked for while the batch is on the workers.
    replay(&[
        Open(7),
        Admit(76, 5),
        Receive,
        Work(219),
        Receive,
        Op::Answer(239, Answer::TooLarge),
        Flush(50, true, 4566),
    ]);
    // Asked for while it is under way.
    replay(&[
        Open(5),
        Admit(51, 2),
        Work(48),
        Flush(176, true, 4640),
        Receive,
        Receive,
        Op::Answer(140, Answer::TooLarge),
    ]);
    // Asked for while it is under way again, and heard of when it is on the workers.
    replay(&[
        Open(20),
        Open(10),
        Admit(107, 3),
        Work(152),
        Admit(76, 4),
        Receive,
        Admit(56, 0),
        Admit(124, 0),
        Receive,
        Jump(2286),
        Work(58),
        Flush(245, true, 3316),
        Advance(495),
        Op::Answer(112, Answer::TooLarge),
    ]);
}
