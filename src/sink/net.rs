//! What every sink that uses the network needs: names, addresses, TLS, and whom it trusts. It knows no protocol above TLS.

mod canonical;
mod certificate;
mod der;
pub(super) mod dial;
mod extensions;
mod path;
pub(super) mod resolve;
mod roots;
mod server_name;
pub(super) mod tls;
mod verify;
mod x501;

use std::net::IpAddr;

pub use self::{
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
