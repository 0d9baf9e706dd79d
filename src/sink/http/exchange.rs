//! One attempt: owns the order of dial, send, replay and read, all inside the attempt's time.
//! It refuses to judge what came back: status and errors are reported as they are.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::http::Extensions;
use hyper::{
    Method, Response, StatusCode,
    body::{Body, Incoming},
    header::{
        CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION,
        RETRY_AFTER, TRANSFER_ENCODING,
    },
};
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, timeout_at};

use super::{Clients, Shared, failure, kept::Kept, stream::IsOld, target::Target};
use crate::{
    shown::shown_latin1,
    sink::{
        Reply, Request, SendError, SendErrorKind, SendOutcome,
        net::{dial::Dial, failure::of_addresses},
        wrong_port,
    },
};

/// Response bodies are read up to here, as the OTLP specification asks (F33).
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;
/// The default of Node's `--max-http-header-size`, as the client's own limit is some 400 kB (F34).
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Sends `request` and reads the answer, until `end`.
pub(super) async fn exchange(
    shared: &Shared,
    clients: &Clients,
    request: Request,
    end: Instant,
) -> SendOutcome {
    let headers = match &shared.headers {
        Ok(headers) => headers.of(&request),
        Err(error) => Err(error.clone()),
    };
    let headers = match headers {
        Ok(headers) => headers,
        Err(error) => return SendOutcome::Failed(error),
    };
    match timeout_at(end, head(shared, clients, &headers, &request.body)).await {
        Ok(Ok(response)) => reply(response, &shared.target, end).await,
        Ok(Err(error)) => SendOutcome::Failed(error),
        Err(_) => SendOutcome::Failed(timed_out()),
    }
}

/// The final status line and headers, or why there are none.
async fn head(
    shared: &Shared,
    clients: &Clients,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response<Incoming>, SendError> {
    let target = &shared.target;
    let mut client = &clients.pooled;
    let mut unreached: Vec<SendError> = Vec::new();
    let mut dial = Arc::new(Dial::default());
    loop {
        let mut post = hyper::Request::new(Full::new(body.clone()));
        *post.method_mut() = Method::POST;
        *post.uri_mut() = clients.uri.clone();
        *post.headers_mut() = headers.clone();
        let connection = capture_connection(&mut post);
        let error = match dial.scope(client.request(post)).await {
            Ok(response) => {
                shared.has_spoken.store(true, Relaxed);
                if is_last_of_its_connection(&response)
                    && let Some(connection) = &*connection.connection_metadata()
                {
                    connection.poison();
                }
                return Ok(response);
            }
            Err(error) => error,
        };
        let used_before = !dial.connected() && !error.is_connect();
        if used_before
            && std::ptr::eq(client, &clients.pooled)
            && failure::is_lost_connection(&error)
            && !has_answer(&error)
        {
            // A kept connection had ended, or did so as we wrote: once more, on a connection that is surely new (F8).
            client = &clients.fresh;
            dial = Arc::new(Dial::default());
            continue;
        }
        let has_spoken = shared.has_spoken.load(Relaxed) || has_answer(&error);
        let failed = failure::of_exchange(&error, target, dial.next_address(), has_spoken);
        if failed.syscall != Some("connect") {
            return Err(failed);
        }
        unreached.push(failed);
        if !dial.advance() {
            return Err(of_addresses(unreached));
        }
    }
}

/// Whether a byte of an answer came before the failure: then the request is known to have arrived.
fn has_answer(error: &hyper_util::client::legacy::Error) -> bool {
    let mut extensions = Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut extensions);
    }
    Kept::of(&extensions).is_some_and(Kept::has_answer)
}

/// Reads the body. If it breaks off, the status is reported all the same, with the error (F12, F15).
async fn reply(mut response: Response<Incoming>, target: &Target, end: Instant) -> SendOutcome {
    let headers = response.headers();
    let _reading = Kept::of(response.extensions()).map(|kept| kept.read_answer(headers));
    if let Some(error) = unacceptable(headers) {
        return SendOutcome::Failed(error);
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for another protocol. What follows is not HTTP, so no answer can come any more.
        return SendOutcome::Failed(failure::hang_up());
    }
    let mut reply = Reply {
        status: response.status().as_u16(),
        reason: reason(&response),
        retry_after: first(headers, RETRY_AFTER),
        date: first(headers, DATE),
        location: first(headers, LOCATION),
        ..Reply::default()
    };
    let has_no_length =
        !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING);
    let announced = response.body().size_hint().exact().unwrap_or(0);
    let mut body = BytesMut::new();
    reply.body_error = loop {
        let too_long = announced > MAX_RESPONSE_BYTES as u64 || body.len() > MAX_RESPONSE_BYTES;
        if too_long {
            // Dropping the response closes its connection, so nobody waits for the rest.
            body.truncate(MAX_RESPONSE_BYTES);
            break Some(too_large());
        }
        match timeout_at(end, response.body_mut().frame()).await {
            Ok(Some(Ok(frame))) => {
                // Trailers say nothing here.
                body.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            }
            Ok(Some(Err(error))) => {
                let error = failure::of_body(&error);
                // A body without a length ends with its connection, in Node also if that is reset.
                let is_end = has_no_length && error.kind == SendErrorKind::Reset;
                break (!is_end).then_some(error);
            }
            Ok(None) => break None,
            Err(_) => break Some(timed_out()),
        }
    };
    reply.body = body.freeze();
    if let Some(hint) = wrong_port::of_refusal(reply.status, &reply.body) {
        reply.reason = failure::with_hint(&reply.reason, target, hint);
    }
    SendOutcome::Reply(reply)
}

/// Whether its version of HTTP ends the connection, and it does not ask to keep it.
fn is_last_of_its_connection(response: &Response<Incoming>) -> bool {
    let asks_to_keep = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
    response.extensions().get::<IsOld>().is_some_and(IsOld::get)
        && !response.headers().get_all(CONNECTION).iter().any(asks_to_keep)
}

/// Finds what Node's parser (llhttp) refuses in a head although the client's parser takes it (F34).
fn unacceptable(headers: &HeaderMap) -> Option<SendError> {
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        // Two lengths: whoever stands between may read another message than we do.
        let reason = "Transfer-Encoding can't be present with Content-Length";
        return Some(failure::parse_error("HPE_INVALID_TRANSFER_ENCODING", reason));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (bytes > MAX_HEADER_BYTES)
        .then(|| failure::parse_error("HPE_HEADER_OVERFLOW", "Header overflow"))
}

/// The reason phrase as received; the client keeps it only where it is not the standard one.
fn reason(response: &Response<Incoming>) -> String {
    match response.extensions().get::<hyper::ext::ReasonPhrase>() {
        Some(phrase) => shown_latin1(phrase.as_bytes()),
        None => response.status().canonical_reason().unwrap_or_default().to_owned(),
    }
}

fn first(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| shown_latin1(value.as_bytes()))
}

pub(super) fn timed_out() -> SendError {
    SendError::new(SendErrorKind::TimedOut, "Request timed out")
}

fn too_large() -> SendError {
    let message =
        format!("OTLP export response body exceeded size limit of {MAX_RESPONSE_BYTES} bytes");
    SendError::new(SendErrorKind::ResponseTooLarge, message)
}
