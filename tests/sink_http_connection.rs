//! How the HTTP sink dials, keeps and gives up connections (F5, F7, F8, R53).
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
    process::Command,
    sync::mpsc,
    time::{Duration, Instant},
};

use attempt::{config, failure, http_sink, reply, request, request_within, runtime};
use offloop::sink::{SendErrorKind, SendOutcome, Sink, http::HttpSink};
use raw_server::{Peer, RawServer};

/// Answers everything for as long as the client likes.
fn ok() -> RawServer {
    RawServer::start(|mut peer: Peer| {
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
        }
    })
}

/// `count` requests one after the other on one runtime.
fn send_all(sink: &HttpSink, count: usize) -> Vec<SendOutcome> {
    let runtime = runtime();
    (0..count).map(|_| runtime.block_on(sink.send(request(10)))).collect()
}

/// Lets the runtime go on until `done`, at most ten seconds.
async fn wait_for(mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(10), "it never came");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn sequential_requests_share_one_connection() {
    let server = ok();
    for outcome in send_all(&http_sink(&server.url()), 5) {
        assert_eq!(reply(outcome).status, 200);
    }
    assert_eq!((server.connections(), server.received().len()), (1, 5));
}

#[test]
fn without_keep_alive_each_request_has_its_own_connection() {
    let server = ok();
    let mut config = config(&server.url());
    config.keep_alive = false;
    for outcome in send_all(&HttpSink::new(config).unwrap(), 3) {
        assert_eq!(reply(outcome).status, 200);
    }
    assert_eq!(server.connections(), 3);
    assert!(server.received().iter().all(|request| request.header("connection") == Some("close")));
}

#[test]
fn requests_in_flight_together_use_one_connection_each() {
    let (arrived, all_arrived) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        arrived.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
        peer.respond("200 OK", "", b"");
    });
    let gate = std::thread::spawn(move || {
        for _ in 0..4 {
            all_arrived.recv_timeout(Duration::from_secs(5)).unwrap();
        }
        for _ in 0..4 {
            release.send(()).unwrap();
        }
    });
    let sink = http_sink(&server.url());
    let outcomes = runtime().block_on(async {
        let attempts: Vec<_> = (0..4).map(|_| tokio::spawn(sink.send(request(10)))).collect();
        let mut outcomes = Vec::new();
        for attempt in attempts {
            outcomes.push(attempt.await.unwrap());
        }
        outcomes
    });
    gate.join().unwrap();
    assert!(outcomes.into_iter().all(|outcome| reply(outcome).status == 200));
    assert_eq!(server.connections(), 4);
}

#[cfg(target_os = "linux")] // elsewhere a full queue refuses
#[test]
fn f5_a_black_hole_ends_at_the_connect_time_out() {
    use std::net::TcpStream;

    use socket2::{Domain, Socket, Type};

    // A listener that never accepts, its queue full: further SYNs are dropped.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut fillers = Vec::new();
    while let Ok(filler) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        fillers.push(filler);
        assert!(fillers.len() < 64, "the queue never fills");
    }
    let mut config = config(&format!("http://{address}/"));
    config.connect_timeout = Duration::from_millis(200);
    let started = Instant::now();
    let error = failure(attempt::send(&HttpSink::new(config).unwrap(), request(10)));
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::TimedOut, Some("ETIMEDOUT")));
    assert_eq!(error.message, format!("connect ETIMEDOUT {address}"));
    assert!((200..1_000).contains(&started.elapsed().as_millis()));
    let error =
        failure(attempt::send(&http_sink(&format!("http://{address}/")), request_within(100)));
    assert_eq!(error.message, "Request timed out", "the attempt's time is the other limit");
}

