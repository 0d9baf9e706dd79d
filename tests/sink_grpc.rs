//! OTLP over gRPC: what goes out, and how every kind of answer is read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/grpc_client.rs"]
mod grpc_client;
#[path = "support/h2_peer.rs"]
mod h2_peer;
#[path = "support/raw_server.rs"]
mod raw_server;

use std::{io::Write as _, time::Duration};

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use grpc_client::{Client, config, end, failure, request, request_within};
use h2_peer::{H2Peer, header_block, prefixed};
use offloop::sink::{CallEnd, ContentEncoding, Request, SendErrorKind, grpc::GrpcConfig};
use raw_server::RawServer;

/// A server whose answer to each call is a script.
fn server(answer: impl Fn(&mut H2Peer, h2_peer::Call) + Send + Sync + 'static) -> RawServer {
    RawServer::start(move |peer| {
        let Some(mut h2) = H2Peer::accept(peer, &[]) else { return };
        while let Some(call) = h2.call() {
            answer(&mut h2, call);
        }
    })
}

fn ended_by(answer: impl Fn(&mut H2Peer, h2_peer::Call) + Send + Sync + 'static) -> CallEnd {
    Client::of(&server(answer)).end()
}

fn pairs(metadata: &[(&str, &str)]) -> Vec<(String, String)> {
    metadata.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn a_call_is_one_message_behind_five_bytes_and_calls_share_one_connection() {
    let server = server(|h2, call| {
        let (prefix, message) = call.body.split_at(5);
        assert!(message.iter().all(|&byte| byte == b'x'));
        let said = [prefix, &u32::try_from(message.len()).unwrap().to_be_bytes()].concat();
        h2.answer(call.stream, &said, &[("grpc-status", "0")]);
    });
    let client = Client::of(&server);
    for (bytes, encoding, flag) in [
        (0, ContentEncoding::Identity, 0),
        (10, ContentEncoding::Identity, 0),
        (300, ContentEncoding::Gzip, 1),
        (1_000_000, ContentEncoding::Identity, 0),
    ] {
        let end = end(client.send(Request { encoding, ..request(bytes) }));
        assert_eq!((end.code, end.details.as_str()), (0, ""));
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        assert_eq!(end.message, [&[flag][..], &length, &length].concat(), "{bytes}");
    }
    let many = client.send_all((0..30).map(|_| request(10)).collect());
    assert!(many.into_iter().all(|outcome| end(outcome).code == 0));
    assert_eq!(server.connections(), 1);
}
