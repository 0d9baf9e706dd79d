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
pub(in crate::sink) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {
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

/// What is written is passed on as it is, after `before`.
macro_rules! write_through {
    ($type:ident, $inner:ident, $before:expr) => {
        impl<S: $crate::sink::net::socket::Socket> ::tokio::io::AsyncWrite for $type<S> {
            fn poll_write(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
                bytes: &[u8],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                $before(&mut *self);
                ::std::pin::Pin::new(&mut self.$inner).poll_write(context, bytes)
            }

            fn poll_write_vectored(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
                parts: &[::std::io::IoSlice<'_>],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                $before(&mut *self);
                ::std::pin::Pin::new(&mut self.$inner).poll_write_vectored(context, parts)
            }

            fn is_write_vectored(&self) -> bool {
                self.$inner.is_write_vectored()
            }

            fn poll_flush(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                ::std::pin::Pin::new(&mut self.$inner).poll_flush(context)
            }

            fn poll_shutdown(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                ::std::pin::Pin::new(&mut self.$inner).poll_shutdown(context)
            }
        }
    };
}

pub(in crate::sink) use write_through;
