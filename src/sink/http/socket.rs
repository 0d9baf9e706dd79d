//! What connections are made of.

#[cfg(target_os = "linux")]
use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// How long a peer may acknowledge nothing of a request on a connection that was kept, where the system can tell: something
/// in between may have forgotten the connection, and then nobody says so.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(3);

/// What a connection is made of, below TLS and above.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {
    /// From now on it fails early if the peer acknowledges nothing.
    fn expect_acknowledgements(&self) {}
}

impl Socket for TcpStream {
    #[cfg(target_os = "linux")]
    fn expect_acknowledgements(&self) {
        // Without it a request only takes as long as it may.
        let _ = socket2::SockRef::from(self).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    }
}

#[cfg(unix)]
impl Socket for tokio::net::UnixStream {}
impl<S: Socket> Socket for TlsStream<S> {}

impl Socket for Box<dyn Socket> {
    fn expect_acknowledgements(&self) {
        (**self).expect_acknowledgements();
    }
}
