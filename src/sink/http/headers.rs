//! Request headers: owns their order of precedence and Node's checks on names and values.
//! It refuses to guess: what Node would not send is not sent, with Node's error.

use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING, USER_AGENT,
};

use super::{HttpConfig, target::Target};
use crate::sink::{
    ContentEncoding, Request, SendError,
    net::header::{name, too_many, value},
};

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Headers that are known before the first request.
pub(super) struct StaticHeaders {
    user: HeaderMap,
    host: Option<HeaderValue>,
    authorization: Option<HeaderValue>,
    content_type: HeaderValue,
    user_agent: HeaderValue,
    keep_alive: bool,
    /// What a proxy that sends requests on is told.
    proxy: Option<OfProxy>,
}

/// Headers that end at the proxy.
struct OfProxy {
    authorization: Option<HeaderValue>,
}

impl StaticHeaders {
    /// Checks everything once.
    pub fn new(config: &HttpConfig, target: &Target) -> Result<StaticHeaders, SendError> {
        Ok(StaticHeaders {
            user: user_headers(
                config.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            )?,
            host: target.host_header.as_deref().map(|text| value("Host", text)).transpose()?,
            authorization: target
                .authorization
                .as_deref()
                .map(|text| value("Authorization", text))
                .transpose()?,
            content_type: value("Content-Type", &config.content_type)?,
            user_agent: value("User-Agent", &config.user_agent)?,
            keep_alive: config.keep_alive,
            proxy: OfProxy::of(config, target)?,
        })
    }

