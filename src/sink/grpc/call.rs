//! One attempt: owns the order of connection, call, replay and answer, all inside the attempt's time.
//! It refuses to judge what came back.

use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use tokio::time::{Instant, timeout_at};

use super::{
    Ready, Shared,
    failure::{self, Unanswered},
    life::Stage,
    link::Link,
    message::{Coding, MessageReader, Unreadable, framed},
    percent, status,
};
use crate::{
    shown::shown_latin1,
    sink::{CallEnd, Metadata, Request, SendError, SendErrorKind, SendOutcome},
};

/// A shorter silence says nothing about the peer.
const MIN_SILENCE: Duration = Duration::from_millis(50);
/// Deadlines that a connection may miss between two answers. The stock exporter bears one more.
const MAX_MISSED: u32 = 5;
/// Bytes of an answer that is no gRPC: they are read for the status behind them.
const MAX_OTHER_BYTES: usize = 64 * 1024;

/// Sends `request` and reads the answer, until `end`.
pub(super) async fn call(
    shared: &Shared,
    ready: &Ready,
    request: &Request,
    begin: Instant,
    end: Instant,
) -> SendOutcome {
    let mut has_replayed = false;
    loop {
        let late = |what: &str| SendOutcome::Failed(failure::deadline(begin.elapsed(), what));
        let link = match timeout_at(end, shared.channel.link(&ready.way)).await {
            Ok(Ok(link)) => link,
            Ok(Err(error)) => return SendOutcome::Failed(error),
            Err(_) => return late("waiting for a connection"),
        };
        let started = Instant::now();
        let asked = ask(&link, shared, ready, request, end);
        let Ok(answered) = timeout_at(end, asked).await else {
            let is_silent = started.elapsed() >= MIN_SILENCE && !link.life.is_heard_since(started);
            if link.life.note_missed() >= MAX_MISSED || is_silent {
                // Not a byte in all that time, or never an answer: whoever calls next is not to wait for this one.
                link.retire();
            }
            return late(&format!("remote_addr={}", link.peer));
        };
        match answered {
            Ok(end) | Err(Unanswered::Ended(end)) => return SendOutcome::Called(end),
            Err(Unanswered::Failed(error)) => return SendOutcome::Failed(error),
            Err(Unanswered::Refused(_)) if !has_replayed => {}
            Err(Unanswered::Leaving(_)) if !has_replayed => link.retire(),
            Err(Unanswered::Refused(error) | Unanswered::Leaving(error)) => {
                return SendOutcome::Failed(error);
            }
        }
        has_replayed = true;
    }
}

async fn ask(
    link: &Link,
    shared: &Shared,
    ready: &Ready,
    request: &Request,
    end: Instant,
) -> Result<CallEnd, Unanswered> {
    let ended = || link.life.end().unwrap_or_else(failure::dropped);
    match link.life.speaking().await {
        Stage::Speaking => {}
        Stage::Over => return Err(Unanswered::Leaving(ended())),
        Stage::Silent | Stage::NeverSpoke => {
            let error = failure::no_connection(ended(), &ready.way.authority);
            return Err(Unanswered::Failed(error));
        }
    }
    let left = end.saturating_duration_since(Instant::now());
    let head = ready.heads.head(request, left).map_err(Unanswered::Failed)?;
    let message = framed(request.body.clone(), request.encoding);
    let (response, _under_way) = link.start(head, message)?;
    let response = response.await.map_err(|error| failure::of_stream(&error, link.life.end()))?;
    let end = read(response, link, shared.config.max_receive_bytes).await?;
    link.life.note_answered();
    Ok(end)
}

