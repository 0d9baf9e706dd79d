//! How long a batch is kept for an endpoint that is away: never for less than the stock exporter keeps it.

use super::super::{
    dispatcher::Dispatcher,
    retry::Jitter,
    simulation::{World, failed, millis, secs, status, stock},
};
use crate::{
    clock::Moment,
    config::{Config, RetryPolicy},
    error::DropReason,
    sink::{SendErrorKind, SendOutcome},
};

/// What an endpoint answers while it is away.
const ABSENCES: [fn() -> SendOutcome; 2] = [|| failed(SendErrorKind::Refused), || status(503)];

/// Batches, of so many in each of so many exporters, that are lost in an outage that they begin with. `closing`: when the
/// exporters are shut down.
fn lost(
    seed: u64,
    (lanes, batches): (u64, u64),
    config: &Config,
    outage: u64,
    away: fn() -> SendOutcome,
    closing: Option<u64>,
) -> u64 {
    let mut world = World::seeded(seed);
    world.dispatcher = Dispatcher::new(Jitter::seeded(seed * 7919 + outage));
    let back = world.now.mono.after(millis(outage));
    let lanes: Vec<_> = (0..lanes).map(|_| world.lane(config.clone())).collect();
    let outcomes: Vec<_> = lanes
        .iter()
        .flat_map(|lane| (0..batches).map(|_| world.export(*lane, 1)).collect::<Vec<_>>())
        .collect();
    let answer = |at: Moment, _: &_| if at < back { away() } else { status(200) };
    if let Some(closing) = closing {
        world.serve(millis(closing), answer);
        lanes.iter().for_each(|lane| world.shutdown(*lane, secs(30)));
    }
    world.serve(config.retry.max_elapsed + secs(60), answer);
    outcomes.iter().map(|outcome| 1 - outcome.try_recv().unwrap().delivered).sum()
}

/// Whether the stock exporter loses a batch in an outage that it begins with: its five waits, in milliseconds.
fn stock_loses(jitter: &mut Jitter, timeout: f64, outage: f64) -> bool {
    let (mut at, mut wait) = (0.0, 1_000.0_f64);
    for _ in 0..5 {
        let next = (wait * (1.0 + jitter.next() * 0.4 - 0.2)).min(5_000.0);
        wait *= 1.5;
        if next > timeout - at {
            return true;
        }
        at += next;
        if at >= outage {
            return false;
        }
    }
    true
}

#[test]
fn r30_an_outage_that_the_stock_exporter_sits_out_costs_nothing() {
    for seed in 0..5 {
        for away in ABSENCES {
            for outage in [1_000, 3_000, 5_000, 6_000, 7_000] {
                for size in [(1, 1), (1, 24), (24, 1)] {
                    let lost = lost(seed, size, &stock(), outage, away, None);
                    assert_eq!(lost, 0, "seed {seed}, {outage} ms, {size:?}");
                }
            }
        }
    }
}

#[test]
fn r30_no_outage_costs_more_than_the_stock_exporter_loses() {
    const RUNS: u64 = 80;
    for (timeout, outages) in [
        (10_000, &[7_500, 8_000, 8_500, 9_000][..]),
        (4_000, &[500, 1_500, 2_500, 3_000]),
        (1_000, &[100, 400, 700, 900]),
        (30_000, &[9_000, 11_000, 12_500]),
    ] {
        let retry = RetryPolicy::stock(millis(timeout));
        let config = Config { retry, ..stock() };
        for &outage in outages {
            let mut jitter = Jitter::seeded(outage);
            let stock_lost = (0..RUNS)
                .filter(|_| stock_loses(&mut jitter, timeout as f64, outage as f64))
                .count() as u64;
            for away in ABSENCES {
                let ours: u64 =
                    (0..RUNS).map(|seed| lost(seed, (1, 1), &config, outage, away, None)).sum();
                // An eighth of the runs for chance.
                assert!(
                    ours <= stock_lost + RUNS / 8,
                    "{timeout} ms, away for {outage}: {ours} of {RUNS}, stock {stock_lost}"
                );
            }
        }
    }
}

#[test]
fn r30_a_shutdown_in_an_outage_costs_no_time_that_was_left() {
    for seed in 0..4 {
        for away in ABSENCES {
            for closing in [1, 700, 2_000, 4_500] {
                for size in [(1, 1), (1, 24)] {
                    let lost = lost(seed, size, &stock(), 6_000, away, Some(closing));
                    assert_eq!(lost, 0, "seed {seed}, shut down after {closing} ms, {size:?}");
                }
            }
        }
    }
}

#[test]
fn r30_the_long_mode_sits_out_three_quarters_of_its_time() {
    for elapsed in [20_000, 60_000, 300_000] {
        let retry = RetryPolicy::long(secs(10), millis(elapsed), u32::MAX);
        let config = Config { retry, ..stock() };
        for seed in 0..5 {
            for away in ABSENCES {
                for size in [(1, 1), (1, 24), (24, 1)] {
                    let lost = lost(seed, size, &config, elapsed / 4 * 3, away, None);
                    assert_eq!(lost, 0, "seed {seed}, {elapsed} ms, {size:?}");
                }
            }
        }
    }
}

#[test]
fn r30_one_last_attempt_is_made_where_the_wait_does_not_fit_and_it_has_time() {
    for (timeout, attempts) in [(10_000, 5..=6), (1_100, 2..=2), (400, 2..=2), (150, 1..=1)] {
        let mut world = World::new();
        let retry = RetryPolicy::stock(millis(timeout));
        let lane = world.lane(Config { retry, ..stock() });
        let outcome = world.export(lane, 1);
        world.serve(secs(60), |_, request| {
            assert!(request.time_left >= millis(100), "{:?}", request.time_left);
            failed(SendErrorKind::Refused)
        });
        assert_eq!(outcome.try_recv().unwrap().dropped[DropReason::RetriesExhausted], 1);
        assert!(attempts.contains(&world.sent.len()), "{timeout} ms: {}", world.sent.len());
    }
}
