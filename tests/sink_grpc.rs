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

#[test]
fn a_status_and_everything_beside_it_is_read_from_trailers() {
    let end = ended_by(|h2, call| {
        let trailers = [
            ("x-first", "1"),
            ("grpc-status", "9"),
            ("grpc-message", "not%20now%2C%E2%82%AC"),
            ("x-many", "a"),
            ("x-many", "b"),
            ("x-bytes-bin", "AAEC"),
        ];
        h2.answer(call.stream, b"", &trailers);
    });
    assert_eq!((end.code, end.details.as_str()), (9, "not now%2C\u{20ac}"));
    let metadata = [("x-first", "1"), ("x-many", "a"), ("x-many", "b"), ("x-bytes-bin", "AAEC")];
    assert_eq!(end.metadata, pairs(&metadata));
}

#[test]
fn an_answer_may_be_a_head_alone() {
    let end = ended_by(|h2, call| {
        h2.trailers_only(call.stream, &[("grpc-status", "14"), ("grpc-message", "later")]);
    });
    assert_eq!((end.code, end.details.as_str()), (14, "later"));
    assert_eq!(end.metadata, pairs(&[("content-type", "application/grpc")]));
}

#[test]
fn a_success_without_a_message_is_none() {
    let answers: [fn(&mut H2Peer, u32); 4] = [
        |h2, stream| h2.trailers_only(stream, &[("grpc-status", "0")]),
        |h2, stream| {
            h2.grpc_head(stream);
            h2.headers(stream, true, &[("grpc-status", "0")]);
        },
        |h2, stream| {
            h2.grpc_head(stream);
            h2.data(stream, false, &[0, 0, 0]);
            h2.headers(stream, true, &[("grpc-status", "0")]);
        },
        |h2, stream| {
            h2.grpc_head(stream);
            h2.data(stream, false, &[0, 0, 0, 0, 7, 1, 2]);
            h2.headers(stream, true, &[("grpc-status", "0")]);
        },
    ];
    for answer in answers {
        let end = ended_by(move |h2, call| answer(h2, call.stream));
        assert_eq!((end.code, end.details.as_str()), (12, "No message received"));
    }
}

#[test]
fn a_message_that_comes_byte_by_byte_is_read_and_a_second_one_is_refused() {
    let end = ended_by(|h2, call| {
        h2.grpc_head(call.stream);
        for byte in prefixed(0, b"abc") {
            h2.data(call.stream, false, &[byte]);
        }
        h2.headers(call.stream, true, &[("grpc-status", "0")]);
    });
    assert_eq!((end.code, &end.message[..]), (0, &b"abc"[..]));
    let end = ended_by(|h2, call| {
        h2.grpc_head(call.stream);
        h2.data(call.stream, false, &[prefixed(0, b"a"), prefixed(0, b"b")].concat());
        h2.headers(call.stream, true, &[("grpc-status", "0")]);
    });
    assert_eq!((end.code, end.details.as_str()), (12, "Too many responses received"));
}

