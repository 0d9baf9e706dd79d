//! What the HTTP sink reports when no response comes (F1, F3, F5, F9, F34), in Node's words.
//! The expected codes and texts were observed with Node 20.20, 22.23, 24.21 and 26.10 against the same servers.
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

use attempt::{config, failure, http_sink, request, request_within, send};
use offloop::sink::{SendErrorKind, SendOutcome, http::HttpSink};
use raw_server::{Peer, RawServer, closed_port};

#[test]
fn f1_refused_names_address_and_port() {
    let address = closed_port();
    let error = failure(send(&http_sink(&format!("http://{address}/v1/traces")), request(10)));
    assert_eq!(error.kind, SendErrorKind::Refused);
    assert_eq!(error.code.as_deref(), Some("ECONNREFUSED"));
    assert_eq!(error.message, format!("connect ECONNREFUSED {address}"));
    assert_eq!((error.syscall, error.port), (Some("connect"), Some(address.port())));
    assert_eq!(error.address.as_deref(), Some("127.0.0.1"));
    #[cfg(target_os = "linux")]
    assert_eq!(error.errno, Some(-111));
}

#[test]
fn f1_localhost_reports_every_address_tried() {
    let port = closed_port().port();
    let error =
        failure(send(&http_sink(&format!("http://localhost:{port}/v1/traces")), request(10)));
    assert_eq!(error.code.as_deref(), Some("ECONNREFUSED"));
    let single = [error.clone()];
    let tried = if error.errors.is_empty() { &single[..] } else { &error.errors[..] };
    for one in tried {
        let address = one.address.clone().unwrap();
        assert!(["127.0.0.1", "::1"].contains(&address.as_str()), "{address}");
        assert_eq!(one.message, format!("connect ECONNREFUSED {address}:{port}"));
    }
}

#[test]
fn f3_an_unknown_name_is_named_without_the_url() {
    let error = failure(send(
        &http_sink("http://user:secret@nothing.invalid:1/?token=secret"),
        request(10),
    ));
    assert_eq!(error.kind, SendErrorKind::Dns);
    let code = error.code.clone().unwrap();
    assert!(["ENOTFOUND", "EAI_AGAIN"].contains(&code.as_str()), "{code}");
    assert_eq!(error.message, format!("getaddrinfo {code} nothing.invalid"));
    assert_eq!(error.syscall, Some("getaddrinfo"));
}

#[test]
fn f9_a_reset_before_the_response_is_read_econnreset() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.reset();
    });
    let error = failure(send(&http_sink(&server.url()), request(10)));
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::Reset, Some("ECONNRESET")));
    assert_eq!((error.message.as_str(), error.syscall), ("read ECONNRESET", Some("read")));
    assert_eq!(server.connections(), 1, "a new connection is not replayed");
}

#[test]
fn f9_a_close_before_the_response_is_a_hang_up() {
    for answer in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.write(answer);
        });
        let error = failure(send(&http_sink(&server.url()), request(10)));
        assert_eq!(
            (error.kind, error.code.as_deref()),
            (SendErrorKind::Reset, Some("ECONNRESET")),
            "{answer:?}"
        );
        assert_eq!(error.message, "socket hang up");
        assert_eq!(server.connections(), 1, "a new connection is not replayed");
    }
}

#[test]
fn f9_a_reset_within_a_large_body_is_a_reset() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.head();
        peer.reset();
    });
    let error = failure(send(&http_sink(&server.url()), request(8 << 20)));
    assert_eq!(error.kind, SendErrorKind::Reset);
    let code = error.code.unwrap();
    assert!(["ECONNRESET", "EPIPE"].contains(&code.as_str()));
    assert!(
        ["read ECONNRESET", "write ECONNRESET", "write EPIPE"].contains(&error.message.as_str())
    );
}

#[test]
fn f34_garbage_is_malformed_with_llhttps_code() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(600_000));
    let longer_than_nodes =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(100_000));
    let cases = [
        ("SSH-2.0-OpenSSH_9\r\n", "HPE_INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/"),
        ("<html>hi</html>\r\n\r\n", "HPE_INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/"),
        ("HTTP/1.1 2x0 OK\r\n\r\n", "HPE_INVALID_STATUS", "Invalid status code"),
        (
            "HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n",
            "HPE_INVALID_HEADER_TOKEN",
            "Invalid header token",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "HPE_UNEXPECTED_CONTENT_LENGTH",
            "Duplicate Content-Length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HPE_INVALID_TRANSFER_ENCODING",
            "Transfer-Encoding can't be present with Content-Length",
        ),
        (long.as_str(), "HPE_HEADER_OVERFLOW", "Header overflow"),
        (longer_than_nodes.as_str(), "HPE_HEADER_OVERFLOW", "Header overflow"),
    ];
    for (answer, code, reason) in cases {
        let bytes = answer.to_owned();
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.write(&bytes);
            peer.wait_for_close();
        });
        let error = failure(send(&http_sink(&server.url()), request(10)));
        let start: String = answer.chars().take(40).collect();
        assert_eq!(error.kind, SendErrorKind::Malformed, "{start:?}: {error:?}");
        assert_eq!(error.code.as_deref(), Some(code), "{start:?}");
        assert_eq!(error.message, format!("Parse Error: {reason}"), "{start:?}");
    }
}

