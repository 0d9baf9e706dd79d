//! What one lane is told and what every lane of an endpoint knows: each cell of the table in `docs/delivery.md`, with two
//! lanes that have the same endpoint.

use super::super::simulation::{World, failed, long, millis, secs, status, throttled};
use crate::{
    config::Config,
    pipeline::{dispatcher::Event, ids::LaneId},
    sink::{
        ContentEncoding, SendError,
        SendErrorKind::{self, Dns, Malformed, Other, Refused, Reset, TimedOut, Tls, Unreachable},
        SendOutcome,
    },
    stats::BreakerState,
};

fn two() -> (World, LaneId, LaneId) {
    let mut world = World::new();
    let config = || Config { max_concurrency: 16, ..long() };
    let (one, other) = (world.lane(config()), world.lane(config()));
    (world, one, other)
}

/// Whether `lane` sends what it is given now.
fn sends(world: &mut World, lane: LaneId) -> bool {
    let before = world.sent.len();
    let _outcome = world.export(lane, 1);
    world.sent[before..].iter().any(|sent| sent.attempt.lane == lane)
}

fn ill(world: &mut World, lane: LaneId, times: usize, answer: &dyn Fn() -> SendOutcome) {
    let outcomes: Vec<_> = (0..times).map(|_| world.export(lane, 1)).collect();
    for _ in outcomes {
        world.answer(answer());
    }
}

#[test]
fn what_the_network_says_is_known_to_every_lane_of_the_endpoint() {
    let gave_up = || {
        let error = SendError::new(TimedOut, "connect ETIMEDOUT").with_code("ETIMEDOUT");
        SendOutcome::Failed(error)
    };
    let of =
        |kind: SendErrorKind| -> Box<dyn Fn() -> SendOutcome> { Box::new(move || failed(kind)) };
    for answer in [of(Refused), of(Dns), of(Unreachable), of(Tls), Box::new(gave_up)] {
        let (mut world, one, other) = two();
        ill(&mut world, one, 5, &answer);
        assert_eq!(world.dispatcher.breaker(other), BreakerState::Open, "{:?}", answer());
        assert!(!sends(&mut world, other), "{:?}", answer());
        // One finds out for all that it is back.
        world.serve(secs(40), |_, _| status(200));
        assert!(sends(&mut world, one) && sends(&mut world, other), "{:?}", answer());
    }
}

#[test]
fn another_way_to_the_same_endpoint_is_another_network() {
    let mut world = World::new();
    let ways = ["", "certificates 1", "socket 2"];
    let lanes =
        ways.map(|way| world.lane(Config { way: way.to_owned(), max_concurrency: 16, ..long() }));
    ill(&mut world, lanes[1], 5, &|| failed(Tls));
    assert!(sends(&mut world, lanes[0]) && sends(&mut world, lanes[2]));
    assert!(!sends(&mut world, lanes[1]));
}

#[test]
fn what_an_answer_says_is_told_to_its_lane_alone() {
    let answers: [(usize, Box<dyn Fn() -> SendOutcome>); 11] = [
        (1, Box::new(|| throttled(429, "30"))),
        (1, Box::new(|| throttled(503, "30"))),
        (5, Box::new(|| status(502))),
        (5, Box::new(|| status(503))),
        (5, Box::new(|| status(504))),
        (1, Box::new(|| status(401))),
        (1, Box::new(|| status(403))),
        (5, Box::new(|| failed(Reset))),
        (5, Box::new(|| failed(TimedOut))),
        (5, Box::new(|| failed(Malformed))),
        (5, Box::new(|| failed(Other))),
    ];
    for (times, answer) in answers {
        let (mut world, one, other) = two();
        ill(&mut world, one, times, &answer);
        assert!(!sends(&mut world, one), "it holds: {:?}", answer());
        assert!(sends(&mut world, other), "{:?}", answer());
        world.answer(status(200));
        assert!(!sends(&mut world, one), "what is well for one is not for all: {:?}", answer());
    }
}

#[test]
fn whoever_is_answered_knows_that_the_way_is_open() {
    for answer in [status(401), status(429), status(503), status(400), failed(Reset)] {
        let (mut world, one, other) = two();
        ill(&mut world, one, 5, &|| failed(Refused));
        assert!(!sends(&mut world, other));
        world.advance(secs(1));
        let text = format!("{answer:?}");
        world.answer(answer);
        assert_eq!(world.dispatcher.breaker(other), BreakerState::Closed, "{text}");
    }
}

