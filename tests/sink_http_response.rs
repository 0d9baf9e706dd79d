//! What the HTTP sink reports of responses: heads, bodies, limits and reuse (F10 to F21, F33).
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

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use attempt::{config, failure, http_sink, reply, request, request_within, send};
use offloop::sink::{ContentEncoding, Request, SendErrorKind, SendOutcome, Sink, http::HttpSink};
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
    assert_eq!(reply.retry_after.as_deref(), Some("3"), "the first of several");
    assert_eq!(reply.date.as_deref(), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
    assert_eq!(&reply.body[..], b"busy");
    assert!(reply.body_error.is_none());
}

/// Answers every request of every connection with `response` and then closes.
fn answering(response: &'static str) -> RawServer {
    RawServer::start(move |mut peer: Peer| {
        if peer.request().is_some() {
            peer.write(response);
            peer.finish();
        }
    })
}

/// Answers with `response` and leaves the connection open.
fn stalling(response: &'static str) -> RawServer {
    RawServer::start(move |mut peer: Peer| {
        peer.request();
        peer.write(response);
        peer.wait_for_close();
    })
}

#[test]
fn reasons_come_as_received_or_as_the_standard_has_them() {
    let cases = [
        (
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
            "Internal Server Error",
        ),
        ("HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n", "Nope"),
        ("HTTP/1.0 503 Busy\r\n\r\n", "Busy"),
        ("HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n", ""),
    ];
    for (response, reason) in cases {
        assert_eq!(reply(send(&http_sink(&answering(response).url()), request(10))).reason, reason);
    }
}

#[test]
fn f10_an_early_413_is_used_though_the_body_was_not_read() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.head();
        peer.write(
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge",
        );
        peer.finish();
    });
    let reply = reply(send(&http_sink(&server.url()), request(16 << 20)));
    assert_eq!((reply.status, &reply.body[..]), (413, &b"large"[..]));
}

#[test]
fn f10_a_413_that_a_reset_overtakes_is_read_where_the_system_keeps_it() {
    // Node 20 and 24 lose four of five such responses to "write ECONNRESET": the reset races the client's writes.
    for round in 0..20 {
        let server = RawServer::start(move |mut peer: Peer| {
            peer.head();
            // Closing with the body unread makes the system send a reset. An answer without a length ends with it.
            let length = if round % 2 == 0 { "Content-Length: 0\r\n" } else { "" };
            peer.write(format!(
                "HTTP/1.1 413 Content Too Large\r\n{length}Connection: close\r\n\r\n"
            ));
        });
        match send(&http_sink(&server.url()), request(16 << 20)) {
            SendOutcome::Reply(reply) => {
                assert_eq!((reply.status, reply.body_error), (413, None), "round {round}");
            }
            outcome if cfg!(target_os = "linux") => panic!("the answer had come: {outcome:?}"),
            outcome => assert_eq!(failure(outcome).kind, SendErrorKind::Reset),
        }
    }
}

#[test]
fn f12_a_body_that_stalls_leaves_its_status() {
    let server = stalling("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nhalf");
    let reply = reply(send(&http_sink(&server.url()), request_within(150)));
    assert_eq!((reply.status, &reply.body[..]), (200, &b"half"[..]));
    let error = reply.body_error.unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (SendErrorKind::TimedOut, "Request timed out")
    );
}

#[test]
fn f13_f14_a_drip_ends_at_the_total_time() {
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", ""] {
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.write(head);
            let drip = if head.is_empty() { "HTTP/1.1 200 OK\r\nX-Long: " } else { "" };
            for byte in drip.bytes().chain(std::iter::repeat(b'x')) {
                if !peer.write([byte]) {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        let started = Instant::now();
        let outcome = send(&http_sink(&server.url()), request_within(300));
        let error = match outcome {
            SendOutcome::Reply(reply) if !head.is_empty() => reply.body_error.unwrap(),
            outcome => failure(outcome),
        };
        assert_eq!(error.message, "Request timed out");
        assert!((300..2_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    }
}

#[test]
fn f15_a_connection_that_breaks_in_the_body_leaves_its_status() {
    for status in [200, 503, 400] {
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.write(format!("HTTP/1.1 {status} X\r\nContent-Length: 30\r\n\r\nhalf"));
            thread::sleep(Duration::from_millis(50));
            peer.reset();
        });
        let reply = reply(send(&http_sink(&server.url()), request(10)));
        assert_eq!((reply.status, &reply.body[..]), (status, &b"half"[..]));
        let error = reply.body_error.unwrap();
        assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::Reset, Some("ECONNRESET")));
        assert_eq!(error.message, "read ECONNRESET");
    }
    let server = answering("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nhalf");
    let error = reply(send(&http_sink(&server.url()), request(10))).body_error.unwrap();
    assert_eq!((error.message.as_str(), error.code.as_deref()), ("aborted", Some("ECONNRESET")));
    let server = answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n");
    let error = reply(send(&http_sink(&server.url()), request(10))).body_error.unwrap();
    assert_eq!(error.code.as_deref(), Some("HPE_INVALID_CHUNK_SIZE"), "{error:?}");
}

