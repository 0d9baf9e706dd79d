//! HTTP proxies: owns what is known of one, and naming it in what went wrong behind it.
//! It refuses to show its credentials.

use url::Url;

use super::{Destination, Host, tunnel::Tunnel};
use crate::sink::{SendError, SendErrorKind, SendOutcome};

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Name or address, as a URL has it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `Proxy-Authorization`.
    pub authorization: Option<String>,
}

impl Proxy {
    /// Of `http://host:port`; `None` if that is no URL with a host.
    pub fn of_url(url: &str, authorization: Option<String>) -> Option<Proxy> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?.to_owned();
        Some(Proxy { host, port: url.port_or_known_default()?, authorization })
    }

    /// What is dialled in place of an endpoint.
    pub(in crate::sink) fn destination(&self) -> Destination {
        Destination { host: Host::of_url(&self.host), port: self.port, unix_socket: None }
    }

    /// What it is asked for to reach `to`, which is a host and a port.
    pub(in crate::sink) fn tunnel(&self, to: String, keeps_alive: bool) -> Tunnel {
        let authorization = self.authorization.clone();
        Tunnel { to, authorization, keeps_alive, through: self.phrase() }
    }

    /// How an error names it.
    fn phrase(&self) -> String {
        format!("through the proxy http://{}:{}", self.host, self.port)
    }

    /// The outcome of an attempt through it. `speaks`: a reply may be its own.
    pub(in crate::sink) fn named_in(&self, outcome: SendOutcome, speaks: bool) -> SendOutcome {
        match outcome {
            SendOutcome::Failed(error) => SendOutcome::Failed(self.named(error)),
            SendOutcome::Reply(mut reply) => {
                reply.body_error = reply.body_error.map(|error| self.named(error));
                reply.through = speaks.then(|| self.phrase());
                SendOutcome::Reply(reply)
            }
            SendOutcome::Called(_) | SendOutcome::Stored => outcome,
        }
    }

    /// `error`, which says that it is of a way through this proxy. It has one text, also where several addresses were tried:
    /// Node's error of those has none.
    pub fn named(&self, error: SendError) -> SendError {
        let phrase = self.phrase();
        let is_of_the_way = !matches!(
            error.kind,
            SendErrorKind::Unsendable | SendErrorKind::EnvironmentGone | SendErrorKind::Exhausted
        );
        if !is_of_the_way || error.message.contains(&phrase) {
            return error;
        }
        let message = format!("{} ({phrase})", error.message.trim_end());
        SendError { message, errors: Vec::new(), ..error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_proxy_once_and_without_its_credentials() {
        let proxy = Proxy::of_url("http://[::1]:3128", Some("Basic c2VjcmV0".to_owned())).unwrap();
        let error = SendError::new(SendErrorKind::Reset, "socket hang up");
        let text = "socket hang up (through the proxy http://[::1]:3128)";
        let named = proxy.named(error);
        assert_eq!(named.message, text);
        assert_eq!(proxy.named(named).message, text);
        let own = SendError::new(SendErrorKind::Unsendable, "a header that cannot be sent");
        assert_eq!(proxy.named(own.clone()), own, "nobody was asked");
    }

    #[test]
    fn the_port_may_be_that_of_the_scheme() {
        let proxy = Proxy::of_url("http://proxy.test", None).unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.test", 80));
        assert!(Proxy::of_url("proxy.test", None).is_none());
    }
}
