//! TLS settings: owns what is trusted, what is shown and what is checked.
//! It refuses to fall back: a connection that cannot be verified carries nothing (F6).

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::{endpoint::Endpoint, unsendable};
use crate::sink::{SendError, SendErrorKind};

/// Certificates and checks, as Node's TLS options name them. All certificates are PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    /// Host name to ask for and to check, instead of the URL's (`servername`). Empty: ask for none.
    pub servername: Option<String>,
}

/// Settings for one endpoint; plain `http:` gets a store without roots, which needs no CA files.
pub(super) fn client_config(_config: &TlsConfig, secure: bool) -> Result<ClientConfig, SendError> {
    let mut roots = RootCertStore::empty();
    if secure {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    // The provider is named here and never installed for the process: another addon may have its own.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unsendable("ERR_TLS_INVALID_PROTOCOL_VERSION", error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A handshake that failed.
pub(super) fn failure(error: &rustls::Error, _endpoint: &Endpoint) -> SendError {
    SendError::new(SendErrorKind::Tls, error.to_string()).with_code("EPROTO")
}
