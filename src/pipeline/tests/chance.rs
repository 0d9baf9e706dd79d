//! A collector that refuses some requests at random and takes the others: no more is lost than by the stock exporter,
//! which knows no breaker and no retry budget.

use super::super::{
    dispatcher::Event,
    retry::Jitter,
    simulation::{World, failed, long, millis, secs, status, stock},
};
use crate::{
    config::Config,
    sink::{SendErrorKind, SendOutcome},
    stats::BreakerState,
};

/// What the collector does with a request that it does not take.
type Refusal = fn() -> SendOutcome;

/// The ways of it.
const REFUSALS: [(&str, Refusal); 3] = [
    ("503", || status(503)),
    ("reset", || failed(SendErrorKind::Reset)),
    ("refused", || failed(SendErrorKind::Refused)),
];

/// How batches come, in milliseconds, and how long an answer takes.
#[derive(Clone, Copy, Debug)]
struct Traffic {
    batches: u64,
    gap: u64,
    latency: u64,
}

/// Batches that are lost while each request is refused with the chance `refused`.
fn lost(seed: u64, config: Config, traffic: Traffic, refused: f64, refusal: Refusal) -> u64 {
    let mut world = World::seeded(seed);
    let mut chance = Jitter::seeded(seed + 1_000);
    let lane = world.lane(config);
    let start = world.now.mono;
    let latency = millis(traffic.latency);
    let mut outcomes = Vec::new();
    let end = start.after(millis(traffic.batches * traffic.gap)).after(secs(60));
    loop {
        let came = outcomes.len() as u64;
        let next = (came < traffic.batches).then(|| start.after(millis(came * traffic.gap)));
        let oldest = world.open.first().copied();
        let sent_at =
            |attempt| world.sent.iter().rfind(|sent| sent.attempt == attempt).map(|sent| sent.at);
        let answer = oldest.and_then(sent_at).map(|at| at.after(latency));
        let at =
            [next, answer, world.dispatcher.next_wake()].into_iter().flatten().fold(end, Ord::min);
        world.advance(at.since(world.now.mono));
        if answer == Some(at) && world.open.first() == oldest.as_ref() {
            let attempt = world.open.remove(0);
            let outcome = if chance.next() < refused { refusal() } else { status(200) };
            world.step(Event::AttemptDone { attempt, outcome: Box::new(outcome) });
        } else if next == Some(at) {
            outcomes.push(world.export(lane, 1));
        } else if at == end {
            break;
        }
    }
    outcomes.iter().map(|outcome| 1 - outcome.try_recv().unwrap().delivered).sum()
}

/// What the stock exporter loses: five retries inside of ten seconds, each batch for itself.
fn stock_lost(seed: u64, traffic: Traffic, refused: f64) -> u64 {
    const TIMEOUT: f64 = 10_000.0;
    let mut chance = Jitter::seeded(seed + 2_000);
    let mut is_lost = || {
        let (mut elapsed, mut wait) = (0.0, 1_000.0);
        for retry in 0..=5 {
            elapsed += traffic.latency as f64;
            if chance.next() >= refused {
                return false;
            }
            let next = f64::min(wait * (0.8 + chance.next() * 0.4), 5_000.0);
            if retry == 5 || next > TIMEOUT - elapsed {
                break;
            }
            elapsed += next;
            wait *= 1.5;
        }
        true
    };
    (0..traffic.batches).filter(|_| is_lost()).count() as u64
}

#[test]
fn r30_a_collector_that_refuses_at_random_costs_no_more_than_the_stock_exporter_loses() {
    for (name, refusal) in REFUSALS {
        for (runs, batches, gap, latency) in [
            (2, 400, 50, 1),
            (1, 400, 25, 100),
            (6, 200, 1_000, 10),
            (6, 100, 5_000, 10),
            (30, 30, 0, 10),
            (60, 30, 0, 300),
        ] {
            let traffic = Traffic { batches, gap, latency };
            for refused in [0.2, 0.4, 0.6, 0.7, 0.8] {
                let sum = |lost: &dyn Fn(u64) -> u64| (0..runs).map(lost).sum::<u64>();
                let ours = sum(&|seed| lost(seed, stock(), traffic, refused, refusal));
                let stock = sum(&|seed| stock_lost(seed, traffic, refused));
                // A hundredth of all for chance.
                assert!(
                    ours <= stock + runs * batches / 100,
                    "{name}, {refused}, {traffic:?}: {ours}, stock {stock}"
                );
            }
        }
    }
}

#[test]
fn d7_an_outage_is_found_out_when_the_last_success_is_not_young_any_more() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _first = world.export(lane, 1);
    world.answer(status(200));
    let _outcomes: Vec<_> = (0..30).map(|_| world.export(lane, 1)).collect();
    world.serve(millis(9_900), |_, _| status(503));
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Closed);
    assert!(world.sent.len() <= 1 + 30 * 8, "each goes by its own waits: {}", world.sent.len());
    world.serve(secs(5), |_, _| status(503));
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Open);
    let before = world.sent.len();
    world.serve(secs(60), |_, _| status(503));
    let probes = world.sent.len() - before;
    assert!((2..10).contains(&probes), "{probes} requests in a minute");
}