#[test]
fn a_probe_without_an_answer_does_not_make_the_others_wait() {
    let (mut world, one, other) = two();
    ill(&mut world, one, 5, &|| failed(Refused));
    let _held = world.export(other, 1);
    world.advance(secs(1));
    assert_eq!(world.open.len(), 1, "one probe for both");
    world.answer(failed(TimedOut));
    assert_eq!(world.dispatcher.breaker(other), BreakerState::Closed);
    assert!(world.open.iter().any(|open| open.lane == other));
}

#[test]
fn the_retry_budget_is_the_lane_s_own() {
    let (mut world, one, other) = two();
    // One of eight is taken, so that the breaker stays closed while batches come to need the budget.
    let _outcomes: Vec<_> = (0..60).map(|_| world.export(one, 1)).collect();
    let mut count = 0;
    world.serve(secs(8), |_, _| {
        count += 1;
        status(if count % 8 == 0 { 200 } else { 503 })
    });
    world.advance(secs(9));
    let retries = |world: &World, lane: LaneId| {
        world.open.iter().filter(|open| open.lane == lane && open.number > 1).count()
    };
    assert_eq!(retries(&world, one), 10);
    let open = retries(&world, one);
    let _outcomes: Vec<_> = (0..4).map(|_| world.export(other, 1)).collect();
    while let Some(at) = world.open.iter().position(|each| each.lane == other && each.number == 1) {
        let attempt = world.open.remove(at);
        world.step(Event::AttemptDone { attempt, outcome: Box::new(status(503)) });
    }
    world.advance(secs(1));
    assert_eq!(retries(&world, one), open);
    assert_eq!(retries(&world, other), 4, "it repeats as it would alone");
}

#[test]
fn the_size_limit_and_the_encoding_are_the_lane_s_own() {
    let (mut world, one, other) = two();
    let _split = world.export_as(one, 8, 8_000, ContentEncoding::Identity);
    world.answer(status(413));
    let sizes = |world: &World, lane: LaneId, from: usize| -> Vec<usize> {
        let sent = world.sent[from..].iter().filter(|sent| sent.attempt.lane == lane);
        sent.map(|sent| sent.request.body.len()).collect()
    };
    let from = world.sent.len();
    let _small = world.export_as(one, 8, 8_000, ContentEncoding::Identity);
    let _large = world.export_as(other, 8, 8_000, ContentEncoding::Identity);
    assert_eq!(sizes(&world, one, from), [4_000, 4_000], "split before it is tried");
    assert_eq!(sizes(&world, other, from), [8_000]);

    let (mut world, one, other) = two();
    let _plain = world.export_as(one, 8, 800, ContentEncoding::Gzip);
    world.answer(status(415));
    let later = world.lane(long());
    for lane in [one, other, later] {
        let _outcome = world.export_as(lane, 8, 800, ContentEncoding::Gzip);
        let sent = world.sent.iter().rfind(|sent| sent.attempt.lane == lane);
        let expected = if lane == one { ContentEncoding::Identity } else { ContentEncoding::Gzip };
        assert_eq!(sent.map(|sent| sent.request.encoding), Some(expected));
    }
}

#[test]
fn new_credentials_are_tried_at_once_and_nothing_that_was_held_is_lost() {
    for code in [401, 403] {
        let (mut world, one, _) = two();
        ill(&mut world, one, 1, &|| status(code));
        let held = world.export(one, 3);
        world.advance(secs(9));
        assert!(world.open.is_empty());
        world.step(Event::CredentialsChanged { lane: one });
        assert_eq!(world.open.len(), 1, "without waiting for the next probe");
        world.answer(status(200));
        assert_eq!(held.try_recv().unwrap().delivered, 3);
        assert_eq!(world.dispatcher.breaker(one), BreakerState::Closed);
    }
}

#[test]
fn an_answer_to_old_credentials_says_nothing_about_new_ones() {
    let (mut world, one, _) = two();
    let _old = [world.export(one, 1), world.export(one, 1)];
    world.answer(status(401));
    world.step(Event::CredentialsChanged { lane: one });
    world.answer(status(401));
    assert!(sends(&mut world, one), "the second answer was to the old ones, too");
    world.answer(status(401));
    assert!(!sends(&mut world, one), "this one was to the new ones");
    world.advance(millis(29_999));
    assert!(world.open.is_empty(), "a bad key must not hammer");
}