#[test]
fn f7_proxy_variables_are_ignored() {
    // The environment is the process's: a child runs the test below with every variable set.
    let proxy = RawServer::start(|mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", "", b"");
    });
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["sequential_requests_share_one_connection", "--exact"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        child.env(name, format!("http://{}", proxy.address));
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn f8_a_kept_connection_that_dies_under_the_request_is_replayed_once_at_once() {
    for reset in [false, true] {
        let server = RawServer::start(move |mut peer: Peer| {
            peer.request();
            peer.respond("200 OK", "", b"");
            if peer.connection == 0 && peer.request().is_some() {
                if reset {
                    peer.reset();
                }
                return;
            }
            while peer.request().is_some() {
                peer.respond("200 OK", "", b"");
            }
        });
        let started = Instant::now();
        for outcome in send_all(&http_sink(&server.url()), 3) {
            assert_eq!(reply(outcome).status, 200);
        }
        assert!(started.elapsed() < Duration::from_millis(500));
        // First, lost, replayed; the third may open its own.
        assert_eq!(server.received().len(), 4);
        assert!((2..=3).contains(&server.connections()));
    }
}

#[test]
fn f8_a_word_to_nobody_on_a_kept_connection_costs_no_request() {
    // HAProxy and Apache say 408 on an idle connection before they close it.
    let (used, is_used) = mpsc::channel::<()>();
    let is_used = std::sync::Mutex::new(is_used);
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", "", b"");
        let _ = is_used.lock().unwrap().recv_timeout(Duration::from_millis(20));
        peer.respond("408 Request Time-out", "Connection: close\r\n", b"");
    });
    let (sink, runtime) = (http_sink(&server.url()), runtime());
    for _ in 0..20 {
        match runtime.block_on(sink.send(request(10))) {
            SendOutcome::Reply(reply) => assert!([200, 408].contains(&reply.status)),
            other => panic!("{other:?}"),
        }
        // The race is the point: the runtime does not run while the server speaks, and reads only with the next request.
        let _ = used.send(());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn f8_a_replay_that_dies_too_is_reported() {
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        if peer.connection == 0 {
            peer.respond("200 OK", "", b"");
            peer.request();
        }
    });
    let outcomes = send_all(&http_sink(&server.url()), 2);
    let mut outcomes = outcomes.into_iter();
    assert_eq!(reply(outcomes.next().unwrap()).status, 200);
    assert_eq!(failure(outcomes.next().unwrap()).message, "socket hang up");
    assert_eq!(server.connections(), 2, "one replay, no more");
}

#[test]
fn f8_a_response_that_breaks_off_on_a_kept_connection_is_not_replayed() {
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", "", b"");
        peer.request();
        peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhalf");
    });
    let mut outcomes = send_all(&http_sink(&server.url()), 2);
    let second = reply(outcomes.pop().unwrap());
    assert_eq!((second.status, second.body_error.is_some()), (503, true));
    assert_eq!(server.received().len(), 2);
}

#[test]
fn f8_a_server_that_closes_idle_connections_costs_no_request() {
    const IDLE: Duration = Duration::from_millis(5);
    let server = RawServer::start(|mut peer: Peer| {
        // A new connection has all the time for its first request.
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
            if !peer.next_within(IDLE) {
                return;
            }
        }
    });
    let sink = http_sink(&server.url());
    let runtime = runtime();
    for i in 0..400 {
        let outcome = runtime.block_on(async {
            // Around the moment at which the server gives up.
            tokio::time::sleep(
                IDLE - Duration::from_micros(500) + Duration::from_micros(i % 10 * 100),
            )
            .await;
            sink.send(request(10)).await
        });
        assert_eq!(reply(outcome).status, 200, "request {i}");
    }
}

#[test]
fn f8_a_head_that_breaks_off_on_a_kept_connection_is_not_replayed() {
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", "", b"");
        peer.request();
        peer.write("HTTP/1.1 2");
    });
    let mut outcomes = send_all(&http_sink(&server.url()), 2);
    assert_eq!(failure(outcomes.pop().unwrap()).code.as_deref(), Some("ECONNRESET"));
    assert_eq!(server.received().len(), 2, "the request has arrived: to repeat it is the policy's");
}

/// When its connections were closed after their answers, which have these headers.
fn kept_for(headers: &'static str, patience: Duration) -> Option<Duration> {
    let (closed, was_closed) = mpsc::channel();
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        peer.respond("200 OK", headers, b"");
        let kept = Instant::now();
        peer.wait_for_close();
        let _ = closed.send(kept.elapsed());
    });
    let sink = http_sink(&server.url());
    runtime().block_on(async {
        assert_eq!(reply(sink.send(request(10)).await).status, 200);
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Ok(kept) = was_closed.try_recv() {
                return Some(kept);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    })
}

#[test]
fn f8_an_idle_connection_is_kept_as_long_as_the_server_says_less_a_second() {
    let cases = [("Keep-Alive: timeout=2\r\n", 900..1_900), ("Keep-Alive: timeout=1\r\n", 0..900)];
    for (headers, expected) in cases {
        let kept = kept_for(headers, Duration::from_secs(5));
        assert!(
            kept.is_some_and(|kept| expected.contains(&kept.as_millis())),
            "{headers} {kept:?}"
        );
    }
}

