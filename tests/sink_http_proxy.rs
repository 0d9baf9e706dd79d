//! Through a proxy: what the HTTP sink says to it and to the endpoint behind it, and which errors it makes of its failures
//! (F82, F84).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/attempt.rs"]
mod attempt;
#[path = "support/pki.rs"]
mod pki;
#[path = "support/raw_server.rs"]
mod raw_server;

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use attempt::{config, failure, reply, request, request_within, runtime, send};
use offloop::sink::{
    SendError, SendErrorKind, Sink,
    http::{HttpConfig, HttpSink},
    net::{Proxy, Roots, TlsConfig},
};
use pki::{Identity, ServerTls, named};
use raw_server::{Peer, RawServer, Wire, closed_port};

const AUTHORIZATION: &str = "Basic dTpzZWNyZXQ=";

fn through(proxy: SocketAddr, url: &str) -> HttpConfig {
    let proxy = Proxy::of_url(&format!("http://{proxy}"), Some(AUTHORIZATION.to_owned()));
    HttpConfig { proxy, ..config(url) }
}

fn failing(config: HttpConfig) -> SendError {
    let error = failure(send(&HttpSink::new(config).unwrap(), request(10)));
    assert!(!format!("{error:?}").contains("dTpzZWNyZXQ"), "{error:?}");
    error
}

/// A proxy whose tunnels all lead to a TLS server, which answers 200, and the requests for them.
fn tunnels_to(tls: &ServerTls<'_>) -> (RawServer, Arc<Mutex<Vec<String>>>) {
    let (wrap, asked) = (tls.wrap(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&asked);
    let server = RawServer::start_on(
        "127.0.0.1:0",
        move |mut socket| {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).ok()?;
                head.push(byte[0]);
            }
            log.lock().unwrap().push(String::from_utf8(head).unwrap());
            socket.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").ok()?;
            wrap(socket) as Option<Box<dyn Wire>>
        },
        |mut peer: Peer| {
            while peer.request().is_some() {
                peer.respond("200 OK", "", b"");
            }
        },
    );
    (server, asked)
}

#[test]
fn f82_an_endpoint_without_tls_is_asked_for_in_absolute_form_on_one_connection() {
    let proxy = RawServer::start(|mut peer: Peer| {
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
        }
    });
    let mut config = through(proxy.address, "http://collector.invalid:4318/v1/traces?x=1");
    config.headers = vec![
        ("Authorization".to_owned(), "Bearer t".to_owned()),
        ("proxy-authorization".to_owned(), "the user's".to_owned()),
    ];
    let sink = HttpSink::new(config).unwrap();
    let runtime = runtime();
    for _ in 0..3 {
        let reply = reply(runtime.block_on(sink.send(request(10))));
        assert_eq!(reply.status, 200);
    }
    assert_eq!((proxy.connections(), proxy.received().len()), (1, 3));
    for request in proxy.received() {
        let line = request.head.lines().next().unwrap();
        assert_eq!(line, "POST http://collector.invalid:4318/v1/traces?x=1 HTTP/1.1");
        assert_eq!(request.header("host"), Some("collector.invalid:4318"));
        assert_eq!(request.header("authorization"), Some("Bearer t"));
        assert_eq!(request.header("proxy-authorization"), Some(AUTHORIZATION));
        assert_eq!(request.header("proxy-connection"), Some("keep-alive"));
    }
}

#[test]
fn f82_without_keep_alive_the_proxy_is_told() {
    let proxy = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", "", b"");
    });
    let mut config = through(proxy.address, "http://collector.invalid/");
    config.keep_alive = false;
    config.proxy.as_mut().unwrap().authorization = None;
    assert_eq!(reply(send(&HttpSink::new(config).unwrap(), request(10))).status, 200);
    let request = &proxy.received()[0];
    assert_eq!(request.head.lines().next().unwrap(), "POST http://collector.invalid/ HTTP/1.1");
    assert_eq!(request.header("proxy-connection"), Some("close"));
    assert_eq!(request.header("proxy-authorization"), None);
}

