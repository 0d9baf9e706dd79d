//! What went wrong, in Node's words: owns the way from the client's error chain to codes and texts of Node.
//! It refuses to print URLs: they may hold credentials.

use std::{error::Error, fmt, io, net::IpAddr};

use super::{heads::Other, target::Target};
use crate::sink::{SendError, SendErrorKind, errno, net::failure as net, wrong_port};

/// An attempt that got no status line; `tried` is the address of a name that was dialled, `has_spoken` whether a byte
/// came, now or in an answer to an earlier request. What it says of the port is told, too.
pub(super) fn of_exchange(
    error: &hyper_util::client::legacy::Error,
    target: &Target,
    tried: Option<IpAddr>,
    has_spoken: bool,
) -> SendError {
    let known = find(error);
    if let (None, Some(other)) = (known.net.own, known.other) {
        let failed = parse_error("HPE_INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/");
        if target.is_absolute {
            return failed; // it is the proxy that speaks so
        }
        let hint = match other {
            Other::Http2 => format!("speaks HTTP/2; it {}", wrong_port::LOOKS_LIKE_GRPC),
            Other::Tls => wrong_port::SPEAKS_TLS.to_owned(),
        };
        return SendError { message: with_hint(&failed.message, target, &hint), ..failed };
    }
    let failed = in_nodes_words(error, &known, target, tried);
    if target.is_absolute {
        return failed;
    }
    let is_silent = failed.kind == SendErrorKind::Reset && !has_spoken;
    let of_silence = || {
        let hint = wrong_port::of_silence_to_http(port_of(target)).filter(|_| is_silent)?;
        Some(format!("has ended the connection without an answer; it {hint}"))
    };
    let of_handshake = wrong_port::of_handshake(&failed.message).map(str::to_owned);
    match of_handshake.or_else(of_silence) {
        Some(hint) => SendError { message: with_hint(&failed.message, target, &hint), ..failed },
        None => failed,
    }
}

/// `text`, and what it says of the port.
pub(super) fn with_hint(text: &str, target: &Target, hint: &str) -> String {
    let (host, port) = (target.url.host_str().unwrap_or_default(), port_of(target));
    format!("{text}: {host}:{port} {hint}")
}

/// That of the endpoint, also behind a proxy.
fn port_of(target: &Target) -> u16 {
    target.url.port_or_known_default().unwrap_or(target.destination.port)
}

fn in_nodes_words(
    error: &hyper_util::client::legacy::Error,
    known: &Known<'_>,
    target: &Target,
    tried: Option<IpAddr>,
) -> SendError {
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

/// The peer has answered in another protocol.
#[derive(Debug)]
pub(super) struct Speaks(pub Other);

impl fmt::Display for Speaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer speaks another protocol")
    }
}

impl Error for Speaks {}

/// The parts of an error chain that say something.
struct Known<'a> {
    net: net::Known<'a>,
    http: Option<&'a hyper::Error>,
    other: Option<Other>,
}

fn find<'a>(error: &'a (dyn Error + 'static)) -> Known<'a> {
    Known {
        net: net::Known::of(error),
        http: net::chain(error).find_map(|each| each.downcast_ref()),
        other: net::chain(error).find_map(|each| Some(each.downcast_ref::<Speaks>()?.0)),
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