#[test]
fn an_idle_connection_outlives_the_schedule_of_a_batch_processor() {
    assert_eq!(kept_for("", Duration::from_millis(5_500)), None);
    assert_eq!(kept_for("Keep-Alive: timeout=72\r\n", Duration::from_millis(10)), None);
}

#[test]
fn an_answer_that_takes_its_time_is_not_idle() {
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        let head = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\n";
        for piece in [head, "a", "b"] {
            std::thread::sleep(Duration::from_millis(150));
            peer.write(piece);
        }
        peer.wait_for_close();
    });
    let reply = reply(send_all(&http_sink(&server.url()), 1).remove(0));
    assert_eq!((reply.status, &reply.body[..], reply.body_error), (200, &b"ab"[..], None));
}

/// What a NAT or a balancer does that has forgotten a connection: packets vanish, and nobody says so.
#[cfg(target_os = "linux")]
#[test]
fn a_kept_connection_that_has_become_a_black_hole_costs_three_seconds_and_not_the_request() {
    let server = RawServer::start(|mut peer: Peer| {
        while peer.request().is_some() {
            if peer.connection == 0 {
                // From now on the socket takes no packet any more, and acknowledges none.
                peer.respond("200 OK", "", b"");
                std::thread::sleep(Duration::from_millis(100));
                peer.swallow_everything();
                std::thread::sleep(Duration::from_secs(8));
                return;
            }
            peer.respond("200 OK", "", b"");
        }
    });
    let sink = http_sink(&server.url());
    runtime().block_on(async {
        assert_eq!(reply(sink.send(request(10)).await).status, 200);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let started = Instant::now();
        assert_eq!(reply(sink.send(request_within(10_000)).await).status, 200);
        let took = started.elapsed();
        assert!((2_000..7_000).contains(&took.as_millis()), "{took:?}");
    });
    assert_eq!((server.connections(), server.received().len()), (2, 2));
}

#[test]
fn r53_dropping_an_attempt_closes_its_connection() {
    let (arrived, has_arrived) = mpsc::channel();
    let (closed, was_closed) = mpsc::channel();
    let server = RawServer::start(move |mut peer: Peer| {
        peer.request();
        arrived.send(()).unwrap();
        closed.send(peer.wait_for_close()).unwrap();
    });
    let sink = http_sink(&server.url());
    runtime().block_on(async {
        let attempt = tokio::spawn(sink.send(request(10)));
        wait_for(|| has_arrived.try_recv().is_ok()).await;
        attempt.abort();
        wait_for(|| matches!(was_closed.try_recv(), Ok(true))).await;
    });
}

#[test]
fn a_timed_out_request_gives_its_connection_up() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.request();
        if peer.connection == 0 {
            peer.wait_for_close();
        } else {
            peer.respond("200 OK", "", b"");
        }
    });
    let sink = http_sink(&server.url());
    let runtime = runtime();
    assert_eq!(
        failure(runtime.block_on(sink.send(request_within(100)))).kind,
        SendErrorKind::TimedOut
    );
    assert_eq!(reply(runtime.block_on(sink.send(request(10)))).status, 200);
    assert_eq!(server.connections(), 2);
}

#[cfg(unix)]
mod unix_sockets {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixListener,
        path::{Path, PathBuf},
        thread,
    };

    use super::{attempt::send, *};

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("offloop-{}-{name}.sock", std::process::id()))
    }

    fn sink(path: &Path) -> std::sync::Arc<HttpSink> {
        let mut config = config("http://localhost/v1/traces");
        config.unix_socket = Some(path.to_owned());
        HttpSink::new(config).unwrap()
    }

    #[test]
    fn a_socket_path_is_dialled_instead_of_the_host() {
        let path = path("ok");
        let listener = UnixListener::bind(&path).unwrap();
        let served = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"xxxxxxxxxx") {
                socket.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            String::from_utf8(head).unwrap()
        });
        assert_eq!(reply(send(&sink(&path), request(10))).status, 200);
        let head = served.join().unwrap();
        assert!(
            head.starts_with("POST /v1/traces HTTP/1.1\r\n")
                && head.contains("host: localhost\r\n"),
            "{head}"
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_missing_socket_is_named_by_its_path() {
        let path = path("missing");
        let error = failure(send(&sink(&path), request(10)));
        assert_eq!((error.code.as_deref(), error.syscall), (Some("ENOENT"), Some("connect")));
        assert_eq!(error.message, format!("connect ENOENT {}", path.display()));
        assert_eq!((error.address.as_deref(), error.port), (path.to_str(), None));
    }
}
