//! Long outages and random weather.

use super::super::{
    notice::Notice,
    retry::Jitter,
    simulation::{World, failed, long, millis, secs, status, stock, throttled},
};
use crate::{
    config::{Config, Overflow, QueueConfig},
    error::DropReason,
    sink::{ContentEncoding, SendErrorKind},
};

fn is_failed(notice: &Notice) -> bool {
    matches!(notice, Notice::Failed(_))
}

#[test]
fn f52_r20_ten_minutes_of_outage_stay_inside_the_bound_and_all_is_delivered_afterwards() {
    let queue =
        QueueConfig { max_spans: 1_000_000, max_bytes: 8 << 20, overflow: Overflow::DropNewest };
    let mut world = World::new();
    let lane = world.lane(Config { queue, ..long() });
    let mut outcomes = Vec::new();
    let back = world.now.mono.after(secs(600));
    // 1,000 spans a second, about 10 bytes each when compressed.
    for _ in 0..1_200 {
        outcomes.push(world.export_as(lane, 500, 5_000, ContentEncoding::Gzip));
        assert!(world.stats(lane).pending_bytes <= 8 << 20);
        world.serve(millis(500), |at, _| {
            if at < back { failed(SendErrorKind::Refused) } else { status(200) }
        });
    }
    let during = world.sent.len();
    assert!(during < 1_000, "{during} requests into a dead endpoint");
    world.serve(secs(3_000), |_, _| status(200));
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 500));
    let stats = world.stats(lane);
    assert_eq!((stats.delivered, stats.pending, stats.refused.total()), (600_000, 0, 0));
}

#[test]
fn f52_r21_a_representation_that_grows_does_not_break_the_bound() {
    const MAX_BYTES: u64 = 1 << 20;
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let queue = QueueConfig { max_spans: 1_000_000, max_bytes: MAX_BYTES, overflow };
        let mut world = World::new();
        let lane = world.lane(Config { queue, ..long() });
        let mut outcomes = Vec::new();
        let back = world.now.mono.after(secs(600));
        for _ in 0..1_200 {
            // Handed over as 3 kB, encoded as 8.
            let (permit, outcome) = world.admit(lane, 10, 3_000);
            if let Ok(permit) = permit {
                permit.recharge(8_000);
                let batch = world.encoded(lane, vec![permit], 8_000, ContentEncoding::Identity);
                world.step(super::super::dispatcher::Event::Ready(batch));
                outcomes.push(outcome);
            }
            let (charged, held) = (world.stats(lane).pending_bytes, world.waiting_bytes());
            // Those in flight are on credit: one probe while the breaker is open, four before.
            assert!(charged <= MAX_BYTES + 4 * 5_000, "{charged} bytes are charged");
            assert!(held <= MAX_BYTES, "{held} bytes of bodies wait");
            world.serve(millis(500), |at, _| {
                if at < back { failed(SendErrorKind::Refused) } else { status(200) }
            });
        }
        world.serve(secs(3_000), |_, _| status(200));
        let (mut delivered, mut dropped) = (0, 0);
        for outcome in outcomes {
            let outcome = outcome.try_recv().unwrap();
            delivered += outcome.delivered;
            dropped += outcome.dropped[DropReason::BytesFull];
        }
        let stats = world.stats(lane);
        assert_eq!((stats.delivered, stats.dropped.total()), (delivered, dropped));
        assert!(delivered >= MAX_BYTES / 8_000 * 10 - 10, "a full queue was delivered: {stats:?}");
        assert_eq!((stats.pending, stats.pending_bytes, world.waiting_bytes()), (0, 0, 0));
    }
}

#[test]
fn r20_the_bodies_of_evicted_batches_are_freed_at_once() {
    let queue = QueueConfig { max_spans: 10, max_bytes: 1 << 20, overflow: Overflow::DropOldest };
    let mut world = World::new();
    let lane = world.lane(Config { queue, max_concurrency: 1, ..long() });
    for _ in 0..100 {
        let _ = world.export(lane, 1);
        let stats = world.stats(lane);
        assert_eq!(world.waiting_bytes() + 100, stats.pending_bytes, "one is in flight");
    }
    let failed = world.notices.lock().unwrap().iter().filter(|notice| is_failed(notice)).count();
    assert_eq!(failed, 90, "each lost batch is told once (R75)");
}

#[test]
fn f52_what_does_not_fit_is_refused_and_counted() {
    let queue =
        QueueConfig { max_spans: 1_000, max_bytes: 1 << 30, overflow: Overflow::DropNewest };
    let mut world = World::new();
    let lane = world.lane(Config { queue, ..long() });
    for _ in 0..1_000 {
        let (permit, _) = world.admit(lane, 10, 10);
        if let Ok(permit) = permit {
            let batch = world.encoded(lane, vec![permit], 10, ContentEncoding::Identity);
            world.step(super::super::dispatcher::Event::Ready(batch));
        }
        assert!(world.stats(lane).pending <= 1_000);
    }
    assert_eq!(world.stats(lane).refused[DropReason::QueueFull], 9_000);
}

