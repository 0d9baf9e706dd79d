//! What went wrong, in the words of grpc-js where it has some: owns the way from errors of connections and streams to texts.
//! It refuses to judge.

use std::{error::Error, fmt::Write as _, io, time::Duration};

use super::status;
use crate::sink::{
    CallEnd, SendError, SendErrorKind,
    net::failure::{Known, innermost},
    wrong_port,
};

const NO_CONNECTION: &str = "No connection established. Last error: ";

/// Why a call has got no status.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The peer has not looked at it: it may go out once more.
    Refused(SendError),
    /// The same, and its connection takes no more calls.
    Leaving(SendError),
    /// It may have.
    Failed(SendError),
    /// HTTP/2 has said something that stands for a status.
    Ended(CallEnd),
}

/// A call whose time is over; `what` is what it was waiting for.
pub(super) fn deadline(after: Duration, what: &str) -> SendError {
    let text = format!("Deadline exceeded after {:.3}s,{what}", after.as_secs_f64());
    SendError::new(SendErrorKind::TimedOut, text)
}

/// A connection that could not be opened.
pub(super) fn no_connection(error: SendError, authority: &str) -> SendError {
    let message = match error.kind {
        _ if error.message.starts_with(NO_CONNECTION) => return error,
        SendErrorKind::Dns => {
            format!("Name resolution failed for target dns:{authority}: {}", error.message)
        }
        SendErrorKind::Unsendable | SendErrorKind::EnvironmentGone => return error,
        _ => {
            let last = error.errors.last().unwrap_or(&error);
            let code = last.code.as_deref().filter(|code| code.starts_with("ERR_"));
            let name = code.map_or_else(|| "Error".to_owned(), |code| format!("Error [{code}]"));
            let hint = hint(&last.message).map(|hint| format!(": {authority} {hint}"));
            let last = format!("{}{}", last.message, hint.unwrap_or_default());
            format!("{NO_CONNECTION}{name}: {last}. Resolution note: ")
        }
    };
    SendError { message, ..error }
}

/// What the message of a failed handshake says of the port.
fn hint(message: &str) -> Option<String> {
    // The alert of a server whose protocols have no HTTP/2 among them.
    if message.contains("alert no application protocol") {
        return Some(format!("speaks no HTTP/2; it {}", wrong_port::LOOKS_LIKE_HTTP));
    }
    wrong_port::of_handshake(message).map(str::to_owned)
}

/// A standing connection that has broken.
pub(super) fn of_connection(error: &(dyn Error + 'static)) -> SendError {
    let known = Known::of(error);
    match known.failure(false, false, || None) {
        Some(failed) => failed,
        None if known.ended => dropped(),
        None => SendError::new(SendErrorKind::Other, innermost(error)),
    }
}

/// The peer has closed the connection.
pub(super) fn dropped() -> SendError {
    SendError::new(SendErrorKind::Reset, "Connection dropped")
}

/// The peer has closed the connection after `first`, the bytes that it began with, nine at most.
pub(super) fn ended(first: &[u8], peer: &str) -> SendError {
    if first.len() >= 9 {
        return dropped();
    }
    if first.is_empty() {
        let hint = wrong_port::of_silence_to_grpc(peer).map(|hint| format!("; it {hint}"));
        let hint = hint.unwrap_or_default();
        let text =
            format!("{NO_CONNECTION}{peer} closed the connection before it spoke HTTP/2{hint}");
        return SendError::new(SendErrorKind::Reset, text);
    }
    let mut known = [0; 9];
    first.iter().zip(&mut known).for_each(|(&byte, place)| *place = byte);
    not_http2(known, peer)
}

/// The peer has begun with something that is not HTTP/2.
pub(super) fn not_http2(first: [u8; 9], peer: &str) -> SendError {
    let http = wrong_port::LOOKS_LIKE_HTTP;
    let what = match first {
        [b'H', b'T', b'T', b'P', b'/', ..] => {
            format!("{peer} speaks HTTP/1.1, not HTTP/2; it {http}")
        }
        [b'<', ..] => format!("{peer} sends a page (HTML), not HTTP/2; it {http}"),
        // Alerts and handshakes of TLS.
        [21 | 22, 3, ..] => format!("{peer} {}", wrong_port::SPEAKS_TLS),
        first => {
            let mut hex = String::new();
            first.iter().for_each(|byte| {
                let _ = write!(hex, "{byte:02x}");
            });
            format!("{peer} does not speak HTTP/2; it began with 0x{hex}")
        }
    };
    SendError::new(SendErrorKind::Malformed, format!("{NO_CONNECTION}{what}"))
}

/// An answer that is no gRPC.
pub(super) fn other_content(content_type: &str, peer: &str) -> CallEnd {
    let what = if content_type.contains("html") { "a page (HTML)" } else { "something else" };
    let text = format!(
        "{peer} answers with {what}, not with gRPC: its content type is '{content_type}'. It looks like a proxy or the wrong port"
    );
    CallEnd::new(status::UNKNOWN, text)
}

/// An answer over HTTP/2 without a status of gRPC.
pub(super) fn without_status(http_status: u16, peer: &str) -> CallEnd {
    let end = CallEnd::without_status(http_status);
    match wrong_port::of_silence_to_grpc(peer) {
        Some(hint) => CallEnd { details: format!("{}: {peer} {hint}", end.details), ..end },
        None => end,
    }
}

/// A stream that failed. `broken`: why its connection has ended.
pub(super) fn of_stream(error: &h2::Error, broken: Option<SendError>) -> Unanswered {
    let reason = error.reason();
    if error.is_go_away() && error.is_remote() {
        let text = match reason {
            Some(h2::Reason::NO_ERROR) | None => "Connection dropped".to_owned(),
            Some(_) => format!("Connection dropped: {error}"),
        };
        return Unanswered::Leaving(SendError::new(SendErrorKind::Reset, text));
    }
    if let Some(broken) = broken {
        return Unanswered::Failed(broken);
    }
    match reason {
        Some(h2::Reason::REFUSED_STREAM) if error.is_reset() && error.is_remote() => {
            let text = status::of_reset(h2::Reason::REFUSED_STREAM).1;
            Unanswered::Refused(SendError::new(SendErrorKind::Other, text))
        }
        Some(reason) if error.is_reset() && error.is_remote() => {
            let (code, details) = status::of_reset(reason);
            Unanswered::Ended(CallEnd::new(code, details))
        }
        Some(_) if error.is_reset() => {
            let text = format!("Received an answer that is not HTTP/2: {error}");
            Unanswered::Ended(CallEnd::new(status::INTERNAL, text))
        }
        Some(_) => {
            let text = format!("Connection dropped: {error}");
            Unanswered::Failed(SendError::new(SendErrorKind::Malformed, text))
        }
        None if error.is_io() => Unanswered::Failed(match error.get_io().map(io::Error::kind) {
            Some(io::ErrorKind::BrokenPipe) | None => dropped(),
            Some(_) => SendError::new(SendErrorKind::Reset, error.to_string()),
        }),
        None => Unanswered::Failed(SendError::new(SendErrorKind::Other, error.to_string())),
    }
}