    /// The headers of one attempt.
    pub fn of(&self, request: &Request) -> Result<HeaderMap, SendError> {
        let mut headers = match &request.headers {
            Some(own) => {
                user_headers(own.iter().map(|(name, value)| (name.as_str(), value.as_str())))?
            }
            None => self.user.clone(),
        };
        for (name, ours) in [(HOST, &self.host), (AUTHORIZATION, &self.authorization)] {
            if let (false, Some(ours)) = (headers.contains_key(&name), ours) {
                headers.insert(name, ours.clone());
            }
        }
        if !self.keep_alive && !headers.contains_key(CONNECTION) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        match request.encoding {
            ContentEncoding::Identity => {}
            ContentEncoding::Gzip => {
                drop(headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip")))
            }
            ContentEncoding::Zstd => {
                drop(headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd")))
            }
        }
        // Headers of the attempt are complete: whoever made them knows which spelling of a name is the last.
        let is_given = |name| request.headers.is_some() && headers.contains_key(name);
        let [has_type, has_agent] = [CONTENT_TYPE, USER_AGENT].map(is_given);
        if !has_type {
            headers.insert(CONTENT_TYPE, self.content_type.clone());
        }
        if !has_agent {
            headers.insert(USER_AGENT, self.user_agent.clone());
        }
        if let Some(proxy) = &self.proxy {
            proxy.add_to(&mut headers);
        }
        // How the body is framed is ours alone: a wrong length would corrupt the next request on the connection.
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        Ok(headers)
    }
}

impl OfProxy {
    /// A tunnel is told in the request for it.
    fn of(config: &HttpConfig, target: &Target) -> Result<Option<OfProxy>, SendError> {
        let Some(proxy) = config.proxy().filter(|_| target.is_absolute) else { return Ok(None) };
        let authorization = proxy.authorization.as_deref();
        let authorization = authorization.map(|text| value("Proxy-Authorization", text));
        Ok(Some(OfProxy { authorization: authorization.transpose()? }))
    }

    fn add_to(&self, headers: &mut HeaderMap) {
        if let Some(authorization) = &self.authorization {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let is_last = headers
            .get(CONNECTION)
            .is_some_and(|connection| connection.as_bytes().eq_ignore_ascii_case(b"close"));
        let kept = HeaderValue::from_static(if is_last { "close" } else { "keep-alive" });
        headers.insert(PROXY_CONNECTION, kept);
    }
}

fn user_headers<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    for (name_text, value_text) in pairs {
        let value = value(name_text, value_text)?;
        // The map has room for 24,576 names and would panic beyond.
        headers.try_insert(name(name_text)?, value).map_err(|_| too_many())?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    fn headers(pairs: &[(&str, &str)], url: &str) -> Result<StaticHeaders, SendError> {
        let mut config = HttpConfig::new(url, "application/json", "agent/1");
        config.headers = pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        StaticHeaders::new(&config, &Target::parse(&config).unwrap())
    }

    fn request(encoding: ContentEncoding, own: Option<Vec<(String, String)>>) -> Request {
        let headers = own.map(Arc::from);
        Request {
            body: Default::default(),
            encoding,
            spans: 1,
            call: 0,
            attempt: 1,
            time_left: Duration::from_secs(1),
            headers,
        }
    }

    #[test]
    fn required_headers_win_in_any_letter_case() {
        let user = [
            ("CONTENT-TYPE", "x"),
            ("user-agent", "y"),
            ("Content-Length", "3"),
            ("Content-Encoding", "br"),
        ];
        let sent = headers(&user, "http://h.test/")
            .unwrap()
            .of(&request(ContentEncoding::Gzip, None))
            .unwrap();
        assert_eq!(sent.get(CONTENT_TYPE).unwrap(), "application/json");
        assert_eq!(sent.get(USER_AGENT).unwrap(), "agent/1");
        assert_eq!(sent.get(CONTENT_ENCODING).unwrap(), "gzip");
        assert_eq!(sent.get(CONTENT_LENGTH), None);
    }

    #[test]
    fn url_credentials_yield_to_the_users_own_authorization() {
        let own = headers(&[("authorization", "Bearer t")], "http://u:p@h.test/").unwrap();
        assert_eq!(
            own.of(&request(ContentEncoding::Identity, None)).unwrap().get(AUTHORIZATION).unwrap(),
            "Bearer t"
        );
        let basic = headers(&[], "http://u:p@h.test/").unwrap();
        let sent = basic.of(&request(ContentEncoding::Identity, None)).unwrap();
        assert_eq!(sent.get(AUTHORIZATION).unwrap(), "Basic dTpw");
    }

    #[test]
    fn headers_of_the_attempt_replace_the_sinks_own() {
        let sink = headers(&[("x-old", "1")], "http://h.test/").unwrap();
        let own = Some(vec![("X-New".to_string(), "2".to_string())]);
        let sent = sink.of(&request(ContentEncoding::Identity, own)).unwrap();
        assert_eq!((sent.get("x-new").unwrap().as_bytes(), sent.get("x-old")), (&b"2"[..], None));
        assert_eq!(sent.get(CONTENT_TYPE).unwrap(), "application/json");
        let own = Some(vec![("content-type".to_string(), "x/y".to_string())]);
        let sent = sink.of(&request(ContentEncoding::Identity, own)).unwrap();
        assert_eq!(sent.get(CONTENT_TYPE).unwrap(), "x/y");
        assert_eq!(sent.get(USER_AGENT).unwrap(), "agent/1");
    }

    #[test]
    fn names_and_values_are_refused_as_node_refuses_them() {
        let name = headers(&[("bad name", "1")], "http://h.test/").err().unwrap();
        assert_eq!(name.message, "Header name must be a valid HTTP token [\"bad name\"]");
        assert_eq!(name.code.as_deref(), Some("ERR_INVALID_HTTP_TOKEN"));
        let line_break = headers(&[("x", "a\r\nb: c")], "http://h.test/").err().unwrap();
        assert_eq!(line_break.message, "Invalid character in header content [\"x\"]");
        assert_eq!(line_break.code.as_deref(), Some("ERR_INVALID_CHAR"));
        assert!(headers(&[("x", "snow\u{2603}")], "http://h.test/").is_err());
        let many: Vec<String> = (0..40_000).map(|i| format!("x-{i}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(headers(&many, "http://h.test/").err().unwrap().message, "too many headers");
        let latin1 = headers(&[("x", "caf\u{e9}")], "http://h.test/").unwrap();
        let sent = latin1.of(&request(ContentEncoding::Identity, None)).unwrap();
        assert_eq!(sent.get("x").unwrap().as_bytes(), b"caf\xe9");
    }
}
