//! What the statuses of gRPC do to a batch and to those behind it.

use super::super::{
    dispatcher::Work,
    simulation::{World, failed, long, millis, secs, stock},
};
use crate::{
    config::{Compression, Config},
    error::{DropReason, FailureKind},
    otlp::Protocol,
    sink::{CallEnd, ContentEncoding, SendErrorKind, SendOutcome},
};

fn grpc(config: Config) -> Config {
    Config { protocol: Protocol::Grpc, ..config }
}

fn ended(code: u32, details: &str) -> SendOutcome {
    SendOutcome::Called(CallEnd::new(code, details))
}

#[test]
fn a_failure_has_the_code_the_details_and_the_metadata_of_the_answer() {
    let mut world = World::new();
    let lane = world.lane(grpc(stock()));
    let outcome = world.export(lane, 5);
    let metadata = vec![("x-a".to_owned(), "1".to_owned())];
    world.answer(SendOutcome::Called(CallEnd { metadata, ..CallEnd::new(3, "bad spans") }));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!(outcome.dropped[DropReason::NonRetryable], 5);
    let error = outcome.error.unwrap();
    assert_eq!((error.kind, error.code.as_str()), (FailureKind::Grpc, "3"));
    assert_eq!(error.message, "bad spans");
    assert_eq!(error.metadata, [("x-a".to_owned(), "1".to_owned())]);
    assert_eq!((error.http_status, error.body), (None, None));
}

#[test]
fn a_call_that_got_no_status_fails_with_one() {
    for (kind, code) in [(SendErrorKind::TlsUnsure, "14"), (SendErrorKind::ResponseTooLarge, "8")] {
        let mut world = World::new();
        let lane = world.lane(grpc(stock()));
        let outcome = world.export(lane, 1);
        world.answer(failed(kind));
        let error = outcome.try_recv().unwrap().error.unwrap();
        assert_eq!((error.kind, error.code.as_str()), (FailureKind::Grpc, code), "{kind:?}");
    }
}

#[test]
fn an_unavailable_endpoint_is_asked_again_after_the_wait_that_it_names() {
    let mut world = World::new();
    let lane = world.lane(grpc(stock()));
    let outcome = world.export(lane, 5);
    let delay = Some(secs(3));
    world.answer(SendOutcome::Called(CallEnd { retry_delay: delay, ..CallEnd::new(14, "later") }));
    world.advance(millis(2_999));
    assert_eq!(world.sent.len(), 1);
    world.advance(millis(1));
    assert_eq!(world.sent.len(), 2);
    world.answer(SendOutcome::Called(CallEnd::default()));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!((outcome.delivered, outcome.attempts), (5, 2));
}

#[test]
fn the_last_of_several_failures_is_told_with_its_code() {
    let mut world = World::new();
    let lane = world.lane(grpc(stock()));
    let outcome = world.export(lane, 5);
    world.serve(secs(20), |_, _| ended(14, "down for today"));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!(outcome.dropped[DropReason::RetriesExhausted], 5);
    let error = outcome.error.unwrap();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("14", "down for today"));
    assert_eq!(error.to_string(), "14 UNAVAILABLE: down for today");
}

#[test]
fn batches_of_several_spans_are_split_above_the_limit_and_a_large_span_goes_out() {
    let mut world = World::new();
    let lane = world.lane(Config { split_above_bytes: 1_000, ..grpc(stock()) });
    let outcome = world.export(lane, 64);
    world.serve(secs(1), |_, request| {
        assert!(request.body.len() <= 1_000);
        SendOutcome::Called(CallEnd::default())
    });
    assert_eq!(outcome.try_recv().unwrap().delivered, 64);
    let single = world.export_as(lane, 1, 5_000, ContentEncoding::Identity);
    world.answer(SendOutcome::Called(CallEnd::default()));
    assert_eq!(single.try_recv().unwrap().delivered, 1);
    let _at_the_limit = world.export_as(lane, 5, 1_000, ContentEncoding::Identity);
    assert_eq!(world.sent.last().unwrap().request.spans, 5);
}

#[test]
fn a_message_that_the_endpoint_finds_too_large_is_split() {
    let mut world = World::new();
    let lane = world.lane(grpc(stock()));
    let outcome = world.export(lane, 100);
    world.serve(secs(5), |_, request| match request.body.len() {
        0..=1_000 => SendOutcome::Called(CallEnd::default()),
        _ => ended(8, "grpc: received message larger than max (5 vs. 4)"),
    });
    let outcome = outcome.try_recv().unwrap();
    assert_eq!((outcome.delivered, outcome.dropped.total()), (100, 0));
    let lone = world.export_as(lane, 1, 2_000, ContentEncoding::Identity);
    world.answer(ended(8, "grpc: received message larger than max (5 vs. 4)"));
    assert_eq!(lone.try_recv().unwrap().dropped[DropReason::TooLarge], 1);
}

#[test]
fn a_compression_that_is_refused_is_left_for_good() {
    let mut world = World::new();
    let lane = world.lane(Config { compression: Compression::Gzip, ..grpc(long()) });
    let outcome = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
    world.answer(ended(12, "Decompressor is not installed for grpc-encoding \"gzip\""));
    assert_eq!(world.sent[1].request.encoding, ContentEncoding::Identity);
    world.answer(SendOutcome::Called(CallEnd::default()));
    assert_eq!(outcome.try_recv().unwrap().delivered, 5);
    assert_eq!(world.reworks, [Work::Reencode(ContentEncoding::Identity)]);
    assert_eq!(world.lanes[&lane].encoding(), ContentEncoding::Identity);
}

#[test]
fn a_success_that_names_what_the_endpoint_takes_limits_the_next_batches() {
    let mut world = World::new();
    let lane = world.lane(Config { compression: Compression::Gzip, ..grpc(long()) });
    let outcome = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
    world.answer(SendOutcome::Called(CallEnd { lacks_gzip: true, ..CallEnd::default() }));
    assert_eq!(outcome.try_recv().unwrap().delivered, 5);
    assert_eq!(world.reworks, [], "the endpoint has the data");
    assert_eq!(world.lanes[&lane].encoding(), ContentEncoding::Identity);
    let _next = world.export_as(lane, 5, 500, ContentEncoding::Gzip);
    assert_eq!(world.sent[1].request.encoding, ContentEncoding::Identity);
}

#[test]
fn an_attempt_without_an_answer_keeps_the_code_of_the_one_before() {
    let mut world = World::new();
    let lane = world.lane(grpc(stock()));
    let outcome = world.export(lane, 5);
    world.answer(ended(14, "busy"));
    world.advance(secs(20));
    let error = outcome.try_recv().unwrap().error.unwrap();
    assert_eq!(error.code, "14");
    assert_eq!(error.message, "Deadline exceeded; the attempt before: busy");
}
