//! TLS settings: owns what is trusted, what is shown and which words a failed handshake gets.
//! It refuses to fall back: a connection that cannot be verified carries nothing (F6).

use std::{fmt, sync::Arc};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, InvalidMessage, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use super::{endpoint::Endpoint, unsendable, verify::Verifier};
use crate::sink::{SendError, SendErrorKind, errno};

/// Certificates and checks, under the names of Node's TLS options. Certificates and keys are PEM.
#[derive(Clone)]
pub struct TlsConfig {
    /// Certificates that replace every other root (`ca`, or the exporter's certificate variable). `None`: the defaults.
    pub ca: Option<Vec<u8>>,
    /// Certificates beside the default roots (content of `NODE_EXTRA_CA_CERTS`); unused when `ca` is given, as in Node.
    pub extra_ca: Option<Vec<u8>>,
    /// Client certificate chain (`cert`).
    pub client_certificate: Option<Vec<u8>>,
    /// Its private key, not encrypted (`key`). One without the other is ignored, as in Node.
    pub client_key: Option<Vec<u8>>,
    /// Off: any certificate will do (`rejectUnauthorized`, `NODE_TLS_REJECT_UNAUTHORIZED=0`).
    pub reject_unauthorized: bool,
    /// Host name to ask for and to check instead of the URL's (`servername`). Empty: ask for none.
    pub servername: Option<String>,
    /// The system's roots beside the bundled ones (`--use-system-ca`).
    pub use_system_ca: bool,
    /// End three of the messages as Node ≥ 24 does, with its advice to use the system's roots.
    pub system_ca_hint: bool,
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig {
            ca: None,
            extra_ca: None,
            client_certificate: None,
            client_key: None,
            reject_unauthorized: true,
            servername: None,
            use_system_ca: false,
            system_ca_hint: false,
        }
    }
}

/// Shows no key material.
impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("reject_unauthorized", &self.reject_unauthorized)
            .finish_non_exhaustive()
    }
}

/// The name to ask for and to check: the URL's, which carries the `servername` if there is one.
pub(super) fn server_name(endpoint: &Endpoint) -> Result<ServerName<'static>, SendError> {
    let host = endpoint.url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host)
        .map_err(|error| unsendable("ERR_INVALID_ARG_VALUE", error.to_string()))
}

/// Settings for one `https:` endpoint.
pub(super) fn client_config(config: &TlsConfig) -> Result<ClientConfig, SendError> {
    // The provider is named here and never installed for the process: another addon may have its own.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unsendable("ERR_TLS_INVALID_PROTOCOL_VERSION", error.to_string()))?;
    let mut roots = RootCertStore::empty();
    let own: Vec<CertificateDer<'static>> = match &config.ca {
        Some(ca) => certificates(ca),
        None => {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            let mut own = config.extra_ca.as_deref().map(certificates).unwrap_or_default();
            if config.use_system_ca {
                // Whatever cannot be read is left out, as Node does.
                own.extend(rustls_native_certs::load_native_certs().certs);
            }
            own
        }
    };
    roots.add_parsable_certificates(own.iter().cloned());
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier {
        roots,
        own,
        reject_unauthorized: config.reject_unauthorized,
        system_ca_hint: config.system_ca_hint,
        provider,
    }));
    let mut tls = match (&config.client_certificate, &config.client_key) {
        (Some(chain), Some(key)) => {
            let chain = certificates(chain);
            if chain.is_empty() {
                return Err(unsendable(
                    "ERR_OSSL_PEM_NO_START_LINE",
                    "error:0480006C:PEM routines::no start line",
                ));
            }
            builder
                .with_client_auth_cert(chain, private_key(key)?)
                .map_err(|error| client_certificate(&error))?
        }
        _ => builder.with_no_client_auth(),
    };
    tls.enable_sni = config.servername.as_deref() != Some("");
    Ok(tls)
}

