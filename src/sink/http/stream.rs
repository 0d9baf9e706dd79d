//! The bytes of one connection: owns how many of them may come before an answer does, when an answer that came too early is
//! read, and the end of a connection that nobody has used for too long.
//! It refuses to know what they mean: where the head of an answer ends is told by `heads`.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{failure, heads::Heads, kept::Kept};
use crate::sink::net::socket::{Socket, write_through};

/// A connection whose answers have heads of bounded length, which ends when it has been idle for too long, and whose first
/// answer may be there before its question: a proxy that is full says 503 as soon as it accepts. The client takes bytes
/// that nobody asked for as a broken connection, so these wait until a request has been written, as they do in Node.
pub(super) struct Bounded<S> {
    stream: S,
    heads: Heads,
    kept: Kept,
    /// When a byte last went either way.
    moved: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// A request has been written.
    is_asked: bool,
    /// What came before that.
    early: Vec<u8>,
    waker: Option<Waker>,
    is_old: IsOld,
    /// Requests on it name scheme and host in their first line.
    is_absolute: bool,
}

/// Whether a connection's last answer was in a version of HTTP that ends connections unless it says otherwise.
#[derive(Clone, Debug, Default)]
pub(super) struct IsOld(Arc<AtomicBool>);

impl IsOld {
    /// Whether it was.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S> Bounded<S> {
    /// Waits for the head of an answer.
    pub fn new(stream: S, kept: Kept, is_absolute: bool) -> Bounded<S> {
        Bounded {
            stream,
            heads: Heads::default(),
            kept,
            moved: Instant::now(),
            timer: None,
            is_asked: false,
            early: Vec::new(),
            waker: None,
            is_old: IsOld::default(),
            is_absolute,
        }
    }

    fn note_write(&mut self) {
        self.moved = Instant::now();
        self.is_asked = true;
        if self.heads.next_request() {
            self.kept.next_request();
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Ready when nothing is asked of the connection and its time is over.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.heads.are_over() {
            return Poll::Pending;
        }
        let Some(max_idle) = self.kept.max_idle(context) else { return Poll::Pending };
        let end = self.moved + max_idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(context)
    }
}

impl<S: Socket> Bounded<S> {
    /// Nobody has asked yet: an end and an error are news, bytes have to wait.
    fn poll_early(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.early.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            self.early.extend_from_slice(buffer.filled().get(before..).unwrap_or_default());
            if self.early.is_empty() {
                return Poll::Ready(Ok(()));
            }
            buffer.set_filled(before);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<S: Socket> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_asked {
            return self.poll_early(context, buffer);
        }
        let before = buffer.filled().len();
        if self.early.is_empty() {
            let read = Pin::new(&mut self.stream).poll_read(context, buffer);
            if read.is_pending() {
                ready!(self.poll_idle(context));
                return Poll::Ready(Ok(())); // nothing more comes
            }
            ready!(read)?;
        } else {
            let now = self.early.len().min(buffer.remaining());
            self.early.drain(..now).for_each(|byte| buffer.put_slice(&[byte]));
        }
        if buffer.filled().len() > before {
            self.moved = Instant::now();
            self.kept.note_answer();
        }
        self.heads.take(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        if self.heads.are_too_long() {
            let overflow = failure::parse_error("HPE_HEADER_OVERFLOW", "Header overflow");
            return Poll::Ready(Err(io::Error::other(overflow)));
        }
        if let Some(other) = self.heads.other() {
            return Poll::Ready(Err(io::Error::other(failure::Speaks(other))));
        }
        self.is_old.0.store(self.heads.is_old(), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

write_through!(Bounded, stream, |bounded: &mut Bounded<S>| bounded.note_write());

impl<S> Connection for Bounded<S> {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_absolute).extra(self.kept.clone()).extra(self.is_old.clone())
    }
}
