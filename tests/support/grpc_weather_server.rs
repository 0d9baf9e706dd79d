//! An endpoint of gRPC in bad weather: owns every way in which it misbehaves, chosen by the dice of a scenario.
//! It refuses to judge what the other side makes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use offloop::{
    config::Compression,
    otlp::Protocol,
    sink::{
        Sink,
        grpc::{GrpcConfig, GrpcSink, Pings},
        net::Roots,
    },
};

use super::{
    h2_peer::{self, Call, H2Peer, MAX_STREAMS, WINDOW, header_block, prefixed},
    pki::{Identity, ServerTls, server_params},
    raw_server::{Peer, RawServer, Wire, closed_port},
    weather::{Dice, Hits, Place, named},
};

/// What a connection may do instead of greeting.
const GREETINGS: [&str; 8] = [
    "silent",
    "http1 peer",
    "greeting garbage",
    "greeting goaway",
    "greeting close",
    "one stream",
    "no stream",
    "zero window",
];
/// What it may do when a call has come.
const ANSWERS: [&str; 28] = [
    "stall",
    "stall behind head",
    "stall in message",
    "stall before trailers",
    "drip",
    "tcp reset",
    "tcp reset behind head",
    "close",
    "status",
    "trailers only",
    "retry info",
    "partial",
    "no message",
    "huge message",
    "bomb",
    "http status",
    "html",
    "rst",
    "refused stream",
    "goaway without call",
    "goaway with call",
    "goaway with error",
    "goaway and close",
    "garbage frame",
    "garbage trailers",
    "huge trailers",
    "huge head",
    "gzip refused",
];
const ALL: [&str; 36] = {
    let mut names = [""; 36];
    let mut at = 0;
    while at < 36 {
        names[at] = if at < 8 { GREETINGS[at] } else { ANSWERS[at - 8] };
        at += 1;
    }
    names
};
/// RetryInfo in `grpc-status-details-bin`: 3 s, 0 s, none named, 0.5 ms, negative, cut off, no base64, no RetryInfo.
const DETAILS: [&str; 8] = [
    "CA4aMAooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAw==",
    "CA4aLAooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJldHJ5SW5mbxIA",
    "CA4aKgooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJldHJ5SW5mbw",
    "CA4aMgooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJldHJ5SW5mbxIGCgQQoMIe",
    "CA4aOQooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJldHJ5SW5mbxINCgsI////////////AQ==",
    "CA4aMAooeC5leGFtcGxlLmNvbS90eXBlcy9nb29nbGUucnBjLlJl",
    "*not base64*",
    "CA4SBWxhdGVy",
];
/// Without those that refuse the credentials: an exporter holds its batches for half a minute then.
const HTTP_STATUSES: [&str; 8] = ["302", "400", "404", "413", "429", "500", "503", "abc"];
const STATUSES: [&str; 15] =
    ["1", "2", "3", "4", "5", "6", "8", "9", "10", "11", "12", "13", "14", "15", "17"];
/// Reasons of a reset, with the same exception.
const REASONS: [u32; 14] = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 99];

/// An endpoint whose weather is bad until it is healthy.
pub struct Endpoint {
    sky: Arc<Sky>,
    way: Way,
    address: SocketAddr,
    server: Option<RawServer>,
    pings: bool,
}

/// What all its connections share.
struct Sky {
    dice: Mutex<Dice>,
    hits: Arc<Hits>,
    healthy: AtomicBool,
    open: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Refused,
    Tls,
}

impl Sky {
    fn pick(&self, limit: usize) -> usize {
        self.dice.lock().unwrap().below(limit as u64) as usize
    }

    fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::SeqCst)
    }
}

