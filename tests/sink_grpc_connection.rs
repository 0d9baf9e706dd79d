//! The one connection of a gRPC sink: how it begins, is shared, ends and is replaced.
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

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use grpc_client::{Client, config, end, failure, request, request_within};
use h2_peer::{GOAWAY, H2Peer, HEADERS, MAX_STREAMS, PING, RST_STREAM, WINDOW};
use offloop::sink::{
    ContentEncoding, Request, SendErrorKind, SendOutcome, Sink as _,
    grpc::{GrpcConfig, GrpcSink, Pings},
    net::Proxy,
};
use raw_server::{Peer, RawServer, closed_port};
use tokio::runtime::Builder;

fn h2_server(script: impl Fn(usize, &mut H2Peer) + Send + Sync + 'static) -> RawServer {
    RawServer::start(move |peer| {
        let number = peer.connection;
        if let Some(mut h2) = H2Peer::accept(peer, &[]) {
            script(number, &mut h2);
        }
    })
}

#[test]
fn the_head_of_a_call_is_that_of_grpc_js() {
    let (sender, seen) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let socket = listener.accept().await.unwrap().0;
            let mut connection = h2::server::handshake(socket).await.unwrap();
            while let Some(Ok((head, mut answer))) = connection.accept().await {
                let headers = head.headers().iter();
                let mut list: Vec<(String, String)> = headers
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string()))
                    .collect();
                list.push((":method".into(), head.method().to_string()));
                list.push((":uri".into(), head.uri().to_string()));
                list.sort();
                sender.send(list).unwrap();
                answer.send_reset(h2::Reason::CANCEL);
            }
        });
    });
    let mut config =
        GrpcConfig::new(format!("http://{address}"), "OTel-OTLP-Exporter-JavaScript/1");
    config.metadata = vec![
        ("x-key".into(), "1".into()),
        ("x-key".into(), "2".into()),
        ("x-data-bin".into(), "AAEC".into()),
    ];
    config.authority = Some("collector.test:4317".into());
    let client = Client::with(config);
    for encoding in [ContentEncoding::Identity, ContentEncoding::Gzip] {
        let sent = Request { encoding, time_left: Duration::from_secs(90_000), ..request(10) };
        assert_eq!(end(client.send(sent)).code, 1);
        let list = seen.recv().unwrap();
        let timeout = &list.iter().find(|(name, _)| name == "grpc-timeout").unwrap().1;
        let millis: u64 = timeout.strip_suffix('m').unwrap().parse().unwrap();
        assert!((89_000_000..=90_000_000).contains(&millis), "{timeout}");
        let mut wanted = vec![
            (":method", "POST"),
            (
                ":uri",
                "http://collector.test:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            ),
            ("accept-encoding", "identity"),
            ("content-type", "application/grpc"),
            ("grpc-accept-encoding", "identity,deflate,gzip"),
            ("grpc-timeout", timeout),
            ("te", "trailers"),
            ("user-agent", "OTel-OTLP-Exporter-JavaScript/1"),
            ("x-data-bin", "AAEC"),
            ("x-key", "1"),
            ("x-key", "2"),
        ];
        if encoding == ContentEncoding::Gzip {
            wanted.insert(4, ("grpc-encoding", "gzip"));
        }
        wanted.sort();
        let list: Vec<(&str, &str)> =
            list.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(list, wanted);
    }
}

#[test]
fn where_nobody_listens_the_error_is_that_of_grpc_js() {
    let address = closed_port();
    let client = Client::with(GrpcConfig::new(format!("http://{address}"), "test"));
    let outcome = client.send(request(10));
    assert!(outcome.is_refused_connection());
    let error = failure(outcome);
    assert_eq!(error.kind, SendErrorKind::Refused);
    let text = format!(
        "No connection established. Last error: Error: connect ECONNREFUSED {address}. Resolution note: "
    );
    assert_eq!(error.message, text);
    let client = Client::with(GrpcConfig::new("http://nothing-here.invalid:4317", "test"));
    let error = client.failure();
    assert_eq!(error.kind, SendErrorKind::Dns);
    let text = "Name resolution failed for target dns:nothing-here.invalid:4317: getaddrinfo E";
    assert!(error.message.starts_with(text), "{}", error.message);
}

