//! What went wrong, in Node's words: owns the way from the client's error chain to codes and texts of Node.
//! It refuses to print URLs: they may hold credentials.

use std::{error::Error, fmt, io, net::IpAddr};

use super::{broken_writes::BrokenWrite, target::Target};
use crate::sink::{
    SendError, SendErrorKind, errno,
    net::{dial::connect_error, tls},
};

/// An attempt that got no status line; `tried` is the address of a name that was dialled.
pub(super) fn of_exchange(
    error: &hyper_util::client::legacy::Error,
    target: &Target,
    tried: Option<IpAddr>,
) -> SendError {
    let known = find(error);
    if let Some(own) = known.own {
        return own.clone();
    }
    if known.http2 {
        return http2_peer(target);
    }
    if let Some(tls_error) = known.tls {
        return tls::failure(tls_error, error.is_connect());
    }
    if let Some(io_error) = known.system {
        let Some(errno) = errno::errno(io_error) else {
            return SendError::new(SendErrorKind::Other, io_error.to_string());
        };
        if error.is_connect() && !is_handshake(io_error) {
            let failed = connect_error(errno.code, connect_kind(errno.code), target.peer(tried));
            return SendError { errno: Some(errno.number), ..failed };
        }
        return lost(errno, known.write || known.http.is_some_and(is_write));
    }
    match known.http {
        Some(http) if http.is_parse() => malformed(http),
        Some(http) if is_hang_up(http) || is_unasked(http) => hang_up(),
        _ if known.ended && error.is_connect() => {
            let message =
                "Client network socket disconnected before secure TLS connection was established";
            SendError::new(SendErrorKind::Reset, message).with_code("ECONNRESET")
        }
        _ if known.ended => hang_up(),
        Some(http) => SendError::new(SendErrorKind::Other, http.to_string()),
        None => SendError::new(SendErrorKind::Other, innermost(error)),
    }
}

/// A body that broke off after its status line; Node says `aborted`.
pub(super) fn of_body(error: &hyper::Error) -> SendError {
    let known = find(error);
    if let Some(http) = known.http.filter(|http| http.is_parse()) {
        return malformed(http);
    }
    if let Some(errno) = known.system.and_then(errno::errno) {
        return lost(errno, false);
    }
    if innermost(error).to_ascii_lowercase().contains("chunk") {
        return parse_error("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size");
    }
    SendError::new(SendErrorKind::Reset, "aborted").with_code("ECONNRESET")
}

/// What Node reports when a name's addresses all failed: one error as it is, several as an `AggregateError`.
pub(super) fn of_addresses(mut errors: Vec<SendError>) -> SendError {
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

/// Whether the connection ended, which says nothing about the request if it was a kept one.
pub(super) fn is_lost_connection(error: &hyper_util::client::legacy::Error) -> bool {
    let known = find(error);
    let reset = |kind| {
        matches!(
            kind,
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::TimedOut
        )
    };
    known.ended
        || known.http.is_some_and(|http| is_hang_up(http) || is_unasked(http))
        || known.system.is_some_and(|error| reset(error.kind()))
}

/// llhttp's error as Node throws it.
pub(super) fn parse_error(code: &str, reason: &str) -> SendError {
    SendError::new(SendErrorKind::Malformed, format!("Parse Error: {reason}")).with_code(code)
}

/// The peer has answered in frames of HTTP/2.
#[derive(Debug)]
pub(super) struct SpeaksHttp2;

impl fmt::Display for SpeaksHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer speaks HTTP/2")
    }
}

impl Error for SpeaksHttp2 {}

/// Node's error, and what helps: it is nearly always the other port of a collector.
fn http2_peer(target: &Target) -> SendError {
    let (host, port) = (target.url.host_str().unwrap_or_default(), target.port);
    let reason = format!(
        "Expected HTTP/, RTSP/ or ICE/: {host}:{port} speaks HTTP/2, it looks like the gRPC port; use that of OTLP/HTTP, \
         which is 4318 unless configured otherwise"
    );
    parse_error("HPE_INVALID_CONSTANT", &reason)
}

/// The parts of an error chain that say something.
#[derive(Default)]
struct Known<'a> {
    own: Option<&'a SendError>,
    tls: Option<&'a rustls::Error>,
    system: Option<&'a io::Error>,
    http: Option<&'a hyper::Error>,
    /// The peer ended the stream where TLS or HTTP expected more.
    ended: bool,
    http2: bool,
    /// It was a write that failed.
    write: bool,
}

fn find<'a>(error: &'a (dyn Error + 'static)) -> Known<'a> {
    let mut known = Known::default();
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        known.own = known.own.or(error.downcast_ref());
        known.tls = known.tls.or(error.downcast_ref());
        known.http2 |= error.is::<SpeaksHttp2>();
        known.write |= error.is::<BrokenWrite>();
        known.http = known.http.or(error.downcast_ref());
        if let Some(io_error) = error.downcast_ref::<io::Error>() {
            known.ended |= io_error.kind() == io::ErrorKind::UnexpectedEof;
            if io_error.raw_os_error().is_some() {
                known.system = known.system.or(Some(io_error));
            } else if let Some(inner) = io_error.get_ref() {
                // An io::Error hides the error it wraps from source().
                next = Some(inner);
            }
        }
    }
    known
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn is_hang_up(http: &hyper::Error) -> bool {
    http.is_incomplete_message() || http.is_closed() || http.is_canceled()
}

/// A kept connection brought bytes while no request was on it (a 408 before it closes, say): none was sent.
fn is_unasked(http: &hyper::Error) -> bool {
    // The class is private; its text is all there is.
    http.to_string().contains("unexpected message")
}

fn is_write(http: &hyper::Error) -> bool {
    // The class is private; its text is all there is.
    http.to_string().contains("writing")
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
fn lost(errno: errno::Errno, writing: bool) -> SendError {
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

pub(super) fn hang_up() -> SendError {
    SendError::new(SendErrorKind::Reset, "socket hang up").with_code("ECONNRESET")
}

/// The client keeps less of the broken message than llhttp does: where it cannot tell two cases apart, the usual one.
fn malformed(http: &hyper::Error) -> SendError {
    let text = http.to_string();
    let (code, reason) = if text.contains("too large") {
        ("HPE_HEADER_OVERFLOW", "Header overflow")
    } else if http.is_parse_status() {
        ("HPE_INVALID_STATUS", "Invalid status code")
    } else if text.contains("version") {
        ("HPE_INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/")
    } else if text.contains("content-length") {
        ("HPE_UNEXPECTED_CONTENT_LENGTH", "Duplicate Content-Length")
    } else if text.contains("transfer-encoding") {
        ("HPE_INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`")
    } else {
        ("HPE_INVALID_HEADER_TOKEN", "Invalid header token")
    };
    parse_error(code, reason)
}
