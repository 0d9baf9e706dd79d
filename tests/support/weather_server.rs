//! An endpoint in bad weather: owns every way in which it misbehaves, chosen by the dice of a scenario.
//! It refuses to judge what the other side makes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
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
        http::{HttpConfig, HttpSink},
        net::Roots,
    },
};
use socket2::SockRef;

use super::{
    pki::{Identity, ServerTls, server_params},
    raw_server::{Peer, RawServer, Wire, closed_port},
    weather::{Dice, Hits, Place, named},
};

const STATUSES: [&str; 12] = [
    "202 Accepted",
    "302 Found",
    "400 Bad Request",
    "404 Not Found",
    "408 Request Timeout",
    "413 Content Too Large",
    "415 Unsupported Media Type",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
];
const PAUSES: [&str; 6] =
    ["0", "1", "-3", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "99999999999999999999"];
const GARBAGE: [&str; 4] = [
    "HTTP/9.9 abc\r\n\r\n",
    "hello\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "\r\n\r\n\0\0",
];
/// Faults of a connection that works.
const FAULTS: [&str; 12] = [
    "stall",
    "stall after head",
    "drip head",
    "drip body",
    "reset before",
    "reset in body",
    "close",
    "garbage",
    "status",
    "pause",
    "partial",
    "huge body",
];
/// Faults of the way to it.
const WAYS: [&str; 5] = ["refused", "slow tls", "tls stall", "tls reset", "not tls"];

const FAULTS_AND_WAYS: [&str; 17] = {
    let mut names = [""; 17];
    let mut at = 0;
    while at < 17 {
        names[at] = if at < 12 { FAULTS[at] } else { WAYS[at - 12] };
        at += 1;
    }
    names
};

/// An endpoint whose weather is bad until it is `healthy`.
pub struct Endpoint {
    sky: Arc<Sky>,
    way: Way,
    address: SocketAddr,
    server: Option<RawServer>,
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
    const PROTOCOL: Protocol = Protocol::HttpProtobuf;
    const COMPRESSIONS: &'static [Compression] =
        &[Compression::None, Compression::Gzip, Compression::Zstd];
    const FAULTS: &'static [&'static str] = &FAULTS_AND_WAYS;

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
        let mut endpoint = Endpoint { sky, way, address: closed_port(), server: None };
        if way == Way::Refused {
            hits.add("fault refused", 1);
        } else {
            endpoint.listen(TcpListener::bind("127.0.0.1:0").unwrap());
        }
        endpoint
    }

    fn url(&self) -> String {
        let scheme = if self.way == Way::Tls { "https" } else { "http" };
        format!("{scheme}://{}/v1/traces", self.address)
    }

    fn sink(&self) -> Arc<dyn Sink> {
        let mut config = HttpConfig::new(self.url(), "application/x-protobuf", "weather");
        if self.way == Way::Tls {
            config.tls.roots = Roots::of_pem(identities().0.pem.clone().into_bytes());
        }
        HttpSink::new(config).unwrap()
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
        [named("status", &STATUSES), named("pause", &PAUSES)].concat()
    }
}

impl Endpoint {
    fn listen(&mut self, listener: TcpListener) {
        self.address = listener.local_addr().unwrap();
        let (of_wrap, sky) = (Arc::clone(&self.sky), Arc::clone(&self.sky));
        let script = move |peer| {
            sky.open.fetch_add(1, Ordering::SeqCst);
            converse(peer, &sky);
            sky.open.fetch_sub(1, Ordering::SeqCst);
        };
        self.server = Some(match self.way {
            Way::Tls => {
                let (_, leaf) = identities();
                let tls = ServerTls::with(&[leaf]).wrap();
                RawServer::on(listener, move |socket| shake_hands(socket, &of_wrap, &tls), script)
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

/// The way into TLS, which may be slow or no way at all.
fn shake_hands(
    socket: TcpStream,
    sky: &Sky,
    tls: &impl Fn(TcpStream) -> Option<Box<dyn Wire>>,
) -> Option<Box<dyn Wire>> {
    if sky.is_healthy() || sky.pick(3) == 0 {
        return tls(socket);
    }
    let fault = WAYS[1 + sky.pick(4)];
    sky.hits.add(format!("fault {fault}"), 1);
    sky.open.fetch_add(1, Ordering::SeqCst);
    match fault {
        "slow tls" => thread::sleep(Duration::from_millis(sky.pick(150) as u64)),
        "tls stall" => {
            let _ = std::io::copy(&mut &socket, &mut std::io::sink());
        }
        "tls reset" => drop(SockRef::from(&socket).set_linger(Some(Duration::ZERO))),
        _ => drop(std::io::Write::write_all(&mut &socket, b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    }
    sky.open.fetch_sub(1, Ordering::SeqCst);
    if fault == "slow tls" { tls(socket) } else { None }
}

fn converse(mut peer: Peer, sky: &Sky) {
    while peer.request().is_some() {
        if sky.is_healthy() || sky.pick(3) == 0 {
            peer.respond("200 OK", "", b"");
            continue;
        }
        let Some(same) = misbehave(peer, sky) else { return };
        peer = same;
    }
}

/// Misbehaves in one way. `None`: the connection is over.
fn misbehave(mut peer: Peer, sky: &Sky) -> Option<Peer> {
    let fault = FAULTS[sky.pick(FAULTS.len())];
    sky.hits.add(format!("fault {fault}"), 1);
    match fault {
        "stall" => drop(peer.wait_for_close()),
        "stall after head" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
            peer.wait_for_close();
        }
        "drip head" | "drip body" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
            let start = if fault == "drip body" { head.len() } else { 0 };
            peer.write(&head[..start]);
            for byte in head[start..].bytes().chain([b'x'; 60]) {
                if !peer.write([byte]) {
                    break;
                }
                thread::sleep(Duration::from_millis(3));
            }
        }
        "reset before" => peer.reset(),
        "reset in body" => {
            let status = ["200 OK", "503 Service Unavailable", "404 Not Found"][sky.pick(3)];
            peer.write(format!("HTTP/1.1 {status}\r\nContent-Length: 100\r\n\r\nhalf"));
            peer.reset();
        }
        "close" => {
            peer.respond("200 OK", "Connection: close\r\n", b"");
            peer.finish();
        }
        "garbage" => {
            peer.write(GARBAGE[sky.pick(GARBAGE.len())]);
            peer.finish();
        }
        "huge body" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n");
            while peer.write([b'x'; 16 * 1024]) {}
        }
        "status" => {
            let status = STATUSES[sky.pick(STATUSES.len())];
            sky.hits.add(format!("status {status}"), 1);
            peer.respond(status, "", b"text");
            return Some(peer);
        }
        "pause" => {
            let status = ["429 Too Many Requests", "503 Service Unavailable"][sky.pick(2)];
            let pause = PAUSES[sky.pick(PAUSES.len())];
            sky.hits.add(format!("pause {pause}"), 1);
            peer.respond(status, &format!("Retry-After: {pause}\r\n"), b"");
            return Some(peer);
        }
        _ => {
            peer.respond("200 OK", "", &[0x0a, 6, 0x08, 1, 0x12, 2, b'n', b'o']);
            return Some(peer);
        }
    }
    None
}
