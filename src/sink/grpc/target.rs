//! The target of calls: owns how the URL splits into what is dialled and what is asked for.
//! It refuses to resolve names and to open sockets.

use url::Url;

use super::GrpcConfig;
use crate::sink::{
    SendError,
    net::{Destination, Host, no_unix_sockets, unsendable},
};

/// Where calls go.
pub(super) struct Target {
    /// What is dialled, or what the proxy dials.
    pub destination: Destination,
    /// Whether TLS comes first.
    pub is_secure: bool,
    /// `:authority`.
    pub authority: String,
    /// Host and port, as a proxy is asked for it.
    pub host_and_port: String,
    /// Set when nothing can ever be sent there.
    pub unsendable: Option<SendError>,
}

impl Target {
    /// Splits `config.url`; only a URL that is none fails here.
    pub fn parse(config: &GrpcConfig) -> Result<Target, SendError> {
        let invalid = || unsendable("ERR_INVALID_URL", "Invalid URL");
        let url = Url::parse(&config.url).map_err(|_| invalid())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        let is_secure = url.scheme() == "https";
        let port = url.port_or_known_default().ok_or_else(invalid)?;
        let host_and_port = format!("{host}:{port}");
        let has_no_way = config.unix_socket.is_some() && !cfg!(unix);
        Ok(Target {
            destination: Destination {
                host: Host::of_url(host),
                port,
                unix_socket: config.unix_socket.clone(),
            },
            is_secure,
            authority: config.authority.clone().unwrap_or_else(|| host_and_port.clone()),
            host_and_port,
            unsendable: has_no_way.then(no_unix_sockets),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, authority: Option<&str>) -> Target {
        let mut config = GrpcConfig::new(url, "agent");
        config.authority = authority.map(str::to_owned);
        Target::parse(&config).unwrap()
    }

    #[test]
    fn hosts_ports_and_authorities_are_told_apart() {
        let v6 = target("http://[::1]:4317", None);
        assert_eq!(v6.destination.host, Host::Address("::1".parse().unwrap()));
        assert_eq!((v6.destination.port, v6.is_secure), (4317, false));
        assert_eq!(v6.authority, "[::1]:4317");
        let name = target("https://collector.test", Some("other"));
        assert_eq!(name.destination.host, Host::Name("collector.test".into()));
        assert_eq!((name.destination.port, name.is_secure), (443, true));
        assert_eq!(
            (name.authority.as_str(), name.host_and_port.as_str()),
            ("other", "collector.test:443")
        );
        assert!(Target::parse(&GrpcConfig::new("not a url", "")).is_err());
        assert!(Target::parse(&GrpcConfig::new("unix:/x", "")).is_err());
    }
}