#[test]
fn f82_an_endpoint_with_tls_is_reached_through_a_tunnel_that_is_kept() {
    let root = Identity::root("Root");
    let leaf = root.issue(named("collector.invalid", &["collector.invalid"]));
    let (proxy, asked) = tunnels_to(&ServerTls::with(&[&leaf]));
    let mut config = through(proxy.address, "https://collector.invalid/v1/traces");
    config.tls =
        TlsConfig { roots: Roots::of_pem(root.pem.clone().into()), ..TlsConfig::default() };
    config.headers = vec![("Authorization".to_owned(), "Bearer t".to_owned())];
    let sink = HttpSink::new(config.clone()).unwrap();
    let runtime = runtime();
    for _ in 0..2 {
        assert_eq!(reply(runtime.block_on(sink.send(request(10)))).status, 200);
    }
    let wanted = format!(
        "CONNECT collector.invalid:443 HTTP/1.1\r\nHost: collector.invalid:443\r\n\
         Proxy-Authorization: {AUTHORIZATION}\r\nProxy-Connection: keep-alive\r\n\r\n"
    );
    assert_eq!(*asked.lock().unwrap(), [wanted]);
    assert_eq!(proxy.received().len(), 2);
    for request in proxy.received() {
        assert_eq!(request.head.lines().next().unwrap(), "POST /v1/traces HTTP/1.1");
        assert_eq!(request.header("authorization"), Some("Bearer t"));
        assert_eq!(request.header("proxy-authorization"), None);
        assert_eq!(request.header("proxy-connection"), None);
    }
    config.keep_alive = false;
    assert_eq!(reply(send(&HttpSink::new(config).unwrap(), request(10))).status, 200);
    assert!(!asked.lock().unwrap()[1].contains("Proxy-Connection"));
}

#[test]
fn f84_a_certificate_behind_a_tunnel_is_the_endpoints_to_show() {
    let (root, other) = (Identity::root("Root"), Identity::root("Other"));
    let leaf = root.issue(named("collector.invalid", &["collector.invalid"]));
    let (proxy, _asked) = tunnels_to(&ServerTls::with(&[&leaf]));
    let mut config = through(proxy.address, "https://collector.invalid/");
    config.tls = TlsConfig { roots: Roots::of_pem(other.pem.into()), ..TlsConfig::default() };
    let error = failing(config);
    assert_eq!(error.kind, SendErrorKind::Tls);
    let text = format!(
        "unable to verify the first certificate (through the proxy http://{})",
        proxy.address
    );
    assert_eq!(error.message, text);
    assert!(proxy.received().is_empty(), "no byte of the request may leave");
}

#[cfg(unix)]
#[test]
fn f82_a_socket_of_this_machine_is_dialled_without_the_proxy() {
    let mut config = through(closed_port(), "http://collector.invalid/");
    config.unix_socket = Some(std::env::temp_dir().join("offloop-nobody-listens-here"));
    let error = failing(config);
    assert_eq!(error.code.as_deref(), Some("ENOENT"));
    assert!(!error.message.contains("proxy"), "{}", error.message);
}

#[test]
fn f84_a_proxy_that_refuses_or_has_no_address_is_named() {
    let closed = closed_port();
    for url in ["http://collector.invalid/", "https://collector.invalid/"] {
        let error = failing(through(closed, url));
        let kind = (error.kind, error.code.as_deref(), error.port);
        assert_eq!(kind, (SendErrorKind::Refused, Some("ECONNREFUSED"), Some(closed.port())));
        let text = format!("connect ECONNREFUSED {closed} (through the proxy http://{closed})");
        assert_eq!(error.message, text);
    }
    let proxy = Proxy::of_url("http://proxy.invalid:3128", None);
    let error = failing(HttpConfig { proxy, ..config("http://collector.invalid/") });
    assert_eq!(error.kind, SendErrorKind::Dns);
    let text = " proxy.invalid (through the proxy http://proxy.invalid:3128)";
    assert!(error.message.ends_with(text), "{}", error.message);
    let proxy = Proxy::of_url(&format!("http://localhost:{}", closed.port()), None);
    let error = failing(HttpConfig { proxy, ..config("http://collector.invalid/") });
    assert_eq!((error.kind, error.errors.len()), (SendErrorKind::Refused, 0), "{error:?}");
    assert!(error.message.contains("through the proxy http://localhost:"), "{}", error.message);
}