#[test]
fn f16_interim_responses_are_skipped() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        peer.write(interim);
        thread::sleep(Duration::from_millis(20));
        peer.respond("202 Accepted", "", b"later");
    });
    let reply = reply(send(&http_sink(&server.url()), request(10)));
    assert_eq!((reply.status, &reply.body[..]), (202, &b"later"[..]));
}

#[test]
fn f20_success_without_a_body_is_complete() {
    for response in
        ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
    {
        let reply = reply(send(&http_sink(&stalling(response).url()), request(10)));
        assert!(reply.body.is_empty() && reply.body_error.is_none(), "{reply:?}");
    }
}

#[test]
fn f21_redirects_are_reported_and_not_followed() {
    let target = RawServer::start(|mut peer: Peer| drop(peer.request()));
    for status in [301, 302, 303, 307, 308] {
        let location = target.url();
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.respond(&format!("{status} Moved"), &format!("Location: {location}\r\n"), b"");
        });
        let reply = reply(send(&http_sink(&server.url()), request(10)));
        assert_eq!((reply.status, reply.location), (status, Some(target.url())));
        assert_eq!(server.received().len(), 1);
    }
    assert_eq!(target.connections(), 0);
}

#[test]
fn f33_a_body_over_the_cap_is_left_and_its_connection_closed() {
    for announced in [true, false] {
        let (closed, was_closed) = mpsc::channel();
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            let length = if announced { "Content-Length: 1000000000\r\n" } else { "" };
            peer.write(format!("HTTP/1.1 200 OK\r\n{length}\r\n"));
            let piece = vec![b'x'; 64 * 1024];
            let mut written = 0;
            while peer.write(&piece) {
                written += piece.len();
            }
            closed.send(written).unwrap();
        });
        let started = Instant::now();
        let sink = http_sink(&server.url());
        let runtime = attempt::runtime();
        let reply = reply(runtime.block_on(sink.send(request(10))));
        assert!(started.elapsed() < Duration::from_secs(2));
        let error = reply.body_error.unwrap();
        assert_eq!(error.kind, SendErrorKind::ResponseTooLarge);
        assert_eq!(error.message, "OTLP export response body exceeded size limit of 4194304 bytes");
        assert!(reply.body.len() <= 4 << 20);
        // The runtime goes on, as the pipeline's does.
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        let written = was_closed.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(written < 32 << 20, "{written} bytes");
    }
}

#[test]
fn f33_a_body_of_exactly_the_cap_is_read_and_gzip_is_not_unpacked() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", "Content-Encoding: gzip\r\n", &vec![7; 4 << 20]);
    });
    let reply = reply(send(&http_sink(&server.url()), request(10)));
    assert!(reply.body_error.is_none());
    assert!(reply.body.len() == 4 << 20 && reply.body.iter().all(|&byte| byte == 7));
}

#[test]
fn an_answer_that_is_there_before_the_question_is_read() {
    for (status, text) in
        [(503, "503 Service Unavailable"), (413, "413 Too Large"), (200, "200 OK")]
    {
        for closes in [false, true] {
            let server = RawServer::start(move |mut peer: Peer| {
                peer.respond(text, "Connection: close\r\n", b"");
                if !closes {
                    peer.wait_for_close();
                }
            });
            let sink = http_sink(&server.url());
            // A race between the answer and the request: the client has to be the same whoever wins.
            for _ in 0..10 {
                match send(&sink, request(10)) {
                    SendOutcome::Reply(reply) => assert_eq!(reply.status, status),
                    // The server has closed before it had read the request, which resets the connection.
                    SendOutcome::Failed(error) => {
                        assert_eq!((error.kind, closes), (SendErrorKind::Reset, true), "{error}");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn switching_protocols_is_no_answer() {
    for headers in ["Connection: upgrade\r\nUpgrade: h2c\r\n", ""] {
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.write(format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n"));
            peer.wait_for_close();
        });
        let error = failure(send(&http_sink(&server.url()), request(10)));
        assert_eq!(error.kind, SendErrorKind::Reset);
        assert_eq!(error.message, "socket hang up");
    }
}

#[test]
fn versions_of_http_that_node_takes_are_taken() {
    for (answer, connections) in [
        ("HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok", 1),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 2),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1),
    ] {
        let server = RawServer::start(move |mut peer: Peer| {
            while peer.request().is_some() {
                peer.write(answer);
            }
        });
        let (sink, runtime) = (http_sink(&server.url()), attempt::runtime());
        for _ in 0..2 {
            let reply = reply(runtime.block_on(sink.send(request(10))));
            assert_eq!((reply.status, &reply.body[..]), (200, &b"ok"[..]), "{answer:?}");
            assert!(reply.body_error.is_none(), "{answer:?}");
        }
        assert_eq!(server.connections(), connections, "{answer:?}");
    }
}