#[test]
fn f11_a_server_that_never_answers_costs_the_attempts_time() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.wait_for_close();
    });
    let started = std::time::Instant::now();
    let error = failure(send(&http_sink(&server.url()), request_within(150)));
    assert_eq!(
        (error.kind, error.message.as_str()),
        (SendErrorKind::TimedOut, "Request timed out")
    );
    assert_eq!(error.code, None, "the stock exporter's time-out has no code");
    assert!(started.elapsed().as_millis() < 1_000);
}

#[test]
fn a_protocol_that_is_not_http_fails_each_send() {
    let error = failure(send(&http_sink("ftp://127.0.0.1/x"), request(10)));
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (SendErrorKind::Unsendable, Some("ERR_INVALID_PROTOCOL"))
    );
    assert_eq!(error.message, "Protocol \"ftp:\" not supported. Expected \"https:\"");
    assert!(HttpSink::new(config("nonsense")).is_err());
}

#[test]
fn a_bad_header_fails_each_send_and_nothing_is_dialled() {
    let server = RawServer::start(|_| {});
    let mut config = config(&server.url());
    config.headers = vec![("x-key".into(), "line\nbreak".into())];
    let error = failure(send(&HttpSink::new(config).unwrap(), request(10)));
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (SendErrorKind::Unsendable, Some("ERR_INVALID_CHAR"))
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn r78_no_error_shows_credentials_tokens_or_headers() {
    let answering = |answer: &'static str| {
        RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.write(answer);
        })
    };
    let servers = [
        answering(""),
        answering("SSH-2.0-OpenSSH_9\r\n"),
        answering("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"),
    ];
    let silent = RawServer::start(|mut peer: Peer| {
        peer.wait_for_close();
    });
    let hosts = [
        closed_port().to_string(),
        "nothing.invalid:1".to_owned(),
        servers[0].address.to_string(),
        servers[1].address.to_string(),
        servers[2].address.to_string(),
        silent.address.to_string(),
    ];
    for (scheme, host) in
        hosts.iter().flat_map(|host| [("http", host), ("https", host), ("ftp", host)])
    {
        let mut config =
            config(&format!("{scheme}://planted:planted@{host}/planted?token=planted"));
        config.headers = vec![("x-key".into(), "planted".into())];
        let sink = HttpSink::new(config.clone()).unwrap();
        let shown = format!("{:?} {sink:?} {config:?}", send(&sink, request_within(300)));
        assert!(
            !shown.contains("planted") && !shown.contains("cGxhbnRlZD"),
            "{scheme} {host}: {shown}"
        );
        config.headers =
            vec![("x-key".into(), "planted\n".into()), ("bad name".into(), "planted".into())];
        let shown = format!("{:?}", send(&HttpSink::new(config).unwrap(), request_within(300)));
        assert!(!shown.contains("planted"), "{shown}");
    }
}

#[test]
fn f81_a_peer_of_http2_is_named_and_so_is_what_helps() {
    let settings = "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    for speaks_first in [true, false] {
        let server = RawServer::start(move |mut peer: Peer| {
            if !speaks_first {
                peer.request();
            }
            peer.write(settings);
            peer.wait_for_close();
        });
        let error = failure(send(&http_sink(&server.url()), request(10)));
        assert_eq!(error.kind, SendErrorKind::Malformed);
        assert_eq!(error.code.as_deref(), Some("HPE_INVALID_CONSTANT"));
        let words = "speaks HTTP/2; it looks like the gRPC port; use 4318 or protocol 'grpc'";
        assert!(error.message.ends_with(&format!(": {} {words}", server.address)), "{error}");
    }
}

#[test]
fn f81_a_peer_of_tls_is_named_and_so_is_what_helps() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.write([21, 3, 1, 0, 2, 2, 70]);
        peer.wait_for_close();
    });
    let error = failure(send(&http_sink(&server.url()), request(10)));
    assert_eq!(error.code.as_deref(), Some("HPE_INVALID_CONSTANT"));
    let words = format!(": {} speaks TLS; use https://", server.address);
    assert!(error.message.ends_with(&words), "{error}");
}

#[test]
fn f81_a_refusal_in_the_words_of_a_server_is_followed_by_what_helps() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        let page = b"Client sent an HTTP request to an HTTPS server.\n";
        peer.respond("400 Bad Request", "", page);
    });
    let outcome = send(&http_sink(&server.url()), request(10));
    let SendOutcome::Reply(reply) = outcome else { panic!("{outcome:?}") };
    let words = format!("Bad Request: {} speaks TLS; use https://", server.address);
    assert_eq!((reply.status, reply.reason), (400, words));
}
