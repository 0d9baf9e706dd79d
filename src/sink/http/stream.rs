//! The bytes of one connection: owns how many of them one exporter may take from the thread that all share, and how many
//! may come before an answer does.
//! It refuses to know what they mean, beyond where the head of an answer ends.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure;

/// Bytes that a connection may take in one go, before everybody else on the thread has had a turn.
pub(super) const BYTES_PER_TURN: usize = 64 * 1024;

/// Bytes of heads before the final status, informational responses included: those may come without an end.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// What a connection is made of, below TLS.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// A socket that pauses after [`BYTES_PER_TURN`]. The runtime's own budget counts reads, of any size; and what TLS takes
/// without giving anything on (tickets, updates of keys) is counted here, too.
pub(super) struct Fair<S> {
    socket: S,
    taken: usize,
}

impl<S> Fair<S> {
    /// Has a whole turn before it.
    pub fn new(socket: S) -> Fair<S> {
        Fair { socket, taken: 0 }
    }
}

impl<S: Socket> AsyncRead for Fair<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken >= BYTES_PER_TURN {
            self.taken = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        self.taken =
            if read.is_pending() { 0 } else { self.taken + buffer.filled().len() - before };
        read
    }
}

/// A connection whose answers have heads of bounded length.
pub(super) struct Bounded<S> {
    stream: S,
    heads: Heads,
}

impl<S> Bounded<S> {
    /// Waits for the head of an answer.
    pub fn new(stream: S) -> Bounded<S> {
        Bounded { stream, heads: Heads::default() }
    }
}

impl<S: Socket> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.heads.take(buffer.filled().get(before..).unwrap_or_default());
        if self.heads.bytes > MAX_HEAD_BYTES {
            let overflow = failure::parse_error("HPE_HEADER_OVERFLOW", "Header overflow");
            return Poll::Ready(Err(io::Error::other(overflow)));
        }
        Poll::Ready(Ok(()))
    }
}

/// Both pass on what is written as it is; a new request begins a new count.
macro_rules! write_through {
    ($type:ident, $inner:ident, $before:expr) => {
        impl<S: Socket> AsyncWrite for $type<S> {
            fn poll_write(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                $before(&mut *self);
                Pin::new(&mut self.$inner).poll_write(context, bytes)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                parts: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                $before(&mut *self);
                Pin::new(&mut self.$inner).poll_write_vectored(context, parts)
            }

            fn is_write_vectored(&self) -> bool {
                self.$inner.is_write_vectored()
            }

            fn poll_flush(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$inner).poll_flush(context)
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$inner).poll_shutdown(context)
            }
        }
    };
}

write_through!(Fair, socket, |_: &mut Fair<S>| ());
write_through!(Bounded, stream, |bounded: &mut Bounded<S>| bounded.heads.next_request());

impl<S> Connection for Bounded<S> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// Where in the heads of an answer the bytes are.
#[derive(Debug, Default)]
struct Heads {
    bytes: usize,
    at: At,
}

#[derive(Debug)]
enum At {
    /// In the first bytes of a head, so many of which are known.
    Start { line: [u8; 12], known: usize },
    /// In an informational head; `empty`: the line has had no byte so far.
    Informational { empty: bool },
    /// The final status has come, or something that is for the parser to refuse.
    Over,
}

impl Default for At {
    fn default() -> At {
        At::Start { line: [0; 12], known: 0 }
    }
}

impl Heads {
    fn next_request(&mut self) {
        if matches!(self.at, At::Over) {
            *self = Heads::default();
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.at = match &mut self.at {
                At::Over => return,
                // Line ends before a head are skipped, as the parser does.
                At::Start { known: 0, .. } if matches!(byte, b'\r' | b'\n') => At::default(),
                At::Start { line, known } => {
                    if let Some(place) = line.get_mut(*known) {
                        *place = byte;
                    }
                    *known += 1;
                    if *known < line.len() {
                        self.bytes += 1;
                        continue;
                    }
                    match line {
                        // 101 is the last one: what follows it is no HTTP any more.
                        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'1', tens, ones]
                            if (*tens, *ones) != (b'0', b'1') =>
                        {
                            At::Informational { empty: false }
                        }
                        _ => At::Over,
                    }
                }
                At::Informational { empty: true } if byte == b'\n' => At::default(),
                At::Informational { empty } => {
                    At::Informational { empty: byte == b'\n' || (*empty && byte == b'\r') }
                }
            };
            self.bytes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(text: &str, piece: usize) -> Heads {
        let mut heads = Heads::default();
        text.as_bytes().chunks(piece).for_each(|piece| heads.take(piece));
        heads
    }

    #[test]
    fn what_comes_before_the_final_status_counts_and_nothing_behind_it() {
        let info = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n";
        let early = "HTTP/1.1 103 Early Hints\nLink: x\n\n";
        let last = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        let cases = [
            (last.to_owned(), 12),
            (format!("{last}{}", "x".repeat(100_000)), 12),
            (format!("\r\n{last}"), 14),
            (format!("{info}{early}{last}"), info.len() + early.len() + 12),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 100 x".to_owned(), 12),
            ("SSH-2.0-x and so on".to_owned(), 12),
            (info.repeat(4_000), 4_000 * info.len()),
            (format!("HTTP/1.1 100 {}", "x".repeat(70_000)), 70_013),
            ("\r\n".repeat(40_000), 80_000),
        ];
        for (text, counted) in cases {
            for piece in [1, 7, 4_096, text.len()] {
                assert_eq!(heads(&text, piece).bytes, counted, "{:.40} by {piece}", text);
            }
        }
    }

    #[test]
    fn each_request_has_a_count_of_its_own() {
        let mut heads = heads("HTTP/1.1 100 Continue\r\n\r\n", 3);
        let counted = heads.bytes;
        heads.next_request();
        assert_eq!(heads.bytes, counted, "the answer is not over, the request is still written");
        heads.take(b"HTTP/1.1 200 OK\r\n\r\nbody");
        heads.next_request();
        assert_eq!(heads.bytes, 0);
    }
}