impl Place for Endpoint {
    const PROTOCOL: Protocol = Protocol::Grpc;
    const COMPRESSIONS: &'static [Compression] = &[Compression::None, Compression::Gzip];
    const FAULTS: &'static [&'static str] = &ALL;

    fn new(seed: u64, hits: &Arc<Hits>) -> Endpoint {
        let sky = Arc::new(Sky {
            dice: Mutex::new(Dice(seed * 7919 + 13)),
            hits: Arc::clone(hits),
            healthy: AtomicBool::new(false),
            open: AtomicUsize::new(0),
        });
        let way = match seed % 10 {
            7 | 9 => Way::Tls,
            8 => Way::Refused,
            _ => Way::Plain,
        };
        let address = closed_port();
        let mut endpoint = Endpoint { sky, way, address, server: None, pings: seed % 4 == 1 };
        if way != Way::Refused {
            endpoint.listen(TcpListener::bind("127.0.0.1:0").unwrap());
        }
        endpoint
    }

    fn url(&self) -> String {
        let scheme = if self.way == Way::Tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    fn sink(&self) -> Arc<dyn Sink> {
        let mut config = GrpcConfig::new(self.url(), "weather");
        if self.way == Way::Tls {
            config.tls.roots = Roots::of_pem(identities().0.pem.clone().into_bytes());
        }
        if self.pings {
            let millis = Duration::from_millis;
            config.pings = Some(Pings { interval: millis(10), timeout: millis(20) });
        }
        GrpcSink::new(config).unwrap()
    }

    fn heal(&mut self) -> bool {
        self.sky.healthy.store(true, Ordering::SeqCst);
        if self.server.is_none() {
            let Ok(listener) = TcpListener::bind(self.address) else { return false };
            self.listen(listener);
        }
        true
    }

    fn open(&self) -> usize {
        self.sky.open.load(Ordering::SeqCst)
    }

    fn details() -> Vec<String> {
        [named("status", &STATUSES), named("http", &HTTP_STATUSES), named("details", &DETAILS)]
            .concat()
    }
}

impl Endpoint {
    fn listen(&mut self, listener: TcpListener) {
        self.address = listener.local_addr().unwrap();
        let sky = Arc::clone(&self.sky);
        let script = move |peer| {
            sky.open.fetch_add(1, Ordering::SeqCst);
            converse(peer, &sky);
            sky.open.fetch_sub(1, Ordering::SeqCst);
        };
        self.server = Some(match self.way {
            Way::Tls => {
                let (_, leaf) = identities();
                let tls = ServerTls { protocols: vec!["h2"], ..ServerTls::with(&[leaf]) }.wrap();
                RawServer::on(listener, tls, script)
            }
            _ => RawServer::on(listener, |socket| Some(Box::new(socket) as Box<dyn Wire>), script),
        });
    }
}

/// A CA and its server, once for all scenarios.
fn identities() -> &'static (Identity, Identity) {
    static IDENTITIES: OnceLock<(Identity, Identity)> = OnceLock::new();
    IDENTITIES.get_or_init(|| {
        let root = Identity::root("Weather");
        let leaf = root.issue(server_params());
        (root, leaf)
    })
}

fn converse(peer: Peer, sky: &Sky) {
    let Some(mut h2) = greet(peer, sky) else { return };
    while let Some(call) = h2.call() {
        if sky.is_healthy() || sky.pick(3) == 0 {
            h2.ok(call.stream);
            continue;
        }
        let Some(same) = misbehave(h2, &call, sky) else { return };
        h2 = same;
    }
}

/// Begins a connection, more or less. `None`: the connection is over.
fn greet(mut peer: Peer, sky: &Sky) -> Option<H2Peer> {
    if sky.is_healthy() || sky.pick(3) > 0 {
        return H2Peer::accept(peer, &[]);
    }
    let fault = GREETINGS[sky.pick(GREETINGS.len())];
    sky.hits.add(format!("fault {fault}"), 1);
    match fault {
        "silent" => {
            peer.wait_for_close();
        }
        "http1 peer" => {
            peer.head();
            peer.respond("400 Bad Request", "", b"");
        }
        "greeting garbage" => {
            peer.first_bytes();
            let garbage = [&b"\0\0\x08\x07\0\0\0\0\0"[..], b"SSH-2.0-x\r\n", b"\0\0", b"<!doctype"];
            peer.write(garbage[sky.pick(garbage.len())]);
            peer.finish();
        }
        "greeting goaway" => {
            let mut h2 = H2Peer::accept(peer, &[])?;
            h2.goaway(0, [0, 2, 11][sky.pick(3)], "too_many_pings");
            h2.peer.finish();
        }
        "greeting close" => drop(peer.first_bytes()),
        "one stream" => return H2Peer::accept(peer, &[(MAX_STREAMS, 1)]),
        "no stream" => return H2Peer::accept(peer, &[(MAX_STREAMS, 0)]),
        _ => return H2Peer::accept(peer, &[(WINDOW, 0)]),
    }
    None
}

