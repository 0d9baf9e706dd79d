//! Lives of exporters that overlap: random schedules of everything that begins, ends and fails in a process. A schedule is
//! its seed: `OFFLOOP_LIVES_SEED=17` replays one, `OFFLOOP_LIVES_SCHEDULES=100000` runs the long form.

#![allow(clippy::print_stderr, reason = "a test prints which schedule it hit")]

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{runtime::Builder, task::LocalSet};

use crate::{
    clock::monotonic,
    error::DropReason,
    exporter::FlushMode,
    pipeline::{
        faults::Stage,
        lives::{Manner, Process},
        simulation::millis,
    },
};

const SCHEDULES: u64 = 300;
/// An answer may come so much later than its deadline: a start has its pause, a panic costs a turn.
const GRACE: Duration = Duration::from_millis(200);

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

const MANNERS: [Manner; 10] = [
    Manner::Healthy,
    Manner::Healthy,
    Manner::Healthy,
    Manner::Healthy,
    Manner::Slow,
    Manner::Hanging,
    Manner::Refusing,
    Manner::Failing,
    Manner::Fickle,
    Manner::Panicking,
];

async fn step(process: &mut Process, dice: &mut Dice) {
    if process.owners.len() < 2 || dice.below(20) == 0 && process.owners.len() < 6 {
        process.construct(MANNERS[dice.below(MANNERS.len() as u64) as usize]);
    }
    let at = dice.below(process.owners.len() as u64) as usize;
    match dice.below(64) {
        0..12 => process.export(at, 1 + dice.below(20) as u32, false),
        12..18 => process.export(at, 1 + dice.below(20) as u32, true),
        18..24 => process.copy(at),
        24..30 => process.end_span(at, millis(dice.below(300))),
        30..32 => process.hand_over(at),
        32..35 => {
            let mode = if dice.below(2) == 0 { FlushMode::Attempt } else { FlushMode::Terminal };
            process.flush(at, mode, millis(dice.below(2_000)));
        }
        35 => process.shutdown(at, millis([0, 0, 20, 900][dice.below(4) as usize])),
        36 => process.collect(at),
        37 => process.terminate(at),
        38 => process.set_shortage(true),
        39..42 => process.set_shortage(false),
        42 => process.panic([Stage::Dispatcher, Stage::Worker][dice.below(2) as usize]),
        43..50 => drop(process.work()),
        50..56 => process.turn(1 + dice.below(6) as u32).await,
        56..60 => process.advance(millis(dice.below(60))).await,
        60..62 => process.advance(millis(dice.below(1_500))).await,
        _ => {
            process.settle().await;
            let now = monotonic();
            for asked in process.asked.iter().filter(|asked| asked.by.after(GRACE) < now) {
                assert_eq!(asked.answers.load(Ordering::SeqCst), 1, "{}", asked.what);
            }
        }
    }
}

/// Whatever happened is over, and was counted; who was not harmed has lost nothing; whoever is left works.
async fn judge(mut process: Process) {
    process.set_shortage(false);
    for stage in [Stage::Dispatcher, Stage::Worker] {
        process.engine.inject_fault(stage, 0);
    }
    for at in 0..process.owners.len() {
        process.hand_over(at);
        process.copy_all(at);
    }
    process.pass(millis(6_000)).await;
    // More panics than it may survive are forgiven after a minute.
    process.advance(Duration::from_secs(60)).await;
    process.pass(millis(1_000)).await;
    for at in 0..process.owners.len() {
        process.export(at, 3, false);
    }
    process.pass(millis(6_000)).await;
    for asked in &process.asked {
        assert_eq!(asked.answers.load(Ordering::SeqCst), 1, "a {} has one answer", asked.what);
    }
    let harms = process.shortage.harms.load(Ordering::SeqCst);
    for (number, export) in process.exports.iter().enumerate() {
        let answers = export.answers.lock().unwrap();
        let [outcome] = &answers[..] else { panic!("export {number}: {answers:?}") };
        let counted = outcome.delivered + outcome.rejected + outcome.dropped.total();
        assert_eq!(counted, export.spans, "export {number}: {outcome:?}");
        if export.harms_before == Some(harms) {
            assert_eq!(outcome.delivered, export.spans, "export {number}: {outcome:?}");
        }
    }
    for at in 0..process.owners.len() {
        let stats = process.owners[at].exporter.stats();
        assert!(stats.is_conserved(), "{stats:?}");
        assert_eq!(
            (stats.pending, stats.in_flight, stats.exports_under_way),
            (0, 0, 0),
            "{stats:?}"
        );
        assert!(process.taken(at) >= stats.delivered, "{stats:?}");
        // Only an admission starts threads.
        let is_tried = !process.owners[at].is_shut_down;
        assert!(!(is_tried && stats.degraded), "{stats:?}");
    }
    while !process.owners.is_empty() {
        process.collect(0);
    }
    process.pass(millis(6_000)).await;
    assert!(process.engine.is_idle(), "threads are held by nobody's exporter");
}

fn run(seed: u64) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let mut dice = Dice(seed);
        let mut process = Process::new();
        for _ in 0..20 + dice.below(80) {
            step(&mut process, &mut dice).await;
            for owner in &process.owners {
                let stats = owner.exporter.stats();
                assert!(stats.is_conserved(), "{stats:?}");
                let reasons = [DropReason::QueueFull, DropReason::BytesFull];
                assert!(reasons.iter().all(|reason| stats.refused[*reason] == 0), "{stats:?}");
            }
        }
        judge(process).await;
    });
}

/// Seeds of schedules that have found something.
const FOUND: [u64; 1] = [
    119, // the gauge of requests in flight outlived the I/O thread
];

#[test]
#[cfg_attr(miri, ignore = "takes long")]
fn lives_that_overlap_end_in_good_order() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("OFFLOOP_LIVES_SEED") {
        return run(seed);
    }
    let schedules = number("OFFLOOP_LIVES_SCHEDULES").unwrap_or(SCHEDULES);
    for seed in FOUND.into_iter().chain(0..schedules) {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("to replay: OFFLOOP_LIVES_SEED={seed} cargo test --lib lives");
            std::panic::resume_unwind(panic);
        }
    }
}
