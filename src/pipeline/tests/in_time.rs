//! The last attempt of a batch is made while its answer can still come: the exporter knows how long answers have taken.

use std::time::Duration;

use super::super::{
    dispatcher::Dispatcher,
    retry::Jitter,
    simulation::{World, failed, millis, secs, status, stock},
};
use crate::{
    clock::Moment,
    config::{Config, RetryPolicy},
    sink::{SendErrorKind, SendOutcome},
};

/// What an endpoint says that is away.
type Absence = fn() -> SendOutcome;

/// The ways of it, and whether what it says takes as long as an answer.
const ABSENCES: [(&str, Absence, bool); 4] = [
    ("slow 503", || status(503), true),
    ("quick 503", || status(503), false),
    ("refused", || failed(SendErrorKind::Refused), false),
    ("malformed", || failed(SendErrorKind::Malformed), true),
];

/// One batch, whose endpoint comes back so many milliseconds after its first attempt: when each attempt began and when its
/// result had come, both in milliseconds, and whether the spans are delivered.
fn attempts(
    seed: u64,
    (timeout, latency, heal): (u64, u64, u64),
    (away, is_slow): (Absence, bool),
) -> (Vec<(u64, u64)>, bool) {
    let mut world = World::seeded(seed);
    world.dispatcher = Dispatcher::new(Jitter::seeded(seed * 7919 + latency));
    let retry = RetryPolicy::stock(millis(timeout));
    let lane = world.lane(Config { retry, ..stock() });
    let _before = world.export(lane, 1);
    world.advance(millis(latency.min(timeout)));
    world.answer(status(200));
    let start = world.now.mono;
    let outcome = world.export(lane, 1);
    let since = |at: Moment| u64::try_from(at.since(start).as_millis()).unwrap();
    let mut attempts = Vec::new();
    world.serve_late(secs(60), |at, request| {
        let is_back = since(at) >= heal;
        let took = if is_back || is_slow { millis(latency) } else { Duration::ZERO };
        attempts.push((since(at), since(at.after(took.min(request.time_left)))));
        (took, if is_back { status(200) } else { away() })
    });
    (attempts, outcome.try_recv().unwrap().delivered == 1)
}

#[test]
fn r30_no_attempt_is_begun_whose_answer_comes_too_late_if_it_could_have_been_begun_in_time() {
    for (name, away, is_slow) in ABSENCES {
        for timeout in [1_000, 2_000, 3_000, 5_000, 10_000] {
            for latency in [0, 1, 30, 100, 300, 600, 1_000, 2_000, 3_000] {
                for heal in (0..10).map(|part| timeout * part / 10).filter(|_| latency < timeout) {
                    for seed in 0..4 {
                        let run = (timeout, latency, heal);
                        let (attempts, _) = attempts(seed, run, (away, is_slow));
                        assert!(attempts.len() <= 6, "{name}, {run:?}: {attempts:?}");
                        for (n, pair) in attempts.windows(2).enumerate() {
                            let ((_, free), (begun, _)) = (pair[0], pair[1]);
                            let late = |begun: u64| begun + latency > timeout;
                            // The one at the latest moment for an answer had failed sooner than that.
                            let latest = timeout.saturating_sub(latency + latency / 4 + 100);
                            let had_one = (latest..).contains(&attempts[n].0) && n > 0;
                            assert!(
                                !late(begun) || late(free) || had_one,
                                "{name}, {run:?}, seed {seed}: {attempts:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
