//! What the HTTP sink reports of responses: heads, bodies, limits and reuse (F7–F21, F33).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/attempt.rs"]
mod attempt;
#[path = "support/raw_server.rs"]
mod raw_server;

use attempt::{config, http_sink, reply, request, send};
use offloop::sink::{ContentEncoding, Request, http::HttpSink};
use raw_server::{Peer, RawServer};

#[test]
fn the_request_is_what_the_stock_exporter_sends_but_with_a_length() {
    let server = RawServer::start(|mut peer: Peer| {
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
        }
    });
    let mut config =
        config(&format!("http://us%40er:pass@{}/base/v1/traces?x=1&y=%20z", server.address));
    config.headers =
        vec![("X-Key".into(), "k".into()), ("content-type".into(), "text/plain".into())];
    let sink = HttpSink::new(config).unwrap();
    let gzip = Request { encoding: ContentEncoding::Gzip, ..request(100_000) };
    assert_eq!(reply(send(&sink, gzip)).status, 200);
    let received = &server.received()[0];
    assert!(
        received.head.starts_with("POST /base/v1/traces?x=1&y=%20z HTTP/1.1\r\n"),
        "{}",
        received.head
    );
    assert_eq!(received.header("host").unwrap(), server.address.to_string());
    assert_eq!(received.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(received.header("content-encoding"), Some("gzip"));
    assert_eq!(received.header("user-agent"), Some("OTel-OTLP-Exporter-JavaScript/0.0.0"));
    assert_eq!(received.header("content-length"), Some("100000"));
    assert_eq!(received.header("transfer-encoding"), None);
    assert_eq!(received.header("accept-encoding"), None);
    assert_eq!(received.header("x-key"), Some("k"));
    assert_eq!(received.header("authorization"), Some("Basic dXNAZXI6cGFzcw=="));
    assert_eq!(received.body.len(), 100_000);
}

#[test]
fn the_reply_carries_every_fact_of_the_head() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        let headers = "Retry-After: 3\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nretry-after: 7\r\n";
        peer.respond("503 Come  back later", headers, b"busy");
    });
    let reply = reply(send(&http_sink(&server.url()), request(10)));
    assert_eq!((reply.status, reply.reason.as_str()), (503, "Come  back later"));
    assert_eq!(reply.retry_after, ["3", "7"]);
    assert_eq!(reply.date.as_deref(), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
    assert_eq!(&reply.body[..], b"busy");
    assert!(reply.body_error.is_none());
}
