//! What every sink that uses the network needs: names, addresses, TLS, and whom it trusts. It knows no protocol above TLS.

pub(super) mod broken_writes;
mod canonical;
mod certificate;
mod der;
pub(super) mod dial;
pub(super) mod dialler;
mod extensions;
pub(super) mod failure;
pub(super) mod fair;
pub(super) mod header;
pub(super) mod made;
mod path;
mod proxy;
pub(super) mod resolve;
mod roots;
mod server_name;
pub(super) mod socket;
pub(super) mod tls;
pub(super) mod tunnel;
mod verify;
mod x501;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    path::{Path, PathBuf},
};

pub use self::{
    proxy::Proxy,
    resolve::ResultOrder,
    roots::Roots,
    tls::{Doubt, TlsConfig},
};
use super::{SendError, SendErrorKind};

/// What a connection is dialled to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name to look up.
    Name(String),
    /// An address, without brackets.
    Address(IpAddr),
}

/// Where connections go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// Name or address to dial.
    pub host: Host,
    /// Port to dial.
    pub port: u16,
    /// Unix socket to dial instead.
    pub unix_socket: Option<PathBuf>,
}

impl Host {
    /// As a URL has it: an address of version 6 in brackets.
    pub fn of_url(text: &str) -> Host {
        match text.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(text.to_owned()),
        }
    }
}

impl Destination {
    /// The other side, given which address of a name was tried; `None` while the name has none.
    pub fn peer(&self, tried: Option<IpAddr>) -> Option<Peer> {
        if let Some(path) = &self.unix_socket {
            return Some(Peer { address: path.to_string_lossy().into_owned(), port: None });
        }
        let address = match self.host {
            Host::Address(address) => tried.unwrap_or(address),
            Host::Name(_) => tried?,
        };
        Some(Peer { address: address.to_string(), port: Some(self.port) })
    }
}

/// Where connections go and whom they trust, beside the endpoint, as a word that tells nothing secret of it.
pub(super) fn way(unix_socket: Option<&Path>, tls: &TlsConfig, proxy: Option<&Proxy>) -> String {
    let mut hasher = DefaultHasher::new();
    unix_socket.hash(&mut hasher);
    let TlsConfig {
        roots, client_certificate, client_key, reject_unauthorized, servername, ..
    } = tls;
    (roots, client_certificate, client_key, reject_unauthorized, servername).hash(&mut hasher);
    let way = format!("{:x}", hasher.finish());
    match proxy {
        Some(Proxy { host, port, .. }) => format!("{way} through {host}:{port}"),
        None => way,
    }
}

/// What an error names as the other side.
pub(super) struct Peer {
    /// Address, or path of a Unix socket.
    pub address: String,
    /// Port; a Unix socket has none.
    pub port: Option<u16>,
}

/// Node's code and words for something that no attempt can ever send.
pub(super) fn unsendable(code: &str, message: impl Into<String>) -> SendError {
    SendError::new(SendErrorKind::Unsendable, message).with_code(code)
}

/// Only Node has Unix sockets there.
pub(super) fn no_unix_sockets() -> SendError {
    let message = "Unix sockets need transport: 'node' on this system";
    unsendable("ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", message)
}