#[test]
fn answers_without_a_status_of_grpc_are_worded_by_what_came() {
    type Answer = fn(&mut H2Peer, u32);
    let cases: [(Answer, u32, &str); 9] = [
        (
            |h2, stream| h2.headers(stream, true, &[(":status", "503")]),
            14,
            "Received HTTP status code 503",
        ),
        (
            |h2, stream| h2.headers(stream, true, &[(":status", "404"), ("x-a", "1")]),
            12,
            "Received HTTP status code 404",
        ),
        (
            |h2, stream| {
                h2.headers(stream, false, &[(":status", "502"), ("content-type", "text/html")]);
                h2.data(stream, true, b"<html>Bad gateway</html>");
            },
            14,
            "Received HTTP status code 502",
        ),
        (|h2, stream| h2.trailers_only(stream, &[]), 2, "Received HTTP status code 200"),
        (
            |h2, stream| {
                h2.grpc_head(stream);
                h2.data(stream, false, &prefixed(0, b""));
                h2.headers(stream, true, &[("x-a", "1")]);
            },
            2,
            "Received HTTP status code 200",
        ),
        (
            |h2, stream| {
                h2.grpc_head(stream);
                h2.data(stream, true, &prefixed(0, b""));
            },
            13,
            "Received RST_STREAM with code 0 (Call ended without gRPC status)",
        ),
        (
            |h2, stream| {
                h2.grpc_head(stream);
                h2.headers(stream, true, &[("grpc-status", "many"), ("grpc-message", "%zz")]);
            },
            2,
            "%zz",
        ),
        (
            |h2, stream| {
                h2.grpc_head(stream);
                h2.headers(stream, true, &[("grpc-status", " 7 ")]);
            },
            7,
            "",
        ),
        // A status behind a page is a status all the same.
        (
            |h2, stream| {
                h2.headers(stream, false, &[(":status", "500"), ("content-type", "text/html")]);
                h2.data(stream, false, b"<html>");
                h2.headers(stream, true, &[("grpc-status", "8"), ("grpc-message", "quota")]);
            },
            8,
            "quota",
        ),
    ];
    for (answer, code, details) in cases {
        let end = ended_by(move |h2, call| answer(h2, call.stream));
        assert_eq!((end.code, end.details.as_str()), (code, details));
    }
}

#[test]
fn a_page_is_named_as_one_and_is_not_read_to_its_end() {
    let end = ended_by(|h2, call| {
        h2.headers(
            call.stream,
            false,
            &[(":status", "200"), ("content-type", "text/html; charset=utf-8")],
        );
        h2.data(call.stream, true, b"<html>Welcome to the proxy of the house</html>");
    });
    assert_eq!(end.code, 2);
    assert!(end.details.contains("a page (HTML)"), "{}", end.details);
    assert!(end.details.contains("text/html; charset=utf-8"), "{}", end.details);
    // More of it than anybody needs: the stream is reset, the connection stays.
    let server = server(|h2, call| {
        h2.headers(call.stream, false, &[(":status", "200"), ("content-type", "text/html")]);
        for _ in 0..4 {
            h2.data(call.stream, false, &[b'x'; 16_000]);
        }
        // There is room again on the connection and on the stream.
        for _ in 0..2 {
            h2.next(h2_peer::WINDOW_UPDATE);
        }
        h2.data(call.stream, false, &[b'x'; 16_000]);
        h2.next(h2_peer::RST_STREAM);
    });
    let client = Client::of(&server);
    assert_eq!(client.end().code, 2);
    assert_eq!(client.end().code, 2);
    assert_eq!(server.connections(), 1);
}

#[test]
fn resets_mean_what_they_mean_to_grpc_js() {
    for (reason, code, details) in [
        (0, 13, "Received RST_STREAM with code 0 (Call ended without gRPC status)"),
        (1, 13, "Received RST_STREAM with code 1"),
        (2, 13, "Received RST_STREAM with code 2 (Internal server error)"),
        (5, 13, "Received RST_STREAM with code 5"),
        (8, 1, "Call cancelled"),
        (11, 8, "Bandwidth exhausted or memory limit exceeded"),
        (12, 7, "Protocol not secure enough"),
        (13, 13, "Received RST_STREAM with code 13"),
        (77, 13, "Received RST_STREAM with code 77"),
    ] {
        for phase in 0..3 {
            let server = server(move |h2, call| {
                if phase > 0 {
                    h2.grpc_head(call.stream);
                }
                if phase > 1 {
                    h2.data(call.stream, false, &prefixed(0, b""));
                }
                h2.reset(call.stream, reason);
            });
            let client = Client::of(&server);
            for _ in 0..2 {
                let end = client.end();
                assert_eq!((end.code, end.details.as_str()), (code, details), "{reason} {phase}");
            }
            assert_eq!(server.connections(), 1, "the connection stays");
        }
    }
}

