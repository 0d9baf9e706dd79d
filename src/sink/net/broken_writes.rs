//! A peer may answer and close before it has read the whole request. The system then fails the next write, while the answer
//! has come and can still be read. Here a write that fails so only ends the writing: reading tells the end.

use std::{
    error::Error,
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

/// A stream on which a lost connection is told by reading, behind everything that the peer has sent.
pub(in crate::sink) struct BrokenWrites<S> {
    stream: S,
    /// Why nothing is written any more.
    broken: Option<io::ErrorKind>,
    error: Option<io::Error>,
}

/// The error of a write that reading tells.
#[derive(Debug)]
pub(in crate::sink) struct BrokenWrite(pub io::Error);

impl fmt::Display for BrokenWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for BrokenWrite {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl<S> BrokenWrites<S> {
    /// Everything is passed through until a write fails.
    pub fn new(stream: S) -> BrokenWrites<S> {
        BrokenWrites { stream, broken: None, error: None }
    }

    fn note(&mut self, error: io::Error) {
        self.broken = Some(error.kind());
        self.error = Some(error);
    }

    /// The error of the first read behind the last byte; later ones have its kind.
    fn end(&mut self, kind: io::ErrorKind) -> io::Error {
        let error = self.error.take().unwrap_or_else(|| kind.into());
        io::Error::new(kind, BrokenWrite(error))
    }
}

/// The other side has ended the connection. Other errors of a write say nothing of the kind.
fn is_lost(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

impl<S: Socket> Socket for BrokenWrites<S> {}

impl<S: Socket> AsyncRead for BrokenWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        match self.broken {
            Some(kind) if read.is_err() || buffer.filled().len() == before => {
                Poll::Ready(Err(self.end(kind)))
            }
            _ => Poll::Ready(read),
        }
    }
}

impl<S: Socket> AsyncWrite for BrokenWrites<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.broken.is_none() {
            match ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts)) {
                Err(error) if is_lost(&error) => self.note(error),
                written => return Poll::Ready(written),
            }
        }
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_none() {
            match ready!(Pin::new(&mut self.stream).poll_flush(context)) {
                Err(error) if is_lost(&error) => self.note(error),
                flushed => return Poll::Ready(flushed),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
