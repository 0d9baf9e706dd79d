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
    is_http2: bool,
}

impl<S> Wire<S> {
    pub fn new(stream: S, life: Arc<Life>, peer: String) -> Wire<S> {
        Wire { stream, life, peer, first: [0; FRAME_HEAD_BYTES], known: 0, is_http2: false }
    }

    /// The head of the first frame, which the library gets when it is known to be one.
    fn poll_first(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>>
    where
        S: Socket,
    {
        while self.known < FRAME_HEAD_BYTES {
            let mut place = ReadBuf::new(self.first.get_mut(self.known..).unwrap_or_default());
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut place));
            let new = place.filled().len();
            self.note(&read, new);
            read?;
            if new == 0 {
                return Poll::Ready(Ok(()));
            }
            self.known += new;
        }
        if !matches!(self.first, [0, _, _, SETTINGS, 0, 0, 0, 0, 0])
            || buffer.remaining() < FRAME_HEAD_BYTES
        {
            let error = failure::not_http2(self.first, &self.peer);
            self.life.note_end(error.clone());
            return Poll::Ready(Err(io::Error::other(error)));
        }
        buffer.put_slice(&self.first);
        self.is_http2 = true;
        self.life.note_speaking();
        Poll::Ready(Ok(()))
    }

    /// What a read says of the connection, with the `new` bytes that it has brought.
    fn note(&self, read: &io::Result<()>, new: usize) {
        match read {
            Ok(()) if new > 0 => self.life.note_heard(),
            Ok(()) => {
                let first = self.first.get(..self.known).unwrap_or_default();
                self.life.note_end(failure::ended(first, &self.peer));
            }
            Err(error) => self.life.note_end(failure::of_connection(error)),
        }
    }
}

impl<S: Socket> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_http2 {
            return self.poll_first(context, buffer);
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.note(&read, buffer.filled().len() - before);
        Poll::Ready(read)
    }
}

write_through!(Wire, stream, |_: &mut Wire<S>| {});