/// Every certificate in `pem`; what is none is skipped, as OpenSSL does with a CA file.
fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten().collect()
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, SendError> {
    // PKCS #8 says so in its label, the older forms in a header below it.
    if pem.windows(9).any(|window| window == b"ENCRYPTED") {
        let message = "the client key is encrypted: transport: 'node' takes a passphrase";
        return Err(unsendable("ERR_OSSL_BAD_DECRYPT", message));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        unsendable("ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported")
    })
}

fn client_certificate(error: &Error) -> SendError {
    match error {
        Error::InconsistentKeys(_) => {
            let message = "error:05800074:x509 certificate routines::key values mismatch";
            unsendable("ERR_OSSL_X509_KEY_VALUES_MISMATCH", message)
        }
        error => unsendable(
            "ERR_OSSL_UNSUPPORTED",
            format!("client certificate: {error}; try transport: 'node'"),
        ),
    }
}

/// A connection that TLS ended, in the handshake or after it.
pub(super) fn failure(error: &Error, in_handshake: bool) -> SendError {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<SendError>() {
                Some(refusal) => refusal.clone(),
                None => SendError::new(SendErrorKind::Tls, error.to_string()),
            }
        }
        Error::AlertReceived(alert) => alert_received(*alert, in_handshake),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => protocol_error("error:0A00010B:SSL routines::wrong version number"),
        Error::PeerIncompatible(_) => {
            protocol_error(&format!("{error}; transport: 'node' speaks older versions and ciphers"))
        }
        error => protocol_error(&error.to_string()),
    }
}

/// Node's `write EPROTO …`, which is how any handshake error of OpenSSL surfaces.
fn protocol_error(reason: &str) -> SendError {
    SendError {
        syscall: Some("write"),
        errno: errno::number_of("EPROTO"),
        ..SendError::new(SendErrorKind::Tls, format!("write EPROTO {reason}")).with_code("EPROTO")
    }
}

/// OpenSSL counts the reasons of alerts from 1000.
fn alert_received(alert: AlertDescription, in_handshake: bool) -> SendError {
    let number = u8::from(alert);
    let reason = alert_reason(alert);
    let text = format!(
        "error:0A{:06X}:SSL routines::{reason}:SSL alert number {number}",
        1_000 + u32::from(number)
    );
    if !in_handshake {
        let code = format!("ERR_SSL_{}", reason.to_ascii_uppercase().replace([' ', '/'], "_"));
        return SendError::new(SendErrorKind::Tls, text).with_code(code);
    }
    match alert {
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity => {
            protocol_error(&format!("{text}; transport: 'node' speaks older versions and ciphers"))
        }
        _ => protocol_error(&text),
    }
}

fn alert_reason(alert: AlertDescription) -> String {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => "tlsv13 alert certificate required".into(),
        A::MissingExtension => "tlsv13 alert missing extension".into(),
        A::HandshakeFailure => "ssl/tls alert handshake failure".into(),
        A::BadCertificate => "ssl/tls alert bad certificate".into(),
        A::UnsupportedCertificate => "ssl/tls alert unsupported certificate".into(),
        A::CertificateRevoked => "ssl/tls alert certificate revoked".into(),
        A::CertificateExpired => "ssl/tls alert certificate expired".into(),
        A::CertificateUnknown => "ssl/tls alert certificate unknown".into(),
        A::UnknownCA => "tlsv1 alert unknown ca".into(),
        A::AccessDenied => "tlsv1 alert access denied".into(),
        A::DecodeError => "tlsv1 alert decode error".into(),
        A::DecryptError => "tlsv1 alert decrypt error".into(),
        A::ProtocolVersion => "tlsv1 alert protocol version".into(),
        A::InsufficientSecurity => "tlsv1 alert insufficient security".into(),
        A::InternalError => "tlsv1 alert internal error".into(),
        A::UnrecognisedName => "tlsv1 unrecognized name".into(),
        other => format!("tlsv1 alert {other:?}").to_lowercase(),
    }
}
