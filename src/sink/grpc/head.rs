//! The head of a call: owns its order of precedence, which is that of grpc-js: what gRPC needs replaces the user's.
//! It refuses to guess: what Node would not send is not sent, with Node's error.

use std::time::Duration;

use hyper::{
    Method, Request, Uri,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
        HeaderValue, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
};

use super::{GrpcConfig, target::Target};
use crate::sink::{
    self, ContentEncoding, SendError,
    net::{
        header::{name, too_many, value},
        unsendable,
    },
};

const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// What is known of every head before the first call.
pub(super) struct Heads {
    uri: Uri,
    metadata: HeaderMap,
    user_agent: HeaderValue,
}

impl Heads {
    /// Checks everything once.
    pub fn new(config: &GrpcConfig, target: &Target) -> Result<Heads, SendError> {
        let scheme = if target.is_secure { "https" } else { "http" };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(target.authority.as_str())
            .path_and_query(PATH)
            .build()
            .map_err(|error| unsendable("ERR_INVALID_ARG_VALUE", error.to_string()))?;
        let metadata = config.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let user_agent = value("User-Agent", &config.user_agent)?;
        Ok(Heads { uri, metadata: metadata_of(metadata)?, user_agent })
    }

    /// The head of a call that has `left` from now.
    pub fn head(&self, request: &sink::Request, left: Duration) -> Result<Request<()>, SendError> {
        let mut headers = match &request.headers {
            Some(own) => {
                metadata_of(own.iter().map(|(name, value)| (name.as_str(), value.as_str())))?
            }
            None => self.metadata.clone(),
        };
        let fixed = HeaderValue::from_static;
        let encoding = match request.encoding {
            ContentEncoding::Identity => None,
            ContentEncoding::Gzip => Some(fixed("gzip")),
            ContentEncoding::Zstd => Some(fixed("zstd")),
        };
        let timeout = HeaderValue::from_str(&timeout(left)).ok();
        for (name, value) in [
            (GRPC_TIMEOUT, timeout),
            (GRPC_ENCODING, encoding),
            (GRPC_ACCEPT_ENCODING, Some(fixed("identity,deflate,gzip"))),
            (ACCEPT_ENCODING, Some(fixed("identity"))),
            (USER_AGENT, Some(self.user_agent.clone())),
            (CONTENT_TYPE, Some(fixed("application/grpc"))),
            (TE, Some(fixed("trailers"))),
        ] {
            match value {
                Some(value) => drop(headers.try_insert(name, value).map_err(|_| too_many())?),
                None => drop(headers.remove(name)),
            }
        }
        headers.remove(CONTENT_LENGTH);
        headers.remove(HOST);
        let mut head = Request::new(());
        *head.method_mut() = Method::POST;
        *head.uri_mut() = self.uri.clone();
        *head.headers_mut() = headers;
        Ok(head)
    }
}

/// Metadata may have several values of a name.
fn metadata_of<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    for (name_text, value_text) in pairs {
        let (name, value) = (name(name_text)?, value(name_text, value_text)?);
        if is_of_http1(&name) {
            let message =
                format!("HTTP/1 Connection specific headers are forbidden: \"{name_text}\"");
            return Err(unsendable("ERR_HTTP2_INVALID_CONNECTION_HEADERS", message));
        }
        headers.try_append(name, value).map_err(|_| too_many())?;
    }
    Ok(headers)
}

/// Whether HTTP/2 forbids it.
fn is_of_http1(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(name)
        || ["keep-alive", "proxy-connection", "http2-settings"].contains(&name.as_str())
}

