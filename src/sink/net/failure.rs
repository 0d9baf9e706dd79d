//! What went wrong with a connection, in Node's words, whatever protocol it was for.
//! It refuses to print URLs: they may hold credentials.

use std::{error::Error, io};

use super::{Peer, broken_writes::BrokenWrite, dial::connect_error, tls};
use crate::sink::{SendError, SendErrorKind, errno};

/// The parts of an error chain that say something of the connection.
#[derive(Default)]
pub(in crate::sink) struct Known<'a> {
    /// An error that was worded where it happened.
    pub own: Option<&'a SendError>,
    tls: Option<&'a rustls::Error>,
    /// An error of the system.
    pub system: Option<&'a io::Error>,
    /// The peer ended the stream where TLS or what is above it expected more.
    pub ended: bool,
    /// It was a write that failed.
    write: bool,
}

impl<'a> Known<'a> {
    /// Looks through the chain of `error`.
    pub fn of(error: &'a (dyn Error + 'static)) -> Known<'a> {
        let mut known = Known::default();
        for error in chain(error) {
            known.own = known.own.or(error.downcast_ref());
            known.tls = known.tls.or(error.downcast_ref());
            known.write |= error.is::<BrokenWrite>();
            if let Some(io_error) = error.downcast_ref::<io::Error>() {
                known.ended |= io_error.kind() == io::ErrorKind::UnexpectedEof;
                if io_error.raw_os_error().is_some() {
                    known.system = known.system.or(Some(io_error));
                }
            }
        }
        known
    }

    /// The failure, if the connection itself has failed: while it was opened (`in_connect`), or later, perhaps in a write.
    pub fn failure(
        &self,
        in_connect: bool,
        in_write: bool,
        peer: impl FnOnce() -> Option<Peer>,
    ) -> Option<SendError> {
        if let Some(own) = self.own {
            return Some(own.clone());
        }
        if let Some(error) = self.tls {
            return Some(tls::failure(error, in_connect));
        }
        let error = self.system?;
        let Some(errno) = errno::errno(error) else {
            return Some(SendError::new(SendErrorKind::Other, error.to_string()));
        };
        if in_connect && !is_handshake(error) {
            let failed = connect_error(errno.code, connect_kind(errno.code), peer());
            return Some(SendError { errno: Some(errno.number), ..failed });
        }
        Some(lost(errno, self.write || in_write))
    }
}

/// The errors of a chain, outermost first.
pub(in crate::sink) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        let error: &'a (dyn Error + 'static) = *error;
        let io_error = error.downcast_ref::<io::Error>();
        match io_error.filter(|it| it.raw_os_error().is_none()).and_then(io::Error::get_ref) {
            // An io::Error hides the error it wraps from source().
            Some(inner) => Some(inner),
            None => error.source(),
        }
    };
    std::iter::successors(Some(error), next)
}

/// A connection that could not be opened; `peer` is who was dialled.
pub(in crate::sink) fn of_connect(
    error: &(dyn Error + 'static),
    peer: impl FnOnce() -> Option<Peer>,
) -> SendError {
    let known = Known::of(error);
    match known.failure(true, false, peer) {
        Some(failed) => failed,
        None if known.ended => ended_in_handshake(),
        None => SendError::new(SendErrorKind::Other, innermost(error)),
    }
}

pub(in crate::sink) fn ended_in_handshake() -> SendError {
    let message = "Client network socket disconnected before secure TLS connection was established";
    SendError::new(SendErrorKind::Reset, message).with_code("ECONNRESET")
}

/// What Node reports when a name's addresses all failed: one error as it is, several as an `AggregateError`.
pub(in crate::sink) fn of_addresses(mut errors: Vec<SendError>) -> SendError {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let Some(first) = errors.first().cloned() else {
        return SendError::new(SendErrorKind::Other, "no address to connect to");
    };
    let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    SendError {
        code: first.code,
        errors: errors.clone(),
        ..SendError::new(first.kind, texts.join("; "))
    }
}

pub(in crate::sink) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// A reset in the TLS handshake comes wrapped as a connect error, though the connection stood.
fn is_handshake(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

fn connect_kind(code: &str) -> SendErrorKind {
    match code {
        "ECONNREFUSED" => SendErrorKind::Refused,
        "ECONNRESET" => SendErrorKind::Reset,
        "ETIMEDOUT" => SendErrorKind::TimedOut,
        "ENETUNREACH" | "EHOSTUNREACH" | "ENETDOWN" | "EADDRNOTAVAIL" => SendErrorKind::Unreachable,
        "EMFILE" | "ENFILE" | "ENOBUFS" | "ENOMEM" | "EAGAIN" => SendErrorKind::Exhausted,
        _ => SendErrorKind::Other,
    }
}

/// A standing connection that the system took away.
pub(in crate::sink) fn lost(errno: errno::Errno, writing: bool) -> SendError {
    let syscall = if writing || errno.code == "EPIPE" { "write" } else { "read" };
    let kind = match errno.code {
        "ETIMEDOUT" => SendErrorKind::TimedOut,
        "ENETUNREACH" | "EHOSTUNREACH" | "ENETDOWN" => SendErrorKind::Unreachable,
        _ => SendErrorKind::Reset,
    };
    SendError {
        syscall: Some(syscall),
        errno: Some(errno.number),
        ..SendError::new(kind, format!("{syscall} {}", errno.code)).with_code(errno.code)
    }
}
