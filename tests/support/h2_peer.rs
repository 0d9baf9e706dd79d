//! A scripted peer of HTTP/2, frame by frame: owns reading and writing frames, and header lists without compression.
//! It refuses to keep rules: what a script sends goes out, right or wrong.
#![allow(dead_code, reason = "each test file uses its part")]

use super::raw_server::Peer;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// SETTINGS_MAX_CONCURRENT_STREAMS
pub const MAX_STREAMS: u16 = 3;
/// SETTINGS_INITIAL_WINDOW_SIZE
pub const WINDOW: u16 = 4;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame as it came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A call that has come to its end.
#[derive(Debug)]
pub struct Call {
    pub stream: u32,
    /// The flag, the length and the message.
    pub body: Vec<u8>,
}

/// One connection of a client of HTTP/2.
pub struct H2Peer {
    pub peer: Peer,
    /// Streams that have begun, and what has come of their bodies.
    pub open: Vec<(u32, Vec<u8>)>,
    /// Streams that the client has reset, and why.
    pub resets: Vec<(u32, u32)>,
    /// Pings that have come, answered or not.
    pub pings: usize,
    pub answers_pings: bool,
}

impl H2Peer {
    /// Takes the client's preface and sends these settings; `None` when the client is gone.
    pub fn accept(mut peer: Peer, settings: &[(u16, u32)]) -> Option<H2Peer> {
        let preface = peer.exactly(24)?;
        assert_eq!(preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut h2 =
            H2Peer { peer, open: Vec::new(), resets: Vec::new(), pings: 0, answers_pings: true };
        h2.settings(settings);
        Some(h2)
    }

    /// A SETTINGS frame.
    pub fn settings(&mut self, settings: &[(u16, u32)]) {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        self.send(SETTINGS, 0, 0, &payload);
    }

    /// Any frame.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.peer.write(frame)
    }

    /// The next frame of the client, as it is.
    pub fn raw_frame(&mut self) -> Option<Frame> {
        let head = self.peer.exactly(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.peer.exactly(length)?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame, with settings and pings answered, bodies collected and room given back.
    pub fn frame(&mut self) -> Option<Frame> {
        let frame = self.raw_frame()?;
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                self.send(SETTINGS, ACK, 0, &[]);
            }
            PING if frame.flags & ACK == 0 => {
                self.pings += 1;
                if self.answers_pings {
                    self.send(PING, ACK, 0, &frame.payload);
                }
            }
            HEADERS => self.open.push((frame.stream, Vec::new())),
            DATA => {
                let body = self.open.iter_mut().find(|(stream, _)| *stream == frame.stream);
                body.unwrap().1.extend(&frame.payload);
                if !frame.payload.is_empty() {
                    let length = u32::try_from(frame.payload.len()).unwrap().to_be_bytes();
                    self.send(WINDOW_UPDATE, 0, 0, &length);
                    self.send(WINDOW_UPDATE, 0, frame.stream, &length);
                }
            }
            RST_STREAM => {
                let code = u32::from_be_bytes(frame.payload[..4].try_into().unwrap());
                self.resets.push((frame.stream, code));
                self.open.retain(|(stream, _)| *stream != frame.stream);
            }
            _ => {}
        }
        Some(frame)
    }

    /// The next call that has come to its end; `None` when the client is gone.
    pub fn call(&mut self) -> Option<Call> {
        loop {
            let frame = self.frame()?;
            let ends = [HEADERS, DATA].contains(&frame.kind) && frame.flags & END_STREAM != 0;
            if ends {
                let at = self.open.iter().position(|(stream, _)| *stream == frame.stream).unwrap();
                let (stream, body) = self.open.remove(at);
                return Some(Call { stream, body });
            }
        }
    }

    /// The next frame of that kind; `None` when the client is gone.
    pub fn next(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.frame()?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// A header list.
    pub fn headers(&mut self, stream: u32, ends: bool, list: &[(&str, &str)]) {
        let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
        self.send(HEADERS, flags, stream, &header_block(list));
    }

    /// A header list of any length, in frames of 16 KiB.
    pub fn long_headers(&mut self, stream: u32, ends: bool, block: &[u8]) {
        let mut pieces = block.chunks(16_384).peekable();
        let mut kind = HEADERS;
        while let Some(piece) = pieces.next() {
            let end = if pieces.peek().is_none() { END_HEADERS } else { 0 };
            let ends = if ends && kind == HEADERS { END_STREAM } else { 0 };
            if !self.send(kind, end | ends, stream, piece) {
                return;
            }
            kind = CONTINUATION;
        }
    }

    /// A piece of a body.
    pub fn data(&mut self, stream: u32, ends: bool, bytes: &[u8]) -> bool {
        self.send(DATA, if ends { END_STREAM } else { 0 }, stream, bytes)
    }

    /// The head of an answer of gRPC.
    pub fn grpc_head(&mut self, stream: u32) {
        self.headers(stream, false, &[(":status", "200"), ("content-type", "application/grpc")]);
    }

    /// An answer with a message and a status.
    pub fn answer(&mut self, stream: u32, message: &[u8], trailers: &[(&str, &str)]) {
        self.grpc_head(stream);
        self.data(stream, false, &prefixed(0, message));
        self.headers(stream, true, trailers);
    }

    /// Success.
    pub fn ok(&mut self, stream: u32) {
        self.answer(stream, b"", &[("grpc-status", "0")]);
    }

    /// A status in the head of the answer.
    pub fn trailers_only(&mut self, stream: u32, list: &[(&str, &str)]) {
        let head = [(":status", "200"), ("content-type", "application/grpc")];
        self.headers(stream, true, &[&head[..], list].concat());
    }

    /// RST_STREAM
    pub fn reset(&mut self, stream: u32, code: u32) {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes());
    }

    /// GOAWAY
    pub fn goaway(&mut self, last_stream: u32, code: u32, debug: &str) {
        let payload =
            [&last_stream.to_be_bytes()[..], &code.to_be_bytes(), debug.as_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload);
    }

    /// Answers every call with success until the client is gone.
    pub fn serve(&mut self) {
        while let Some(call) = self.call() {
            self.ok(call.stream);
        }
    }
}

/// The five bytes and a message.
pub fn prefixed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

/// Literals without indexing and without Huffman's code.
pub fn header_block(list: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in list {
        block.push(0);
        for text in [name, value] {
            put_length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits.
fn put_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}
