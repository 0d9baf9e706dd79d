//! Requests that go out in another form than the first.

use super::super::{
    dispatcher::Work,
    simulation::{World, long, secs, status, stock},
};
use crate::{config::Config, error::DropReason, sink::ContentEncoding};

#[test]
fn f26_a_batch_that_is_too_large_is_split_until_it_fits() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcome = world.export(lane, 100);
    world.serve(secs(5), |_, request| status(if request.body.len() > 1_000 { 413 } else { 200 }));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!((outcome.delivered, outcome.dropped.total()), (100, 0));
    assert!(world.sent.len() <= 200, "{} requests", world.sent.len());
    // The limit is remembered: the next batch is not tried whole.
    let before = world.sent.len();
    let _next = world.export(lane, 100);
    assert!(world.sent[before].request.spans < 100);
}

#[test]
fn f26_a_single_span_that_is_too_large_is_dropped() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcome = world.export(lane, 1);
    world.answer(status(413));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!(outcome.dropped[DropReason::TooLarge], 1);
    assert_eq!(outcome.error.unwrap().http_status, Some(413));
}

#[test]
fn f26_what_was_split_is_tried_before_it_is_split_again() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 2, ..stock() });
    let outcome = world.export(lane, 3);
    world.answer(status(413));
    // The larger part is above what the endpoint is believed to take now.
    let spans: Vec<_> = world.sent.iter().map(|sent| sent.request.spans).collect();
    assert_eq!(spans, [3, 1, 2]);
    world.answer(status(200));
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 3);
}

#[test]
fn f26_a_batch_is_split_above_what_the_endpoint_takes_and_not_at_it() {
    for (bytes, spans) in [(625, 5), (626, 2)] {
        let mut world = World::new();
        let lane = world.lane(Config { max_concurrency: 8, ..stock() });
        let _refused = world.export_as(lane, 2, 1_000, ContentEncoding::Identity);
        world.answer(status(413));
        assert_eq!(world.sent.len(), 3, "the halves are under way");
        let _next = world.export_as(lane, 5, bytes, ContentEncoding::Identity);
        assert_eq!(world.sent[3].request.spans, spans, "{bytes} bytes");
    }
}

#[test]
fn f26_can_be_switched_off() {
    let mut world = World::new();
    let lane = world.lane(Config { split_on_413: false, ..stock() });
    let outcome = world.export(lane, 100);
    world.answer(status(413));
    assert_eq!(outcome.try_recv().unwrap().dropped[DropReason::TooLarge], 100);
    assert!(world.reworks.is_empty());
}

#[test]
fn f36_a_request_over_the_limit_is_split_before_it_is_sent() {
    let mut world = World::new();
    let lane = world.lane(Config { max_request_bytes: 1_000, ..stock() });
    let outcome = world.export(lane, 64);
    world.serve(secs(1), |_, request| {
        assert!(request.body.len() <= 1_000);
        status(200)
    });
    assert_eq!(outcome.try_recv().unwrap().delivered, 64);
    let single = world.export_as(lane, 1, 1_001, ContentEncoding::Identity);
    assert_eq!(single.try_recv().unwrap().dropped[DropReason::TooLarge], 1);
    let exact = world.export_as(lane, 1, 1_000, ContentEncoding::Identity);
    world.answer(status(200));
    assert_eq!(exact.try_recv().unwrap().delivered, 1);
}

#[test]
fn a_415_to_a_compressed_body_is_resent_plain_and_remembered() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcome = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
    world.answer(status(415));
    assert_eq!(world.sent[1].request.encoding, ContentEncoding::Identity);
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 5);
    let _next = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
    assert_eq!(
        world.sent[2].request.encoding,
        ContentEncoding::Identity,
        "what was compressed already is undone"
    );
    assert_eq!(world.reworks, [Work::Reencode(ContentEncoding::Identity); 2]);
}

#[test]
fn a_400_to_a_compressed_body_is_resent_once_and_remembered_only_if_that_helped() {
    for (second, remembered) in [(200, true), (400, false)] {
        let mut world = World::new();
        let lane = world.lane(long());
        let outcome = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
        world.answer(status(400));
        world.answer(status(second));
        let outcome = outcome.try_recv().unwrap();
        assert_eq!((outcome.delivered == 5, world.sent.len()), (remembered, 2));
        let _next = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
        let expected = if remembered { ContentEncoding::Identity } else { ContentEncoding::Gzip };
        assert_eq!(world.sent[2].request.encoding, expected);
    }
}

#[test]
fn a_zstd_body_falls_back_to_gzip_first() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export_as(lane, 5, 500, ContentEncoding::Zstd);
    world.answer(status(415));
    assert_eq!(world.sent[1].request.encoding, ContentEncoding::Gzip);
}

#[test]
fn f22_f24_a_plain_400_or_404_is_final() {
    for code in [400, 404, 405, 415] {
        let mut world = World::new();
        let lane = world.lane(long());
        let outcome = world.export(lane, 5);
        world.answer(status(code));
        let outcome = outcome.try_recv().unwrap();
        assert_eq!(outcome.dropped[DropReason::NonRetryable], 5);
        assert_eq!(outcome.error.unwrap().code, code.to_string());
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn what_the_endpoint_chokes_on_is_known_to_the_workers_of_the_lane_that_was_told() {
    let mut world = World::new();
    let one = world.lane(Config { compression: crate::config::Compression::Gzip, ..long() });
    let _outcome = world.export_as(one, 5, 500, ContentEncoding::Gzip);
    world.answer(status(415));
    let later = world.lane(Config { compression: crate::config::Compression::Gzip, ..long() });
    assert_eq!(world.lanes[&one].encoding(), ContentEncoding::Identity);
    assert_eq!(world.lanes[&later].encoding(), ContentEncoding::Gzip);
}