/// At most eight digits, rounded up, as grpc-js has it.
fn timeout(left: Duration) -> String {
    let millis = left.as_nanos().div_ceil(1_000_000);
    let units = [('m', 1), ('S', 1_000), ('M', 60_000)];
    let short = units.into_iter().find(|(_, factor)| millis < 100_000_000 * factor);
    let (unit, factor) = short.unwrap_or(('H', 3_600_000));
    format!("{}{unit}", millis.div_ceil(factor).min(99_999_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(metadata: &[(&str, &str)]) -> Result<Heads, SendError> {
        let mut config = GrpcConfig::new("http://h.test:4317", "agent/1");
        config.metadata = metadata.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let target = Target::parse(&config).unwrap();
        Heads::new(&config, &target)
    }

    fn request(encoding: ContentEncoding, own: Option<Vec<(String, String)>>) -> sink::Request {
        sink::Request {
            body: Default::default(),
            encoding,
            spans: 1,
            call: 0,
            attempt: 1,
            time_left: Duration::from_secs(1),
            headers: own.map(Into::into),
        }
    }

    #[test]
    fn timeouts_have_eight_digits_at_most_and_are_never_too_short() {
        let cases = [
            (Duration::ZERO, "0m"),
            (Duration::from_micros(1), "1m"),
            (Duration::from_millis(10_000), "10000m"),
            (Duration::from_millis(99_999_999), "99999999m"),
            (Duration::from_millis(100_000_001), "100001S"),
            (Duration::from_secs(100_000_000), "1666667M"),
            (Duration::from_secs(6_000_000_000), "1666667H"),
            (Duration::MAX, "99999999H"),
        ];
        for (left, text) in cases {
            assert_eq!(timeout(left), text);
        }
    }

    #[test]
    fn what_grpc_needs_replaces_the_users_own() {
        let own = [
            ("te", "x"),
            ("content-type", "x"),
            ("user-agent", "x"),
            ("grpc-encoding", "x"),
            ("grpc-timeout", "x"),
            ("content-length", "7"),
            ("x-key", "1"),
            ("x-key", "2"),
        ];
        let heads = heads(&own).unwrap();
        let head = heads.head(&request(ContentEncoding::Identity, None), Duration::from_secs(1));
        let head = head.unwrap();
        assert_eq!(head.uri().to_string(), format!("http://h.test:4317{PATH}"));
        let value = |name: &str| head.headers().get(name).map(|value| value.to_str().unwrap());
        for (name, wanted) in [
            ("te", Some("trailers")),
            ("content-type", Some("application/grpc")),
            ("user-agent", Some("agent/1")),
            ("grpc-timeout", Some("1000m")),
            ("grpc-encoding", None),
            ("grpc-accept-encoding", Some("identity,deflate,gzip")),
            ("accept-encoding", Some("identity")),
            ("content-length", None),
        ] {
            assert_eq!(value(name), wanted, "{name}");
        }
        assert_eq!(head.headers().get_all("x-key").iter().count(), 2);
        let compressed = heads.head(&request(ContentEncoding::Gzip, None), Duration::ZERO).unwrap();
        assert_eq!(compressed.headers().get("grpc-encoding").unwrap(), "gzip");
    }

    #[test]
    fn metadata_of_the_attempt_replaces_the_sinks_own() {
        let heads = heads(&[("x-old", "1")]).unwrap();
        let own = Some(vec![("x-new".to_owned(), "2".to_owned())]);
        let head = heads.head(&request(ContentEncoding::Identity, own), Duration::ZERO).unwrap();
        assert_eq!(head.headers().get("x-new").unwrap(), "2");
        assert_eq!(head.headers().get("x-old"), None);
    }

    #[test]
    fn what_http2_cannot_carry_is_refused_in_nodes_words() {
        for (name, code) in [
            ("connection", "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
            ("keep-alive", "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
            ("bad name", "ERR_INVALID_HTTP_TOKEN"),
        ] {
            let error = heads(&[(name, "x")]).err().unwrap();
            assert_eq!(error.code.as_deref(), Some(code));
        }
        assert!(heads(&[("x", "a\r\nb")]).is_err());
        let many: Vec<String> = (0..40_000).map(|i| format!("x-{i}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(heads(&many).err().unwrap().message, "too many headers");
    }
}