/// Reads an answer to its end. The status in its trailers counts, whatever comes before.
async fn read(
    response: Response<RecvStream>,
    link: &Link,
    max_bytes: usize,
) -> Result<CallEnd, Unanswered> {
    let (head, mut body) = response.into_parts();
    let http_status = head.status.as_u16();
    if body.is_end_stream() {
        return match end_of(&head.headers, Bytes::new()) {
            Some(end) if end.is_success() => Ok(no_message(end)),
            Some(end) => Ok(end),
            None => Ok(CallEnd {
                metadata: metadata_of(&head.headers),
                ..failure::without_status(http_status, &link.peer)
            }),
        };
    }
    let content_type = text_of(&head.headers, CONTENT_TYPE.as_str());
    let is_other = content_type.as_deref().is_some_and(|it| !it.starts_with("application/grpc"));
    let is_grpc = head.status == StatusCode::OK && !is_other;
    let mut reader = MessageReader::new(max_bytes);
    let mut other_bytes = 0;
    while let Some(bytes) = body.data().await {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(_) if !is_grpc => break,
            Err(error) => return Err(failure::of_stream(&error, link.life.end())),
        };
        // It fails on a stream that is over, which needs no more room.
        let _ = body.flow_control().release_capacity(bytes.len());
        if is_grpc {
            reader.push(&bytes).map_err(unreadable)?;
        } else {
            other_bytes += bytes.len();
            if other_bytes > MAX_OTHER_BYTES {
                break;
            }
        }
    }
    let trailers = if other_bytes > MAX_OTHER_BYTES { Ok(None) } else { body.trailers().await };
    let trailers = match trailers {
        Ok(trailers) => trailers,
        Err(_) if !is_grpc => None,
        Err(error) => return Err(failure::of_stream(&error, link.life.end())),
    };
    let stated = trailers.as_ref().and_then(|trailers| end_of(trailers, Bytes::new()));
    // Some servers put the status into the head and send a body all the same.
    let Some(mut end) = stated.or_else(|| end_of(&head.headers, Bytes::new())) else {
        let metadata = trailers.as_ref().map(metadata_of).unwrap_or_default();
        let end = if head.status != StatusCode::OK || is_grpc && trailers.is_some() {
            failure::without_status(http_status, &link.peer)
        } else if is_grpc {
            let (code, details) = status::of_reset(h2::Reason::NO_ERROR);
            CallEnd::new(code, details)
        } else {
            failure::other_content(content_type.as_deref().unwrap_or_default(), &link.peer)
        };
        return Ok(CallEnd { metadata, ..end });
    };
    let takes = text_of(&head.headers, "grpc-accept-encoding");
    end.lacks_gzip |= takes.is_some_and(|list| !status::lists_gzip(&list));
    if !end.is_success() {
        return Ok(end);
    }
    let coding = Coding::named(text_of(&head.headers, "grpc-encoding").as_deref().unwrap_or(""));
    match reader.finish(&coding).map_err(unreadable)? {
        Some(message) => Ok(CallEnd { message, ..end }),
        None => Ok(no_message(end)),
    }
}

fn no_message(end: CallEnd) -> CallEnd {
    let details = "No message received".to_owned();
    CallEnd { code: status::UNIMPLEMENTED, details, ..end }
}

fn unreadable(error: Unreadable) -> Unanswered {
    match error {
        Unreadable::TooLarge(text) => {
            Unanswered::Failed(SendError::new(SendErrorKind::ResponseTooLarge, text))
        }
        Unreadable::Wrong(end) => Unanswered::Ended(end),
    }
}

/// The status in `headers`, if there is one.
fn end_of(headers: &HeaderMap, message: Bytes) -> Option<CallEnd> {
    let code = headers.get("grpc-status")?;
    let code = code.to_str().ok().and_then(|text| text.trim().parse().ok());
    let details = headers.get("grpc-message").map(|it| percent::decode(it.as_bytes()));
    let details = details.unwrap_or_default();
    let code = code.unwrap_or(status::UNKNOWN);
    Some(CallEnd::of_trailers(code, details, metadata_of(headers), message))
}

/// Everything but the status, as it came; its length has the bound of a header list.
fn metadata_of(headers: &HeaderMap) -> Metadata {
    let text = |value: &[u8]| value.iter().copied().map(char::from).collect();
    headers
        .iter()
        .filter(|(name, _)| *name != "grpc-status" && *name != "grpc-message")
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect()
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| shown_latin1(value.as_bytes()))
}
