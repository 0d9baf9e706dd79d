//! Names that resolve slowly, or to several addresses: what only a look-up of our own can stage (F1, F3 to F5).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "../../../tests/support/raw_server.rs"]
mod raw_server;

use std::{
    net::IpAddr,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use raw_server::{Peer, RawServer, closed_port};
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::sink::{ContentEncoding, SendErrorKind, net::resolve::Answer};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn request(time_left: Duration) -> Request {
    Request {
        body: "x".into(),
        encoding: ContentEncoding::Identity,
        spans: 1,
        call: 0,
        attempt: 1,
        time_left,
        headers: None,
    }
}

fn sink(port: u16, look_up: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Arc<HttpSink> {
    let mut config =
        HttpConfig::new(format!("http://collector.test:{port}/"), "application/json", "test");
    config.connect_timeout = Duration::from_millis(1_500);
    HttpSink::resolving_with(config, Arc::new(look_up)).unwrap()
}

fn addresses(texts: &[&str]) -> Answer {
    Ok(texts.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect())
}

fn ok() -> RawServer {
    RawServer::start(|mut peer: Peer| {
        while peer.request().is_some() {
            peer.respond("200 OK", "", b"");
        }
    })
}

fn send(sink: &HttpSink) -> SendOutcome {
    runtime().block_on(sink.send(request(Duration::from_secs(3))))
}

#[test]
fn f1_every_refused_address_is_in_the_error_as_in_nodes_aggregate_error() {
    let port = closed_port().port();
    let sink = sink(port, |_| addresses(&["127.0.0.1", "::1"]));
    let SendOutcome::Failed(error) = send(&sink) else { panic!() };
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::Refused, Some("ECONNREFUSED")));
    assert_eq!((error.address, error.syscall), (None, None), "Node's AggregateError has neither");
    let texts: Vec<&str> = error.errors.iter().map(|error| error.message.as_str()).collect();
    let (v4, v6) = (
        format!("connect ECONNREFUSED 127.0.0.1:{port}"),
        format!("connect ECONNREFUSED ::1:{port}"),
    );
    assert_eq!(texts, [&v4, &v6]);
    assert_eq!(error.message, format!("{v4}; {v6}"));
}

#[test]
fn a_refused_address_is_followed_by_the_next() {
    let server = ok();
    let sink = sink(server.address.port(), |_| addresses(&["::1", "127.0.0.1"]));
    assert!(matches!(send(&sink), SendOutcome::Reply(reply) if reply.status == 200));
    let host = format!("collector.test:{}", server.address.port());
    assert_eq!(server.received()[0].header("host"), Some(host.as_str()));
}

#[cfg(target_os = "linux")] // the whole of 127.0.0.0/8 is there
#[test]
fn f5_an_address_that_swallows_everything_is_left_after_nodes_250_ms() {
    use std::net::{SocketAddr, TcpStream};

    use socket2::{Domain, Socket, Type};

    let hole = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    hole.bind(&"127.0.0.2:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    hole.listen(0).unwrap();
    let address = hole.local_addr().unwrap().as_socket().unwrap();
    let mut fillers = Vec::new();
    while let Ok(filler) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        fillers.push(filler);
    }
    let server = RawServer::start_on(
        &format!("127.0.0.1:{}", address.port()),
        |socket| Some(Box::new(socket)),
        |mut peer: Peer| {
            peer.request();
            peer.respond("200 OK", "", b"");
        },
    );
    let started = Instant::now();
    let outcome = send(&sink(server.address.port(), |_| addresses(&["127.0.0.2", "127.0.0.1"])));
    assert!(matches!(outcome, SendOutcome::Reply(_)), "{outcome:?}");
    assert!((250..1_400).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());

    let SendOutcome::Failed(error) = send(&sink(address.port(), |_| addresses(&["127.0.0.2"])))
    else {
        panic!()
    };
    assert_eq!(
        error.message,
        format!("connect ETIMEDOUT {address}"),
        "a single address has the whole time"
    );
}

#[test]
fn f5_an_address_that_answers_has_the_whole_time_for_its_tls_handshake() {
    // It takes the connection and never says a word.
    let server = RawServer::start(|mut peer: Peer| {
        peer.first_bytes();
        peer.wait_for_close();
    });
    let port = server.address.port();
    let mut config =
        HttpConfig::new(format!("https://collector.test:{port}/"), "application/json", "test");
    config.connect_timeout = Duration::from_millis(1_500);
    let look_up = |_: &str| addresses(&["127.0.0.1", "::1"]);
    let sink = HttpSink::resolving_with(config, Arc::new(look_up)).unwrap();
    let started = Instant::now();
    let SendOutcome::Failed(error) = send(&sink) else { panic!() };
    assert_eq!(error.message, format!("connect ETIMEDOUT 127.0.0.1:{port}"));
    assert!((1_400..2_900).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[test]
fn f3_requests_that_wait_for_a_name_share_one_look_up() {
    let server = ok();
    let (count, gate) =
        (Arc::new(AtomicUsize::new(0)), Arc::new((Mutex::new(false), Condvar::new())));
    let (counter, waiting) = (Arc::clone(&count), Arc::clone(&gate));
    let sink = sink(server.address.port(), move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        let open = waiting.0.lock().unwrap();
        drop(waiting.1.wait_while(open, |open| !*open).unwrap());
        addresses(&["127.0.0.1"])
    });
    runtime().block_on(async {
        let attempts: Vec<_> =
            (0..3).map(|_| tokio::spawn(sink.send(request(Duration::from_secs(3))))).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        for attempt in attempts {
            assert!(
                matches!(attempt.await.unwrap(), SendOutcome::Reply(reply) if reply.status == 200)
            );
        }
    });
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_look_up_that_panics_spoils_only_its_own_attempt() {
    let server = ok();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let sink = sink(server.address.port(), move |_| {
        assert!(counter.fetch_add(1, Ordering::SeqCst) > 0, "the first look-up panics on purpose");
        addresses(&["127.0.0.1"])
    });
    let SendOutcome::Failed(error) = send(&sink) else { panic!() };
    assert_eq!(
        (error.kind, error.message.as_str()),
        (SendErrorKind::Dns, "name look-up ended early")
    );
    assert!(matches!(send(&sink), SendOutcome::Reply(_)));
}

#[test]
fn f4_a_look_up_that_hangs_holds_neither_the_attempt_nor_the_runtime() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let sink = sink(1, move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_secs(60));
        addresses(&["127.0.0.1"])
    });
    let started = Instant::now();
    let runtime = runtime();
    for _ in 0..2 {
        let outcome = runtime.block_on(sink.send(request(Duration::from_millis(100))));
        assert!(
            matches!(outcome, SendOutcome::Failed(error) if error.message == "Request timed out")
        );
    }
    let SendOutcome::Failed(error) = runtime.block_on(sink.send(request(Duration::from_secs(3))))
    else {
        panic!()
    };
    assert_eq!(
        error.message, "getaddrinfo ETIMEDOUT collector.test",
        "the connect time-out covers the look-up"
    );
    drop((runtime, sink));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(count.load(Ordering::SeqCst), 1, "one stuck thread, however many ask");
}
