//! Fairness: owns how many bytes one connection may take from the thread that all share, before everybody else has a turn.
//! It refuses to know what the bytes mean.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::socket::{Socket, write_through};

/// Bytes that a connection may take in one go, before everybody else on the thread has had a turn.
pub(in crate::sink) const BYTES_PER_TURN: usize = 64 * 1024;

/// A socket that pauses after [`BYTES_PER_TURN`]. The runtime's own budget counts reads, of any size; and what TLS takes
/// without giving anything on (tickets, updates of keys) is counted here, too.
pub(in crate::sink) struct Fair<S> {
    socket: S,
    taken: usize,
    is_used: Box<dyn Fn() -> bool + Send>,
    is_watched: bool,
}

impl<S: Socket> Socket for Fair<S> {}

impl<S: Socket> Fair<S> {
    /// Has a whole turn before it. `is_used`: an answer has come over it, so that the peer acknowledges what it gets.
    pub fn new(socket: S, is_used: impl Fn() -> bool + Send + 'static) -> Fair<S> {
        Fair { socket, taken: 0, is_used: Box::new(is_used), is_watched: false }
    }

    fn watch_if_used(&mut self) {
        if !self.is_watched && (self.is_used)() {
            self.is_watched = true;
            self.socket.expect_acknowledgements();
        }
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

write_through!(Fair, socket, |fair: &mut Fair<S>| fair.watch_if_used());