#[test]
fn f84_what_a_proxy_says_in_place_of_a_tunnel_is_judged_as_an_endpoints_word() {
    type Script = fn(Peer);
    let cases: [(Script, SendErrorKind, &str); 8] = [
        (
            |mut peer| {
                peer.head();
                peer.respond("407 Proxy Authentication Required", "", b"who?");
            },
            SendErrorKind::NoTunnel,
            "HTTP/1.1 407 Proxy Authentication Required",
        ),
        (
            |mut peer| {
                peer.head();
                peer.write(
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
                );
                peer.respond("403 Forbidden", "", b"");
            },
            SendErrorKind::NoTunnel,
            "HTTP/1.1 403 Forbidden",
        ),
        (
            |mut peer| {
                peer.head();
                while peer.write("HTTP/1.1 103 Early Hints\r\n\r\n") {}
            },
            SendErrorKind::Other,
            "its answer does not end",
        ),
        (
            |mut peer| {
                peer.head();
                peer.respond("403 Forbidden", "", b"");
            },
            SendErrorKind::NoTunnel,
            "HTTP/1.1 403 Forbidden",
        ),
        (
            |mut peer| {
                peer.head();
                peer.respond("502 Bad Gateway", "", b"");
            },
            SendErrorKind::Other,
            "HTTP/1.1 502 Bad Gateway",
        ),
        (|mut peer| drop(peer.head()), SendErrorKind::Other, "socket hang up"),
        (
            |mut peer| {
                peer.head();
                // It waits for the other side now.
                peer.write("SSH-2.0-x\r\n");
                peer.wait_for_close();
            },
            SendErrorKind::Other,
            "SSH-2.0-x",
        ),
        (
            |mut peer| {
                peer.head();
                peer.write("HTTP/1.1 200 OK\r\n");
                while peer.write([b'x'; 1_000]) {}
            },
            SendErrorKind::Other,
            "its answer does not end",
        ),
    ];
    for (script, kind, words) in cases {
        let proxy = RawServer::start(script);
        let error = failing(through(proxy.address, "https://collector.invalid/"));
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some("ERR_PROXY_TUNNEL")));
        let address = proxy.address;
        assert_eq!(
            error.message,
            format!(
                "no tunnel to collector.invalid:443 through the proxy http://{address}: {words}"
            )
        );
    }
}

#[test]
fn f84_a_tunnel_that_is_slow_or_breaks_names_the_proxy() {
    let silent = RawServer::start(|mut peer: Peer| {
        peer.head();
        peer.wait_for_close();
    });
    let phrase = format!("(through the proxy http://{})", silent.address);
    let mut config = through(silent.address, "https://collector.invalid/");
    config.connect_timeout = Duration::from_millis(100);
    let error = failing(config.clone());
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::TimedOut, Some("ETIMEDOUT")));
    assert_eq!(error.message, format!("connect ETIMEDOUT {} {phrase}", silent.address));
    config.connect_timeout = Duration::from_secs(5);
    let error = failure(send(&HttpSink::new(config).unwrap(), request_within(100)));
    assert_eq!(error.message, format!("Request timed out {phrase}"));

    let broken = RawServer::start(|mut peer: Peer| {
        peer.head();
        peer.write("HTTP/1.1 200 OK\r\n\r\n");
        peer.first_bytes();
    });
    let error = failing(through(broken.address, "https://collector.invalid/"));
    assert_eq!(error.kind, SendErrorKind::Reset);
    let phrase = format!("(through the proxy http://{})", broken.address);
    assert!(error.message.ends_with(&phrase), "{}", error.message);
}

#[test]
fn f84_an_answer_in_absolute_form_may_be_the_proxys_and_garbage_is_its_own() {
    let full = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.respond("407 Proxy Authentication Required", "", b"who?");
    });
    let config = through(full.address, "http://collector.invalid/");
    let reply = reply(send(&HttpSink::new(config).unwrap(), request(10)));
    assert_eq!((reply.status, reply.body.as_ref()), (407, &b"who?"[..]));
    assert_eq!(reply.through, Some(format!("through the proxy http://{}", full.address)));

    type Script = fn(Peer);
    let cases: [(Script, SendErrorKind, &str); 2] = [
        (|mut peer| drop(peer.request()), SendErrorKind::Reset, "socket hang up"),
        (
            |mut peer| {
                peer.request();
                peer.write("<html>\r\n\r\n");
            },
            SendErrorKind::Malformed,
            "Parse Error: Expected HTTP/, RTSP/ or ICE/",
        ),
    ];
    for (script, kind, words) in cases {
        let proxy = RawServer::start(script);
        let error = failing(through(proxy.address, "http://collector.invalid/"));
        assert_eq!(error.kind, kind, "{error:?}");
        let text = format!("{words} (through the proxy http://{})", proxy.address);
        assert_eq!(error.message, text);
    }
}
