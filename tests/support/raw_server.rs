//! A scripted server on raw sockets: owns one listener on a free loopback port and a script per connection.
//! It refuses to know HTTP beyond finding where a request ends.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::SockRef;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Number of its connection, from 0.
    pub connection: usize,
    /// Request line and headers.
    pub head: String,
    /// Body, `Content-Length` bytes.
    pub body: Vec<u8>,
}

impl Received {
    /// Value of the first header of that name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What a script talks through: a TCP socket or TLS on top of one.
pub trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// One accepted connection.
pub struct Peer {
    /// Its number, from 0.
    pub connection: usize,
    wire: Box<dyn Wire>,
    socket: TcpStream,
    log: Arc<Mutex<Vec<Received>>>,
    rest: Vec<u8>,
}

impl Peer {
    /// Reads and records one request; `None` when the client is gone.
    pub fn request(&mut self) -> Option<Received> {
        let head = self.head()?;
        let received = Received { connection: self.connection, head, body: Vec::new() };
        let length =
            received.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        while self.rest.len() < length {
            self.fill()?;
        }
        let body = self.rest.drain(..length).collect();
        let received = Received { body, ..received };
        self.log.lock().unwrap().push(received.clone());
        Some(received)
    }

    /// Reads up to the blank line and leaves the body unread.
    pub fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.rest.drain(..end + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            self.fill()?;
        }
    }

    /// The next `bytes` bytes; `None` when the client is gone before.
    pub fn exactly(&mut self, bytes: usize) -> Option<Vec<u8>> {
        while self.rest.len() < bytes {
            self.fill()?;
        }
        Some(self.rest.drain(..bytes).collect())
    }

    /// What the client sends first, whatever it is.
    pub fn first_bytes(&mut self) -> Vec<u8> {
        let _ = self.fill();
        self.rest.clone()
    }

    fn fill(&mut self) -> Option<()> {
        let mut piece = [0; 16 * 1024];
        match self.wire.read(&mut piece) {
            Ok(0) | Err(_) => None,
            Ok(bytes) => {
                self.rest.extend_from_slice(&piece[..bytes]);
                Some(())
            }
        }
    }

    /// Writes; a client that is gone is no news to a script.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.wire.write_all(bytes.as_ref()).and_then(|()| self.wire.flush()).is_ok()
    }

    /// A whole response with `Content-Length`.
    pub fn respond(&mut self, status_line: &str, headers: &str, body: &[u8]) {
        self.write(format!(
            "HTTP/1.1 {status_line}\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        ));
        self.write(body);
    }

    /// Ends the connection with RST.
    pub fn reset(self) {
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// The socket takes no packet any more: a filter that lets none through.
    #[cfg(target_os = "linux")]
    pub fn swallow_everything(&self) {
        const RETURN_NOTHING: u16 = 6; // BPF_RET | BPF_K, with 0 bytes
        let filter = [socket2::SockFilter::new(RETURN_NOTHING, 0, 0, 0)];
        SockRef::from(&self.socket).attach_filter(&filter).unwrap();
    }

    /// Waits for the first byte of a request; `false` when `idle` passes or the client closes first.
    pub fn next_within(&mut self, idle: Duration) -> bool {
        let _ = self.socket.set_read_timeout(Some(idle));
        let found = !self.rest.is_empty() || self.fill().is_some();
        let _ = self.socket.set_read_timeout(None);
        found
    }

    /// Ends our direction and goes on reading: the client sees the end without a reset.
    pub fn finish(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
        self.wait_for_close();
    }

    /// Waits until the client closes, at most 10 s.
    pub fn wait_for_close(&mut self) -> bool {
        let _ = self.socket.set_read_timeout(Some(Duration::from_secs(10)));
        let mut sink = [0; 4096];
        loop {
            match self.wire.read(&mut sink) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => {
                    return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                }
            }
        }
    }
}

/// The listener, which ends with this; the other threads end with their connections.
pub struct RawServer {
    /// Where it listens.
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Nothing else wakes a thread that waits for a connection.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl RawServer {
    /// Runs `script` on its own thread for each connection.
    pub fn start(script: impl Fn(Peer) + Send + Sync + 'static) -> RawServer {
        RawServer::start_on("127.0.0.1:0", |socket| Some(Box::new(socket) as Box<dyn Wire>), script)
    }

    /// The same with `wrap` around each socket, for TLS.
    pub fn start_on(
        listen: &str,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Wire>> + Send + Sync + 'static,
        script: impl Fn(Peer) + Send + Sync + 'static,
    ) -> RawServer {
        RawServer::on(TcpListener::bind(listen).unwrap(), wrap, script)
    }

    /// The same on a listener that there is.
    pub fn on(
        listener: TcpListener,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Wire>> + Send + Sync + 'static,
        script: impl Fn(Peer) + Send + Sync + 'static,
    ) -> RawServer {
        let address = listener.local_addr().unwrap();
        let (log, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let server = RawServer {
            address,
            log: Arc::clone(&log),
            connections: Arc::clone(&connections),
            stop: Arc::clone(&stop),
        };
        let (script, wrap) = (Arc::new(script), Arc::new(wrap));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let connection = connections.fetch_add(1, Ordering::SeqCst);
                let (script, wrap, log) =
                    (Arc::clone(&script), Arc::clone(&wrap), Arc::clone(&log));
                thread::spawn(move || {
                    let _ = socket.set_nodelay(true);
                    let Some(wire) = socket.try_clone().ok().and_then(|socket| wrap(socket)) else {
                        return;
                    };
                    script(Peer { connection, wire, socket, log, rest: Vec::new() });
                });
            }
        });
        server
    }

    /// Endpoint on this server.
    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// Requests read so far.
    pub fn received(&self) -> Vec<Received> {
        self.log.lock().unwrap().clone()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// An address of loopback where nobody listens.
pub fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
