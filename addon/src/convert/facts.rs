//! What JavaScript tells of an attempt that it has made.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use offloop::sink::{CallEnd, Reply, SendError, SendErrorKind, SendOutcome};

/// Facts of an attempt as `js/node_http/sender.js` reports them.
#[napi(object, object_to_js = false)]
pub struct JsFacts {
    /// `reply` or `failed`.
    pub outcome: String,
    /// Status code of a reply.
    pub status: Option<u16>,
    /// Reason phrase.
    pub reason: Option<String>,
    /// `Retry-After`, the first of several.
    pub retry_after: Option<String>,
    /// `Date`.
    pub date: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// Response body.
    pub body: Option<Uint8Array>,
    /// `grpc-status` of a reply to a gRPC call; without it the HTTP status says what it means.
    pub grpc_status: Option<u32>,
    /// `grpc-message`, decoded.
    pub grpc_message: Option<String>,
    /// Every other trailer as it came (a gRPC call).
    pub metadata: Option<Vec<(String, String)>>,
    /// Why the body ended early.
    pub body_error: Option<JsSendError>,
    /// Names the proxy whose reply this may be.
    pub through: Option<String>,
    /// Why there is no reply.
    pub error: Option<JsSendError>,
}

/// Facts of an error of Node's http.
#[napi(object, object_to_js = false)]
pub struct JsSendError {
    /// Class, in the words of `js/node_http/network_facts.js`.
    pub kind: String,
    /// Node's code.
    pub code: Option<String>,
    /// Node's text.
    pub message: String,
    /// Peer address.
    pub address: Option<String>,
    /// Peer port.
    pub port: Option<u16>,
    /// Negative errno.
    pub errno: Option<i32>,
}

impl From<JsSendError> for SendError {
    fn from(error: JsSendError) -> Self {
        let kind = match error.kind.as_str() {
            "refused" => SendErrorKind::Refused,
            "reset" => SendErrorKind::Reset,
            "timed_out" => SendErrorKind::TimedOut,
            "dns" => SendErrorKind::Dns,
            "unreachable" => SendErrorKind::Unreachable,
            "tls" => SendErrorKind::Tls,
            "malformed" => SendErrorKind::Malformed,
            "unsendable" => SendErrorKind::Unsendable,
            "no_tunnel" => SendErrorKind::NoTunnel,
            "spent" => SendErrorKind::Spent,
            "exhausted" => SendErrorKind::Exhausted,
            "response_too_large" => SendErrorKind::ResponseTooLarge,
            _ => SendErrorKind::Other,
        };
        let mut converted = SendError::new(kind, error.message);
        converted.code = error.code;
        converted.address = error.address;
        converted.port = error.port;
        converted.errno = error.errno;
        converted
    }
}

impl From<JsFacts> for SendOutcome {
    fn from(facts: JsFacts) -> Self {
        if let Some(code) = facts.grpc_status {
            let (details, metadata) = (facts.grpc_message, facts.metadata);
            return SendOutcome::Called(CallEnd::of_trailers(
                code,
                details.unwrap_or_default(),
                metadata.unwrap_or_default(),
                facts.body.map(|body| body.to_vec().into()).unwrap_or_default(),
            ));
        }
        match (facts.status, facts.error) {
            (Some(status), _) => SendOutcome::Reply(Reply {
                status,
                reason: facts.reason.unwrap_or_default(),
                retry_after: facts.retry_after,
                date: facts.date,
                location: facts.location,
                body: facts.body.map(|body| body.to_vec().into()).unwrap_or_default(),
                body_error: facts.body_error.map(Into::into),
                through: facts.through,
            }),
            (None, Some(error)) => SendOutcome::Failed(error.into()),
            (None, None) => SendOutcome::Failed(SendError::new(SendErrorKind::Other, "no facts")),
        }
    }
}