#[test]
fn f81_peers_that_speak_something_else_are_named() {
    type Script = fn(&mut Peer);
    let cases: [(Script, &str); 6] = [
        (
            |peer| {
                peer.head();
                peer.respond("400 Bad Request", "", b"");
            },
            "speaks HTTP/1.1, not HTTP/2; it looks like the HTTP port; use 4317 or protocol 'http/protobuf'",
        ),
        (
            |peer| {
                peer.head();
                peer.write("HTTP/1.");
            },
            "speaks HTTP/1.1, not HTTP/2",
        ),
        (
            |peer| {
                peer.write("<html>\n<body>Welcome");
            },
            "sends a page (HTML), not HTTP/2; it looks like the HTTP port",
        ),
        (
            |peer| {
                peer.write([21, 3, 1, 0, 2, 2, 70, 0, 0]);
            },
            "speaks TLS; use https://",
        ),
        (
            |peer| {
                peer.write("SSH-2.0-OpenSSH\r\n");
            },
            "it began with 0x5353482d322e302d4f",
        ),
        (|peer| drop(peer.head()), "closed the connection before it spoke HTTP/2"),
    ];
    for (script, words) in cases {
        let server = RawServer::start(move |mut peer| {
            peer.first_bytes();
            script(&mut peer);
            peer.finish(); // a close with bytes unread would reset the connection
        });
        let error = Client::of(&server).failure();
        let is_bare_end = words.starts_with("closed");
        let kind = if is_bare_end { SendErrorKind::Reset } else { SendErrorKind::Malformed };
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.message.contains(&format!("{} ", server.address)), "{error:?}");
        assert!(error.message.contains(words), "{words}: {}", error.message);
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_call_that_the_peer_has_not_looked_at_goes_out_once_more() {
    type Script = fn(&mut H2Peer);
    let scripts: [Script; 5] = [
        // Before any call.
        |h2| {
            h2.goaway(0, 0, "");
            h2.peer.wait_for_close();
        },
        // When the head of the call is there.
        |h2| {
            h2.next(HEADERS);
            h2.goaway(0, 0, "");
            h2.peer.wait_for_close();
        },
        // Behind the whole call.
        |h2| {
            h2.call();
            h2.goaway(0, 11, "too much");
            h2.peer.wait_for_close();
        },
        // The connection ends with it.
        |h2| {
            h2.call();
            h2.goaway(0, 2, "");
        },
        // One that is refused stays on the connection.
        |h2| {
            let refused = h2.call().unwrap();
            h2.reset(refused.stream, 7);
            h2.serve();
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let server = h2_server(move |connection, h2| match connection {
            0 => script(h2),
            _ => h2.serve(),
        });
        let client = Client::of(&server);
        assert_eq!(client.end().code, 0, "{number}");
        assert_eq!(client.end().code, 0, "{number}");
        assert_eq!(server.connections(), if number == 4 { 1 } else { 2 }, "{number}");
    }
}

#[test]
fn there_is_one_replay_and_not_another() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = h2_server(move |_, h2| {
        while let Some(call) = h2.call() {
            counted.fetch_add(1, Ordering::SeqCst);
            h2.reset(call.stream, 7);
        }
    });
    let error = Client::of(&server).failure();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (SendErrorKind::Other, "Stream refused by server")
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let server = h2_server(|_, h2| {
        h2.call();
        h2.goaway(0, 0, "");
        h2.peer.wait_for_close();
    });
    let error = Client::of(&server).failure();
    assert_eq!((error.kind, error.message.as_str()), (SendErrorKind::Reset, "Connection dropped"));
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_call_that_the_peer_may_have_looked_at_does_not() {
    type Script = fn(H2Peer);
    let scripts: [Script; 4] = [
        |mut h2| drop(h2.call()),
        |mut h2| {
            h2.call();
            h2.peer.reset();
        },
        |mut h2| {
            let call = h2.call().unwrap();
            h2.goaway(call.stream, 0, "");
        },
        |mut h2| {
            let call = h2.call().unwrap();
            h2.grpc_head(call.stream);
            h2.peer.finish();
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let server = RawServer::start(move |peer| {
            let number = peer.connection;
            let Some(mut h2) = H2Peer::accept(peer, &[]) else { return };
            match number {
                0 => script(h2),
                _ => h2.serve(),
            }
        });
        let client = Client::of(&server);
        let error = client.failure();
        assert_eq!(error.kind, SendErrorKind::Reset, "{number}: {error:?}");
        let words = ["Connection dropped", "read ECONNRESET"];
        assert!(words.contains(&error.message.as_str()), "{number}: {error:?}");
        assert_eq!(server.connections(), 1);
        assert_eq!(client.end().code, 0, "the next call has another connection");
    }
}

#[test]
fn calls_under_way_end_on_a_connection_that_takes_no_more() {
    let server = h2_server(|connection, h2| {
        if connection > 0 {
            return h2.serve();
        }
        let first = h2.call().unwrap();
        h2.goaway(first.stream, 0, "graceful");
        // Another call is on its way on the second connection by now.
        h2.answer(first.stream, b"old", &[("grpc-status", "0")]);
        h2.peer.wait_for_close();
    });
    let client = Client::of(&server);
    assert_eq!(&client.end().message[..], b"old");
    assert_eq!(&client.end().message[..], b"");
    assert_eq!(server.connections(), 2);
}

#[test]
fn calls_wait_for_a_stream_one_behind_the_other() {
    let server = RawServer::start(|peer| {
        let Some(mut h2) = H2Peer::accept(peer, &[(MAX_STREAMS, 1)]) else { return };
        while let Some(call) = h2.call() {
            assert_eq!(h2.open.len(), 0, "no other stream has begun");
            h2.ok(call.stream);
        }
    });
    let client = Client::of(&server);
    for outcome in client.send_all((0..40).map(|_| request(1_000)).collect()) {
        assert_eq!(end(outcome).code, 0);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_call_that_waits_in_vain_for_a_stream_is_never_sent() {
    let (sender, streams) = mpsc::channel();
    let server = RawServer::start(move |peer| {
        let Some(mut h2) = H2Peer::accept(peer, &[(MAX_STREAMS, 1)]) else { return };
        let held = h2.call().unwrap();
        sender.send(held.stream).unwrap();
        while let Some(frame) = h2.frame() {
            assert_ne!(frame.kind, HEADERS, "the second call had no stream");
        }
    });
    let client = Client::of(&server);
    let both = client.send_all(vec![request_within(300), request_within(200)]);
    for outcome in both {
        assert_eq!(failure(outcome).kind, SendErrorKind::TimedOut);
    }
    assert_eq!(streams.recv().unwrap(), 1);
    client.idle(50);
}

#[test]
fn a_peer_without_room_costs_the_deadline_of_the_call_alone() {
    let server = RawServer::start(move |peer| {
        let Some(mut h2) = H2Peer::accept(peer, &[(WINDOW, 0)]) else { return };
        let reset = h2.next(RST_STREAM).unwrap();
        assert_eq!(reset.payload, 8_u32.to_be_bytes(), "the stream is cancelled");
        h2.settings(&[(WINDOW, 65_535)]);
        h2.serve();
    });
    let client = Client::of(&server);
    let time_left = Duration::from_millis(300);
    let error = failure(client.send(Request { time_left, ..request(100_000) }));
    assert_eq!(error.kind, SendErrorKind::TimedOut, "{error:?}");
    assert_eq!(end(client.send(request(100_000))).code, 0);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_silent_connection_is_left_after_one_missed_deadline() {
    // One never speaks, one falls silent behind its first answer.
    for speaks in [false, true] {
        let server = RawServer::start(move |mut peer| {
            if peer.connection > 0 {
                if let Some(mut h2) = H2Peer::accept(peer, &[]) {
                    h2.serve();
                }
                return;
            }
            if !speaks {
                peer.wait_for_close();
                return;
            }
            let Some(mut h2) = H2Peer::accept(peer, &[]) else { return };
            let call = h2.call().unwrap();
            h2.ok(call.stream);
            h2.peer.wait_for_close();
        });
        let client = Client::of(&server);
        if speaks {
            assert_eq!(client.end().code, 0);
        }
        let error = failure(client.send(request_within(200)));
        assert_eq!(error.kind, SendErrorKind::TimedOut);
        let words = format!("remote_addr={}", server.address);
        assert!(error.message.ends_with(&words), "{}", error.message);
        assert_eq!(client.end().code, 0);
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn a_connection_that_still_speaks_survives_a_missed_deadline() {
    let server = h2_server(|_, h2| {
        let slow = h2.call().unwrap();
        let quick = h2.call().unwrap();
        h2.ok(quick.stream);
        assert_eq!(h2.next(RST_STREAM).unwrap().stream, slow.stream);
        h2.serve();
    });
    let client = Client::of(&server);
    let mut both = client.send_all(vec![request_within(300), request(10)]);
    assert_eq!(end(both.pop().unwrap()).code, 0);
    assert_eq!(failure(both.pop().unwrap()).kind, SendErrorKind::TimedOut);
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 1);
}

#[test]
fn dropping_a_call_resets_its_stream_and_leaves_the_connection() {
    let (sender, seen) = mpsc::channel();
    let server = h2_server(move |_, h2| {
        let call = h2.next(HEADERS).unwrap();
        sender.send(call.stream).unwrap();
        let reset = h2.next(RST_STREAM).unwrap();
        assert_eq!((reset.stream, &reset.payload[..]), (call.stream, &8_u32.to_be_bytes()[..]));
        h2.serve();
    });
    let client = Client::of(&server);
    client.runtime.block_on(async {
        let call = client.sink.send(request(10));
        let _ = tokio::time::timeout(Duration::from_millis(100), call).await;
    });
    assert_eq!(seen.recv().unwrap(), 1);
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_connection_that_ended_while_nothing_was_sent_is_no_failure() {
    let server = h2_server(|_, h2| {
        let call = h2.call().unwrap();
        h2.ok(call.stream);
    });
    let client = Client::of(&server);
    for number in 1..4 {
        assert_eq!(client.end().code, 0);
        assert_eq!(server.connections(), number);
        client.idle(20);
    }
}

#[test]
fn a_sink_that_is_dropped_says_goodbye() {
    let (sender, said) = mpsc::channel();
    let server = h2_server(move |_, h2| {
        let call = h2.call().unwrap();
        h2.ok(call.stream);
        let goodbye = h2.next(GOAWAY).map(|frame| frame.payload[4..8].to_vec());
        sender.send((goodbye, h2.peer.wait_for_close())).unwrap();
    });
    let Client { runtime, sink } = Client::of(&server);
    assert_eq!(end(runtime.block_on(sink.send(request(10)))).code, 0);
    drop(sink);
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    assert_eq!(said.recv().unwrap(), (Some(vec![0; 4]), true));
}

#[test]
fn a_connection_without_calls_ends_after_half_an_hour() {
    let server = h2_server(|_, h2| h2.serve());
    let client = Client::of(&server);
    assert_eq!(client.end().code, 0);
    client.runtime.block_on(async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(29 * 60)).await;
        tokio::time::resume();
    });
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 1);
    client.runtime.block_on(async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(30 * 60 + 1)).await;
        tokio::time::resume();
    });
    client.idle(20);
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_peer_that_wants_fewer_pings_gets_half_of_them_on_the_next_connection() {
    let (sender, waits) = mpsc::channel();
    let server = h2_server(move |_, h2| {
        let call = h2.call().unwrap();
        let begin = Instant::now();
        h2.next(PING);
        sender.send(begin.elapsed()).unwrap();
        h2.ok(call.stream);
        h2.goaway(call.stream, 11, "too_many_pings");
        h2.peer.wait_for_close();
    });
    let pings = Pings { interval: Duration::from_millis(100), timeout: Duration::from_secs(5) };
    let client = Client::with(GrpcConfig { pings: Some(pings), ..config(&server) });
    for shortest in [100, 200, 400] {
        assert_eq!(client.end().code, 0);
        client.idle(50);
        // The two clocks began at the two ends of the connection.
        let wait = waits.recv().unwrap() + Duration::from_millis(30);
        assert!(wait >= Duration::from_millis(shortest), "{wait:?} instead of {shortest} ms");
    }
}

#[test]
fn pings_are_sent_while_a_call_is_under_way_and_not_without_one() {
    let (sender, pings) = mpsc::channel();
    let server = h2_server(move |_, h2| {
        let call = h2.call().unwrap();
        while h2.pings < 3 {
            h2.frame();
        }
        h2.ok(call.stream);
        // What comes while nothing is asked.
        let before = h2.pings;
        let _ = h2.next(HEADERS);
        sender.send(h2.pings - before).unwrap();
        h2.serve();
    });
    let interval = Duration::from_millis(25);
    let pings_of = Some(Pings { interval, timeout: Duration::from_secs(5) });
    let client = Client::with(GrpcConfig { pings: pings_of, ..config(&server) });
    assert_eq!(client.end().code, 0);
    client.idle(200);
    assert_eq!(client.end().code, 0);
    assert_eq!(pings.recv().unwrap(), 0);
}

#[test]
fn a_ping_without_an_answer_ends_the_connection() {
    let server = RawServer::start(move |peer| {
        let number = peer.connection;
        let Some(mut h2) = H2Peer::accept(peer, &[]) else { return };
        if number > 0 {
            return h2.serve();
        }
        h2.answers_pings = false;
        while h2.frame().is_some() {}
    });
    let pings = Pings { interval: Duration::from_millis(50), timeout: Duration::from_millis(100) };
    let client = Client::with(GrpcConfig { pings: Some(pings), ..config(&server) });
    let error = client.failure();
    assert_eq!(error.kind, SendErrorKind::Reset);
    assert_eq!(error.message, "Connection dropped: a keep-alive ping was not answered");
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 2);
}

#[test]
fn f84_a_proxy_is_asked_for_a_tunnel_and_named_where_it_opens_none() {
    let server = RawServer::start(|mut peer| {
        let head = peer.head().unwrap();
        let wanted = "CONNECT collector.test:4317 HTTP/1.1\r\nHost: collector.test:4317\r\n\
                      Proxy-Authorization: Basic dTpw\r\n\r\n";
        assert_eq!(head, wanted);
        // What comes through the tunnel follows at once.
        let settings = "\0\0\0\u{4}\0\0\0\0\0";
        peer.write(format!("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n{settings}"));
        if let Some(mut h2) = H2Peer::accept(peer, &[]) {
            h2.serve();
        }
    });
    let proxied = |server: &RawServer| {
        let authorization = Some("Basic dTpw".to_owned());
        let proxy = Proxy::of_url(&format!("http://{}", server.address), authorization);
        GrpcConfig { proxy, ..GrpcConfig::new("http://collector.test:4317", "test") }
    };
    let client = Client::with(proxied(&server));
    assert_eq!(client.end().code, 0);
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 1);

    type Script = fn(Peer);
    let refusals: [(Script, &str); 3] = [
        (
            |mut peer| {
                peer.head();
                peer.respond("407 Proxy Authentication Required", "", b"");
            },
            "HTTP/1.1 407 Proxy Authentication Required",
        ),
        (|mut peer| drop(peer.head()), "socket hang up"),
        (
            |mut peer| {
                peer.head();
                peer.write("HTTP/1.1 200 OK\r\n");
                while peer.write([b'x'; 1_000]) {}
            },
            "its answer does not end",
        ),
    ];
    for (script, words) in refusals {
        let server = RawServer::start(script);
        let error = Client::with(proxied(&server)).failure();
        let proxy = server.address;
        let text =
            format!("no tunnel to collector.test:4317 through the proxy http://{proxy}: {words}");
        assert!(error.message.contains(&text), "{}", error.message);
    }
}

#[test]
fn f84_a_proxy_that_refuses_hangs_or_breaks_is_named() {
    let proxied = |address| {
        let proxy = Proxy::of_url(&format!("http://{address}"), Some("Basic dTpw".to_owned()));
        let connect_timeout = Duration::from_millis(100);
        GrpcConfig {
            proxy,
            connect_timeout,
            ..GrpcConfig::new("http://collector.invalid:4317", "test")
        }
    };
    let closed = closed_port();
    let silent = RawServer::start(|mut peer| {
        peer.head();
        peer.wait_for_close();
    });
    let broken = RawServer::start(|mut peer| {
        peer.head();
        peer.write("HTTP/1.1 200 OK\r\n\r\n");
        peer.first_bytes();
        peer.finish();
    });
    let cases = [
        (closed, SendErrorKind::Refused, "connect ECONNREFUSED"),
        (silent.address, SendErrorKind::TimedOut, "connect ETIMEDOUT"),
        (broken.address, SendErrorKind::Reset, "before it spoke HTTP/2"),
    ];
    for (address, kind, words) in cases {
        let error = Client::with(proxied(address)).failure();
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.message.contains(words), "{}", error.message);
        let phrase = format!("(through the proxy http://{address})");
        assert!(error.message.ends_with(&phrase), "{}", error.message);
        assert!(!format!("{error:?}").contains("dTpw"), "{error:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket_has_the_authority_that_it_is_given() {
    let folder = std::env::temp_dir().join(format!("offloop-grpc-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("s");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (sender, seen) = mpsc::channel();
    thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            let listener = tokio::net::UnixListener::from_std(listener).unwrap();
            let socket = listener.accept().await.unwrap().0;
            let mut connection = h2::server::handshake(socket).await.unwrap();
            while let Some(Ok((head, mut answer))) = connection.accept().await {
                sender.send(head.uri().authority().unwrap().to_string()).unwrap();
                answer.send_reset(h2::Reason::CANCEL);
            }
        });
    });
    let mut config = GrpcConfig::new("http://localhost:80", "test");
    config.authority = Some("localhost".into());
    config.unix_socket = Some(path);
    let client = Client::with(config.clone());
    assert_eq!(client.end().code, 1);
    assert_eq!(seen.recv().unwrap(), "localhost");
    config.unix_socket = Some(folder.join("nobody"));
    let error = Client::with(config).failure();
    assert_eq!(error.code.as_deref(), Some("ENOENT"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_sent_is_said_by_each_call() {
    let server = h2_server(|_, h2| h2.serve());
    let mut config = config(&server);
    config.metadata = vec![("x".into(), "a\nb".into())];
    let client = Client::with(config);
    for _ in 0..2 {
        let error = client.failure();
        assert_eq!(error.kind, SendErrorKind::Unsendable);
        assert_eq!(error.code.as_deref(), Some("ERR_INVALID_CHAR"));
    }
    assert_eq!(server.connections(), 0);
    assert!(matches!(client.send(request_within(0)), SendOutcome::Failed(_)));
}

#[test]
fn a_connection_that_speaks_and_never_answers_is_left_after_five_missed_deadlines() {
    let server = RawServer::start(move |peer| {
        let number = peer.connection;
        let settings = if number == 0 { &[(MAX_STREAMS, 0)][..] } else { &[] };
        let Some(mut h2) = H2Peer::accept(peer, settings) else { return };
        h2.serve(); // its pings are answered
    });
    let pings = Pings { interval: Duration::from_millis(10), timeout: Duration::from_secs(5) };
    let client = Client::with(GrpcConfig { pings: Some(pings), ..config(&server) });
    for _ in 0..5 {
        assert_eq!(failure(client.send(request_within(60))).kind, SendErrorKind::TimedOut);
    }
    assert_eq!(client.end().code, 0);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_peer_that_floods_its_connection_does_not_hold_the_thread_that_all_share() {
    type Flood = fn(&mut H2Peer, u32) -> bool;
    let floods: [Flood; 5] = [
        |h2, _| h2.send(PING, 0, 0, &[7; 8]),
        |h2, _| h2.send(h2_peer::SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]),
        |h2, stream| h2.send(h2_peer::WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1]),
        |h2, stream| h2.send(HEADERS, 4, stream, &h2_peer::header_block(&[(":status", "103")])),
        |h2, _| h2.send(0xfa, 0, 0, &[1; 100]), // of a kind that nobody knows
    ];
    let good = h2_server(|_, h2| h2.serve());
    let client = Client::of(&good);
    assert_eq!(client.end().code, 0);
    for flood in floods {
        let bad = h2_server(move |_, h2| {
            let Some(call) = h2.call() else { return };
            while flood(h2, call.stream) {}
        });
        let flooded = GrpcSink::new(config(&bad)).unwrap();
        client.runtime.block_on(async {
            let under_way = tokio::spawn(flooded.send(request_within(10_000)));
            tokio::time::sleep(Duration::from_millis(50)).await;
            for _ in 0..10 {
                assert_eq!(end(client.sink.send(request(10)).await).code, 0);
            }
            assert!(!under_way.is_finished(), "the flood has gone on meanwhile");
            under_way.abort();
        });
        drop(flooded);
        client.idle(20);
    }
}
