//! The target of requests: owns how a URL splits into what is dialled, what is asked for and who is authorised.
//! It refuses to resolve names and to open sockets.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::ServerName;
use url::Url;

use super::HttpConfig;
use crate::sink::{
    SendError,
    net::{Destination, Host, Proxy, no_unix_sockets, tls, tunnel::Tunnel, unsendable},
};

/// Where requests go.
#[derive(Clone)]
pub(super) struct Target {
    /// URL to request: no credentials, and the host is the TLS server name when the user gave one.
    pub url: Url,
    /// What is dialled: the proxy, if there is one.
    pub destination: Destination,
    /// What the proxy is asked for before TLS.
    pub tunnel: Option<Tunnel>,
    /// Requests name scheme and host in their first line, for a proxy that sends them on.
    pub is_absolute: bool,
    /// `Host` header, when it differs from what `url` says.
    pub host_header: Option<String>,
    /// `Authorization` from the URL's credentials.
    pub authorization: Option<String>,
    /// Set when nothing can ever be sent there.
    pub unsendable: Option<SendError>,
}

impl Target {
    /// Splits `config.url`; only a URL that is none fails here.
    pub fn parse(config: &HttpConfig) -> Result<Target, SendError> {
        let invalid = || unsendable("ERR_INVALID_URL", "Invalid URL");
        let mut url = Url::parse(&config.url).map_err(|_| invalid())?;
        url.set_fragment(None);
        let authorization = basic_auth(&url);
        // Both fail only for URLs without a host, which have no credentials either.
        let _ = url.set_username("");
        let _ = url.set_password(None);

        let secure = url.scheme() == "https";
        let mut unsendable_reason = None;
        if !secure && url.scheme() != "http" {
            // The stock exporter asks the https agent for everything that is not http.
            let message =
                format!("Protocol \"{}:\" not supported. Expected \"https:\"", url.scheme());
            unsendable_reason = Some(unsendable("ERR_INVALID_PROTOCOL", message));
        }
        let host_text = url.host_str().unwrap_or_default().to_owned();
        if host_text.is_empty() && unsendable_reason.is_none() {
            return Err(invalid());
        }
        let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });

        let mut host_header = None;
        if let (true, Some(name)) =
            (secure, config.tls.servername.as_deref().filter(|name| !name.is_empty()))
        {
            // The client derives SNI from the URL, so the URL carries the server name while our resolver dials `host`.
            host_header =
                Some(url.port().map_or(host_text.clone(), |port| format!("{host_text}:{port}")));
            let is_taken = url.set_host(Some(name)).is_ok()
                && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(name));
            if name.parse::<IpAddr>().is_ok() || !is_taken {
                unsendable_reason = Some(tls::unsure_name(name));
            }
        }
        if config.unix_socket.is_some() && !cfg!(unix) {
            unsendable_reason = Some(no_unix_sockets());
        }
        let proxy = config.proxy();
        let destination = proxy.map_or_else(
            || Destination {
                host: Host::of_url(&host_text),
                port,
                unix_socket: config.unix_socket.clone(),
            },
            Proxy::destination,
        );
        let to = || format!("{host_text}:{port}");
        Ok(Target {
            url,
            destination,
            tunnel: proxy.filter(|_| secure).map(|proxy| proxy.tunnel(to(), config.keep_alive)),
            is_absolute: proxy.is_some() && !secure,
            host_header,
            authorization,
            unsendable: unsendable_reason,
        })
    }

    /// Whether a TLS handshake comes first.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

/// Node's `options.auth`: user and password percent-decoded, joined and encoded.
fn basic_auth(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decode(url.username());
    credentials.push(b':');
    credentials.extend(percent_decode(url.password().unwrap_or_default()));
    Some(format!("Basic {}", STANDARD.encode(credentials)))
}

/// Bytes of a percent-encoded text; a stray `%` stays as it is.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(byte);
                rest = tail;
            }
        }
    }
    decoded
}

/// The name to ask for and to check: the URL's, which carries the `servername` if there is one.
pub(super) fn server_name(target: &Target) -> Result<ServerName<'static>, SendError> {
    tls::asked_name(target.url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(&HttpConfig::new(url, "application/json", "test")).unwrap()
    }

    #[test]
    fn credentials_leave_the_url_and_become_basic_auth() {
        let e = target("http://us%C3%A9r:p%40ss%3A@h.test:4318/v1/traces?x=1#frag");
        assert_eq!(e.url.as_str(), "http://h.test:4318/v1/traces?x=1");
        let encoded = e.authorization.unwrap();
        assert_eq!(
            STANDARD.decode(encoded.strip_prefix("Basic ").unwrap()).unwrap(),
            "usér:p@ss:".as_bytes()
        );
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let v6 = target("http://[::1]:4318/");
        assert_eq!(
            (v6.destination.host, v6.destination.port),
            (Host::Address("::1".parse().unwrap()), 4318)
        );
        let name = target("https://collector.test/");
        assert_eq!(
            (name.destination.host, name.destination.port),
            (Host::Name("collector.test".into()), 443)
        );
        let unicode = target("http://xn--bcher-kva.example/");
        assert_eq!(unicode.destination.host, Host::Name("xn--bcher-kva.example".into()));
    }

    #[test]
    fn other_schemes_are_accepted_and_never_sent() {
        let error = target("ftp://h.test/x").unsendable.unwrap();
        assert_eq!(error.code.as_deref(), Some("ERR_INVALID_PROTOCOL"));
        assert!(Target::parse(&HttpConfig::new("not a url", "", "")).is_err());
    }

    #[test]
    fn a_server_name_goes_into_the_url_and_the_host_header_stays() {
        let mut config =
            HttpConfig::new("https://127.0.0.1:4318/v1/traces", "application/json", "test");
        config.tls.servername = Some("collector.test".into());
        let e = Target::parse(&config).unwrap();
        assert_eq!(e.url.as_str(), "https://collector.test:4318/v1/traces");
        assert_eq!(e.host_header.as_deref(), Some("127.0.0.1:4318"));
        assert_eq!(e.destination.host, Host::Address("127.0.0.1".parse().unwrap()));
    }
}
