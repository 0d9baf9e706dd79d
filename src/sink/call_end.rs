//! How a call has ended: owns what the end of a call says, in trailers or in what stands for them.
//! It refuses to judge: what a status means for the spans is the table of `answer`.

use std::time::Duration;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

use super::grpc::{retry_info, status};

/// Peers send `-bin` values with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Names and values in order.
pub type Metadata = Vec<(String, String)>;

/// The end of a call: a status of gRPC, whoever said it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallEnd {
    /// `grpc-status`; 0 is success.
    pub code: u32,
    /// `grpc-message`, decoded.
    pub details: String,
    /// Every other trailer as it came.
    pub metadata: Metadata,
    /// The message of the answer, decompressed.
    pub message: Bytes,
    /// The HTTP status that stands for a status of gRPC, which did not come.
    pub http_status: Option<u16>,
    /// The wait that `google.rpc.RetryInfo` asks for; zero if there is one that names none.
    pub retry_delay: Option<Duration>,
    /// The peer has listed what it decompresses, and gzip is not in the list.
    pub lacks_gzip: bool,
}

impl CallEnd {
    /// A status that is said in other ways than by trailers.
    pub fn new(code: u32, details: impl Into<String>) -> CallEnd {
        CallEnd { code, details: details.into(), ..CallEnd::default() }
    }

    /// A status of the peer, with its other trailers and the message before them.
    pub fn of_trailers(code: u32, details: String, metadata: Metadata, message: Bytes) -> CallEnd {
        let value = |wanted: &str| metadata.iter().find(|(name, _)| name == wanted);
        let delay = value("grpc-status-details-bin")
            .and_then(|(_, text)| BASE64.decode(text.split(',').next()?.trim()).ok())
            .and_then(|status| retry_info::retry_delay(&status));
        let lacks_gzip =
            value("grpc-accept-encoding").is_some_and(|(_, list)| !status::lists_gzip(list));
        let end = CallEnd {
            code,
            details,
            message,
            retry_delay: delay,
            lacks_gzip,
            ..CallEnd::default()
        };
        CallEnd { metadata, ..end }
    }

    /// An answer of HTTP alone.
    pub fn without_status(http_status: u16) -> CallEnd {
        let details = format!("Received HTTP status code {http_status}");
        let end = CallEnd::new(status::of_http(http_status), details);
        CallEnd { http_status: Some(http_status), ..end }
    }

    /// Whether the endpoint has taken the data.
    pub(crate) fn is_success(&self) -> bool {
        self.code == status::OK
    }
}