#[test]
fn the_wait_of_retry_info_is_found_in_binary_trailers() {
    // Status { code: 14, details: [Any { …/google.rpc.RetryInfo, { retry_delay: 3 s } }] }, with and without padding.
    let padded = "CA4aMAooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAw==";
    for text in [padded, padded.trim_end_matches('=')] {
        let end = ended_by(move |h2, call| {
            h2.trailers_only(
                call.stream,
                &[("grpc-status", "8"), ("grpc-status-details-bin", text)],
            );
        });
        assert_eq!((end.code, end.retry_delay), (8, Some(Duration::from_secs(3))), "{text}");
        assert_eq!(end.metadata[1], ("grpc-status-details-bin".to_owned(), text.to_owned()));
    }
    for text in ["", "!!!", "CA4aMgoo", "PGh0bWw+"] {
        let end = ended_by(move |h2, call| {
            h2.trailers_only(
                call.stream,
                &[("grpc-status", "8"), ("grpc-status-details-bin", text)],
            );
        });
        assert_eq!((end.code, end.retry_delay), (8, None), "{text}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn compressed(coding: &'static str, flag: u8, message: Vec<u8>) -> RawServer {
    server(move |h2, call| {
        let head = [(":status", "200"), ("content-type", "application/grpc")];
        h2.headers(call.stream, false, &[&head[..], &[("grpc-encoding", coding)]].concat());
        for piece in prefixed(flag, &message).chunks(16_000) {
            h2.data(call.stream, false, piece);
        }
        h2.headers(call.stream, true, &[("grpc-status", "0")]);
    })
}

#[test]
fn messages_are_decompressed_within_their_bound() {
    let text = b"a message that says the same, says the same, says the same".repeat(40);
    for (coding, flag, message) in [
        ("gzip", 1, gzip(&text)),
        ("deflate", 1, deflate(&text)),
        ("gzip", 0, text.clone()),
        ("identity", 1, text.clone()),
        ("identity", 0, text.clone()),
    ] {
        let end = Client::of(&compressed(coding, flag, message)).end();
        assert_eq!((end.code, &end.message[..]), (0, &text[..]), "{coding} {flag}");
    }
    for (coding, message, code, details) in [
        ("gzip", b"no gzip".to_vec(), 13, "Failed to decompress gzip-encoded message"),
        ("deflate", b"no zlib".to_vec(), 13, "Failed to decompress deflate-encoded message"),
        ("gzip", gzip(&text)[..30].to_vec(), 13, "Failed to decompress gzip-encoded message"),
        ("br", text.clone(), 12, "Received message compressed with unsupported encoding \"br\""),
    ] {
        let end = Client::of(&compressed(coding, 1, message)).end();
        assert_eq!((end.code, end.details.as_str()), (code, details), "{coding}");
    }
    // 4 MiB in 4 KB.
    let bomb = gzip(&vec![0; (4 << 20) + 1]);
    let error = Client::of(&compressed("gzip", 1, bomb)).failure();
    assert_eq!(error.kind, SendErrorKind::ResponseTooLarge);
    let text = "Received message that decompresses to a size larger than 4194304";
    assert_eq!(error.message, text);
    let fits = gzip(&vec![0; 4 << 20]);
    assert_eq!(Client::of(&compressed("gzip", 1, fits)).end().message.len(), 4 << 20);
}

#[test]
fn a_message_over_the_bound_is_refused_by_its_length() {
    let announced = |length: u32| {
        server(move |h2, call| {
            h2.grpc_head(call.stream);
            h2.data(call.stream, false, &[&[0], &length.to_be_bytes()[..]].concat());
            h2.next(h2_peer::RST_STREAM); // nothing more comes, and nobody waits for it
        })
    };
    let error = Client::of(&announced((4 << 20) + 1)).failure();
    assert_eq!(error.kind, SendErrorKind::ResponseTooLarge);
    assert_eq!(error.message, "Received message larger than max (4194305 vs 4194304)");
    let server = announced(101);
    let error = Client::with(GrpcConfig { max_receive_bytes: 100, ..config(&server) }).failure();
    assert_eq!(error.message, "Received message larger than max (101 vs 100)");
}

#[test]
fn header_lists_without_end_cost_their_call_alone() {
    for trailers in [false, true] {
        let server = server(move |h2, call| {
            if trailers {
                h2.grpc_head(call.stream);
                h2.data(call.stream, false, &prefixed(0, b""));
            }
            let long = "v".repeat(60_000);
            let mut list = vec![("grpc-status", "0")];
            list.extend((0..270).map(|_| ("x-long", long.as_str()))); // 16 MB
            if !trailers {
                list.insert(0, (":status", "200"));
            }
            h2.long_headers(call.stream, true, &header_block(&list));
        });
        let client = Client::of(&server);
        let outcome = client.send(request(10));
        let is_failure =
            !matches!(&outcome, offloop::sink::SendOutcome::Called(end) if end.code == 0);
        assert!(is_failure, "{outcome:?}");
    }
}

#[test]
fn garbage_in_an_answer_is_a_failure_and_the_next_connection_is_good() {
    type Answer = fn(&mut H2Peer, u32);
    let garbage: [Answer; 7] = [
        // Header lists that cannot be decoded.
        |h2, stream| {
            h2.send(h2_peer::HEADERS, 5, stream, &[0xff; 30]);
        },
        |h2, stream| {
            h2.send(h2_peer::HEADERS, 5, stream, &header_block(&[("", "")]));
        },
        |h2, stream| h2.headers(stream, true, &[(":status", "many")]),
        |h2, stream| h2.headers(stream, true, &[(":path", "/"), (":status", "200")]),
        // Frames that make no sense.
        |h2, stream| {
            h2.data(stream, true, b"before any head");
        },
        |h2, _| {
            h2.send(h2_peer::CONTINUATION, 4, 99, b"");
        },
        |h2, _| {
            h2.send(h2_peer::SETTINGS, 0, 0, &[1, 2, 3]);
        },
    ];
    for (number, answer) in garbage.into_iter().enumerate() {
        let server = RawServer::start(move |peer| {
            let is_first = peer.connection == 0;
            let Some(mut h2) = H2Peer::accept(peer, &[]) else { return };
            let mut has_answered = false;
            while let Some(call) = h2.call() {
                if is_first && !has_answered {
                    has_answered = true;
                    answer(&mut h2, call.stream);
                } else {
                    h2.ok(call.stream);
                }
            }
        });
        let client = Client::of(&server);
        let outcome = client.send(request(10));
        match outcome {
            offloop::sink::SendOutcome::Called(end) => {
                assert!([2, 13].contains(&end.code), "{number}: {end:?}")
            }
            offloop::sink::SendOutcome::Failed(error) => {
                assert!(
                    [SendErrorKind::Malformed, SendErrorKind::Reset].contains(&error.kind),
                    "{number}: {error:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(client.end().code, 0, "{number}");
    }
}

#[test]
fn what_the_peer_takes_is_remembered_by_the_end_of_the_call() {
    for (list, lacks) in [("identity,deflate,gzip", false), ("identity", true), ("gzip", false)] {
        let end = ended_by(move |h2, call| {
            let head = [(":status", "200"), ("content-type", "application/grpc")];
            let takes = [("grpc-accept-encoding", list)];
            h2.headers(call.stream, false, &[&head[..], &takes].concat());
            h2.data(call.stream, false, &prefixed(0, b""));
            h2.headers(call.stream, true, &[("grpc-status", "0")]);
        });
        assert_eq!((end.code, end.lacks_gzip), (0, lacks), "{list}");
    }
}

#[test]
fn a_deadline_ends_a_call_in_every_phase_of_its_answer() {
    for phase in 0..4 {
        let server = server(move |h2, call| {
            if phase > 0 {
                h2.grpc_head(call.stream);
            }
            if phase > 1 {
                h2.data(call.stream, false, &prefixed(0, b"")[..3]);
            }
            if phase > 2 {
                h2.data(call.stream, false, &prefixed(0, b"")[3..]);
            }
            let reset = h2.next(h2_peer::RST_STREAM).unwrap();
            assert_eq!(reset.payload, 8_u32.to_be_bytes(), "the stream is cancelled");
        });
        let client = Client::of(&server);
        let error = failure(client.send(request_within(150)));
        assert_eq!((error.kind, error.code), (SendErrorKind::TimedOut, None));
        assert!(error.message.starts_with("Deadline exceeded after 0."), "{}", error.message);
        assert!(error.message.ends_with(&format!("remote_addr={}", server.address)));
        client.idle(20);
    }
}
