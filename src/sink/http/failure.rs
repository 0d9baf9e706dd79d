//! What went wrong, in Node's words: owns the way from the client's error chain to codes and texts of Node.
//! It refuses to print URLs: they may hold credentials.

use std::{error::Error, fmt, io, net::IpAddr};

use super::target::Target;
use crate::sink::{SendError, SendErrorKind, errno, net::failure as net};

/// An attempt that got no status line; `tried` is the address of a name that was dialled.
pub(super) fn of_exchange(
    error: &hyper_util::client::legacy::Error,
    target: &Target,
    tried: Option<IpAddr>,
) -> SendError {
    let known = find(error);
    if known.net.own.is_none() && known.http2 {
        return http2_peer(target);
    }
    let is_write = known.http.is_some_and(is_write);
    let peer = || target.destination.peer(tried);
    if let Some(failed) = known.net.failure(error.is_connect(), is_write, peer) {
        return failed;
    }
    match known.http {
        Some(http) if http.is_parse() => malformed(http),
        Some(http) if is_hang_up(http) || is_unasked(http) => hang_up(),
        _ if known.net.ended && error.is_connect() => net::ended_in_handshake(),
        _ if known.net.ended => hang_up(),
        Some(http) => SendError::new(SendErrorKind::Other, http.to_string()),
        None => SendError::new(SendErrorKind::Other, net::innermost(error)),
    }
}

/// A body that broke off after its status line; Node says `aborted`.
pub(super) fn of_body(error: &hyper::Error) -> SendError {
    let known = find(error);
    if let Some(http) = known.http.filter(|http| http.is_parse()) {
        return malformed(http);
    }
    if let Some(errno) = known.net.system.and_then(errno::errno) {
        return net::lost(errno, false);
    }
    if net::innermost(error).to_ascii_lowercase().contains("chunk") {
        return parse_error("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size");
    }
    SendError::new(SendErrorKind::Reset, "aborted").with_code("ECONNRESET")
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
    known.net.ended
        || known.http.is_some_and(|http| is_hang_up(http) || is_unasked(http))
        || known.net.system.is_some_and(|error| reset(error.kind()))
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
    let (host, port) = (target.url.host_str().unwrap_or_default(), target.destination.port);
    let reason = format!(
        "Expected HTTP/, RTSP/ or ICE/: {host}:{port} speaks HTTP/2, it looks like the gRPC port; use that of OTLP/HTTP, \
         which is 4318 unless configured otherwise"
    );
    parse_error("HPE_INVALID_CONSTANT", &reason)
}

/// The parts of an error chain that say something.
struct Known<'a> {
    net: net::Known<'a>,
    http: Option<&'a hyper::Error>,
    http2: bool,
}

fn find<'a>(error: &'a (dyn Error + 'static)) -> Known<'a> {
    Known {
        net: net::Known::of(error),
        http: net::chain(error).find_map(|each| each.downcast_ref()),
        http2: net::chain(error).any(|each| each.is::<SpeaksHttp2>()),
    }
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