/// Answers a call badly. `None`: the connection is over.
fn misbehave(mut h2: H2Peer, call: &Call, sky: &Sky) -> Option<H2Peer> {
    let fault = ANSWERS[sky.pick(ANSWERS.len())];
    sky.hits.add(format!("fault {fault}"), 1);
    let stream = call.stream;
    match fault {
        // The next call finds a peer that still answers others.
        "stall" => {}
        "stall behind head" => h2.grpc_head(stream),
        "stall in message" => {
            h2.grpc_head(stream);
            h2.data(stream, false, &[0, 0, 0, 1]);
        }
        "stall before trailers" => {
            h2.grpc_head(stream);
            h2.data(stream, false, &prefixed(0, b""));
        }
        "drip" => {
            h2.grpc_head(stream);
            for byte in [0_u8, 0, 0, 0, 200].into_iter().chain([b'x'; 60]) {
                if !h2.data(stream, false, &[byte]) {
                    return None;
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        "tcp reset" => {
            h2.peer.reset();
            return None;
        }
        "tcp reset behind head" => {
            h2.grpc_head(stream);
            h2.peer.reset();
            return None;
        }
        "close" => return None,
        "status" | "trailers only" => {
            let code = STATUSES[sky.pick(STATUSES.len())];
            sky.hits.add(format!("status {code}"), 1);
            let words = WORDS[sky.pick(WORDS.len())];
            let list = [("grpc-status", code), ("grpc-message", words)];
            match fault {
                "status" => h2.answer(stream, b"", &list),
                _ => h2.trailers_only(stream, &list),
            };
        }
        "retry info" => {
            let details = DETAILS[sky.pick(DETAILS.len())];
            sky.hits.add(format!("details {details}"), 1);
            let code = ["8", "14", "3"][sky.pick(3)];
            let list = [("grpc-status", code), ("grpc-status-details-bin", details)];
            h2.trailers_only(stream, &list);
        }
        "partial" => {
            let partial = [0x0a, 6, 0x08, 1, 0x12, 2, b'n', b'o'];
            h2.answer(stream, &partial, &[("grpc-status", "0")]);
        }
        "no message" => h2.trailers_only(stream, &[("grpc-status", "0")]),
        "huge message" => {
            h2.grpc_head(stream);
            h2.data(stream, false, &[0, 0x7f, 0xff, 0xff, 0xff]);
        }
        "bomb" => {
            let head = [(":status", "200"), ("content-type", "application/grpc")];
            h2.headers(stream, false, &[&head[..], &[("grpc-encoding", "gzip")]].concat());
            h2.data(stream, false, &prefixed(1, b"\x1f\x8b\x08 no gzip at all"));
            h2.headers(stream, true, &[("grpc-status", "0")]);
        }
        "http status" => {
            let status = HTTP_STATUSES[sky.pick(HTTP_STATUSES.len())];
            sky.hits.add(format!("http {status}"), 1);
            h2.headers(stream, true, &[(":status", status)]);
        }
        "html" => {
            h2.headers(stream, false, &[(":status", "200"), ("content-type", "text/html")]);
            h2.data(stream, true, b"<html>");
        }
        "rst" => h2.reset(stream, REASONS[sky.pick(REASONS.len())]),
        "refused stream" => h2.reset(stream, 7),
        "goaway without call" => {
            h2.goaway(stream.saturating_sub(2), 0, "");
            h2.peer.finish();
            return None;
        }
        "goaway with call" => {
            h2.goaway(stream, 0, "");
            h2.ok(stream);
            h2.peer.finish();
            return None;
        }
        "goaway with error" => {
            h2.goaway(stream, 11, "too_many_pings");
            h2.peer.finish();
            return None;
        }
        "goaway and close" => {
            h2.goaway(0, 2, "");
            return None;
        }
        "garbage frame" => {
            let kind = [h2_peer::HEADERS, h2_peer::CONTINUATION, h2_peer::SETTINGS][sky.pick(3)];
            h2.send(kind, 5, [0, stream, stream + 1][sky.pick(3)], &[0xff; 11]);
        }
        "garbage trailers" => {
            h2.grpc_head(stream);
            h2.data(stream, false, &prefixed(0, b""));
            let code = ["", "-1", "99999999999", "zero", "0x0"][sky.pick(5)];
            h2.headers(stream, true, &[("grpc-status", code), ("grpc-message", "%f%%")]);
        }
        "huge trailers" | "huge head" => {
            let long = "v".repeat(60_000);
            let mut list = vec![(":status", "200"), ("grpc-status", "0")];
            list.extend((0..20).map(|_| ("x-long", long.as_str())));
            if fault == "huge trailers" {
                list.remove(0);
                h2.grpc_head(stream);
            }
            h2.long_headers(stream, true, &header_block(&list));
        }
        _ => {
            let takes = ("grpc-accept-encoding", "identity");
            let code = ["12", "0"][sky.pick(2)];
            h2.trailers_only(stream, &[("grpc-status", code), takes]);
        }
    }
    Some(h2)
}

/// Messages that say something, or nothing.
const WORDS: [&str; 6] = [
    "",
    "later",
    "grpc: received message larger than max (5 vs. 4)",
    "Decompressor is not installed for grpc-encoding",
    "%E2%82%AC%zz",
    "Error, decoded message length too large",
];
