//! The bytes of one connection: owns telling whether they are HTTP/2 at all, and why they ended.
//! It refuses to parse frames; the HTTP/2 library does.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::{failure, life::Life};
use crate::sink::net::socket::{Socket, write_through};

/// The head of a frame.
const FRAME_HEAD_BYTES: usize = 9;
/// Kind of the frame that a peer of HTTP/2 begins with.
const SETTINGS: u8 = 4;

/// A connection whose first bytes have to be HTTP/2. The library keeps little of an error, so it is noted here.
pub(super) struct Wire<S> {
    stream: S,
    life: Arc<Life>,
    /// Who is at the other end, for errors.
    peer: String,
    first: [u8; FRAME_HEAD_BYTES],
    known: usize,
}

impl<S> Wire<S> {
    pub fn new(stream: S, life: Arc<Life>, peer: String) -> Wire<S> {
        Wire { stream, life, peer, first: [0; FRAME_HEAD_BYTES], known: 0 }
    }

    /// Looks at the first bytes. `Err`: they are something else.
    fn look(&mut self, bytes: &[u8]) -> Result<(), crate::sink::SendError> {
        if self.known == FRAME_HEAD_BYTES {
            return Ok(());
        }
        for &byte in bytes {
            if let Some(place) = self.first.get_mut(self.known) {
                *place = byte;
                self.known += 1;
            }
        }
        match self.first {
            [_, _, _, SETTINGS, 0, 0, 0, 0, 0] if self.known == FRAME_HEAD_BYTES => {
                self.life.note_speaking();
                Ok(())
            }
            _ if self.known < FRAME_HEAD_BYTES => Ok(()),
            first => Err(failure::not_http2(first, &self.peer)),
        }
    }
}

impl<S: Socket> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        if let Err(error) = read {
            self.life.note_end(failure::of_connection(&error));
            return Poll::Ready(Err(error));
        }
        let new = buffer.filled().get(before..).unwrap_or_default();
        if new.is_empty() {
            let first = self.first.get(..self.known).unwrap_or_default();
            self.life.note_end(failure::ended(first, &self.peer));
            return Poll::Ready(Ok(()));
        }
        self.life.note_heard();
        if let Err(error) = self.look(new) {
            self.life.note_end(error.clone());
            return Poll::Ready(Err(io::Error::other(error)));
        }
        Poll::Ready(Ok(()))
    }
}

write_through!(Wire, stream, |_: &mut Wire<S>| {});