#[test]
fn drop_oldest_evicts_what_waits_and_never_what_is_in_flight() {
    let queue = QueueConfig { max_spans: 10, max_bytes: 1 << 20, overflow: Overflow::DropOldest };
    let mut world = World::new();
    let lane = world.lane(Config { queue, max_concurrency: 2, ..long() });
    let outcomes: Vec<_> = (0..15).map(|_| world.export(lane, 1)).collect();
    for (number, outcome) in outcomes.iter().enumerate() {
        let evicted =
            outcome.try_recv().is_ok_and(|outcome| outcome.dropped[DropReason::QueueFull] == 1);
        assert_eq!(evicted, (2..7).contains(&number), "batch {number}");
    }
    let (refused, _) = world.admit(lane, 11, 1);
    assert_eq!(refused.unwrap_err(), DropReason::QueueFull, "what can never fit evicts nobody");
    let (refused, _) = world.admit(lane, 9, 1);
    assert_eq!(
        refused.unwrap_err(),
        DropReason::QueueFull,
        "two are in flight: no room can be made"
    );
    assert_eq!(world.stats(lane).pending, 10);
    world.serve(secs(1), |_, _| status(200));
    assert_eq!(world.sent.len(), 10, "evicted batches are never posted");
    assert_eq!(world.stats(lane).delivered, 10);
}

#[test]
fn random_weather_settles_every_call_once() {
    let scenarios = std::env::var("OFFLOOP_WEATHER_SCENARIOS").ok();
    for seed in 0..scenarios.and_then(|number| number.parse().ok()).unwrap_or(10) {
        let mut weather = Jitter::seeded(seed * 31 + 5);
        let mut below = move |limit: u64| (weather.next() * limit as f64) as u64;
        let overflow = if seed % 2 == 0 { Overflow::DropNewest } else { Overflow::DropOldest };
        let queue = QueueConfig { max_spans: 300, max_bytes: 40_000, overflow };
        let base = if seed % 3 == 0 { long() } else { stock() };
        let mut world = World::seeded(seed);
        let lanes =
            [world.lane(Config { queue, ..base.clone() }), world.lane(Config { queue, ..base })];
        let mut outcomes = Vec::new();
        for _ in 0..400 {
            let lane = lanes[below(2) as usize];
            match below(10) {
                0..=4 => {
                    let spans = 1 + below(30);
                    let (permit, outcome) = world.admit(lane, spans, spans * 100);
                    if let Ok(permit) = permit {
                        let encoding = if below(2) == 0 {
                            ContentEncoding::Gzip
                        } else {
                            ContentEncoding::Identity
                        };
                        let batch = world.encoded(lane, vec![permit], spans * 100, encoding);
                        world.step(super::super::dispatcher::Event::Ready(batch));
                    }
                    outcomes.push((spans, outcome));
                }
                5..=7 if !world.open.is_empty() => {
                    let outcome = match below(12) {
                        0..=4 => status(200),
                        5 => status(503),
                        6 => throttled(429, "3"),
                        7 => status(413),
                        8 => status(415),
                        9 => status(400),
                        10 => failed(SendErrorKind::Reset),
                        _ => status(401),
                    };
                    let batch = world.open[below(world.open.len() as u64) as usize].batch;
                    world.answer_batch(batch, outcome);
                }
                8 => {
                    let mode = if below(2) == 0 {
                        super::super::flush::FlushMode::Attempt
                    } else {
                        super::super::flush::FlushMode::Terminal
                    };
                    let _ = world.flush(lane, mode, millis(below(5_000)));
                }
                _ => world.advance(millis(below(2_000))),
            }
        }
        for lane in lanes {
            world.shutdown(lane, millis(below(3_000)));
        }
        world.serve(secs(5), |_, _| status(200));
        assert_eq!(world.closed.len(), 2, "seed {seed}");
        for (spans, outcome) in outcomes {
            let result = outcome
                .try_recv()
                .unwrap_or_else(|_| panic!("seed {seed}: a call was not answered"));
            if result.dropped[DropReason::InternalError] == 0 && result.error.is_none() {
                assert_eq!(
                    result.delivered + result.rejected + result.dropped.total(),
                    spans,
                    "seed {seed}"
                );
            }
            assert!(outcome.try_recv().is_err(), "answered twice");
        }
        for lane in lanes {
            let stats = world.stats(lane);
            assert_eq!(
                (stats.pending, stats.pending_bytes, stats.exports_under_way),
                (0, 0, 0),
                "seed {seed}"
            );
        }
        assert_eq!(world.dispatcher.next_wake(), None, "seed {seed}: a timer is left");
    }
}
