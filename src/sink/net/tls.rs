//! TLS settings: owns what is trusted, what is shown and which words a failed handshake gets.
//! It refuses to fall back: a connection that cannot be verified carries nothing (F6).

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error,
    InconsistentKeys::KeyMismatch,
    InvalidMessage,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::{path, roots::Roots, unsendable, verify::Verifier};
use crate::lock::lock;
use crate::sink::{SendError, SendErrorKind, errno};

/// Certificates and checks. Certificates and keys are PEM.
#[derive(Clone)]
pub struct TlsConfig {
    /// Everything that is trusted: Node's own roots, or `ca` in their place.
    pub roots: Arc<Roots>,
    /// Client certificate chain (`cert`).
    pub client_certificate: Option<Vec<u8>>,
    /// Its private key, not encrypted (`key`). One without the other is ignored, as in Node.
    pub client_key: Option<Vec<u8>>,
    /// Off: any certificate will do (`rejectUnauthorized`, `NODE_TLS_REJECT_UNAUTHORIZED=0`).
    pub reject_unauthorized: bool,
    /// Host name to ask for and to check instead of the URL's (`servername`). Empty: ask for none.
    pub servername: Option<String>,
    /// End three of the messages as Node ≥ 24 does, with its advice to use the system's roots.
    pub system_ca_hint: bool,
    /// Whether connections may still be opened with these settings.
    pub doubt: Doubt,
}

/// Why Node has to open the next connection: the process has changed what its TLS does since the settings were made. Whoever
/// has a clone may raise it, or take it back.
#[derive(Clone, Debug, Default)]
pub struct Doubt(Arc<Mutex<Option<String>>>);

impl Doubt {
    /// From now on there is this doubt, or none.
    pub fn set(&self, reason: Option<String>) {
        *lock(&self.0) = reason;
    }

    /// Fails while there is one. Connections that stand are left alone, as Node leaves its own.
    pub(in crate::sink) fn check(&self) -> Result<(), SendError> {
        let reason = lock(&self.0);
        reason.as_ref().map_or(Ok(()), |reason| {
            let message = format!("{reason}; transport: 'node' follows it");
            Err(SendError::new(SendErrorKind::TlsUnsure, message))
        })
    }
}

/// Trusts nobody.
impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig {
            roots: Roots::of_pem(Vec::new()),
            client_certificate: None,
            client_key: None,
            reject_unauthorized: true,
            servername: None,
            system_ca_hint: false,
            doubt: Doubt::default(),
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

/// Settings for one `https:` endpoint. They take long to make: on the I/O thread all exporters would wait.
pub(in crate::sink) fn client_config(config: &TlsConfig) -> Result<ClientConfig, SendError> {
    if config.reject_unauthorized {
        config.roots.anchors(); // the first handshake would read them otherwise
    }
    // The provider is named here and never installed for the process: another addon may have its own.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unsendable("ERR_TLS_INVALID_PROTOCOL_VERSION", error.to_string()))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier {
        roots: Arc::clone(&config.roots),
        reject_unauthorized: config.reject_unauthorized,
        system_ca_hint: config.system_ca_hint,
        provider: Arc::clone(&provider),
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
            let certified = client_pair(chain, private_key(key)?, &provider, &config.roots)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        _ => builder.with_no_client_auth(),
    };
    tls.enable_sni = config.servername.as_deref() != Some("");
    Ok(tls)
}

/// The name to ask for and to check of a URL's host.
pub(in crate::sink) fn asked_name(host: &str) -> Result<ServerName<'static>, SendError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host).map(|name| name.to_owned()).map_err(|_| unsure_name(host))
}

/// Node asks for names that rustls does not take, and compares them.
pub(in crate::sink) fn unsure_name(name: &str) -> SendError {
    let message =
        format!("'{name}' is no host name to rustls; transport: 'node' asks for it as it is");
    SendError::new(SendErrorKind::TlsUnsure, message).with_code("ERR_INVALID_ARG_VALUE")
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

/// What is shown to a server that asks. That the certificate can be read is not asked: the server judges it, and version 1
/// is one that rustls does not read.
fn client_pair(
    mut chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
    roots: &Roots,
) -> Result<CertifiedKey, SendError> {
    let unusable = |error: Error| {
        unsendable("ERR_OSSL_UNSUPPORTED", format!("client key: {error}; try transport: 'node'"))
    };
    let key = provider.key_provider.load_private_key(key).map_err(unusable)?;
    if let [alone] = chain.as_slice() {
        let issuers = path::issuers_of(alone, roots.anchors());
        chain.extend(issuers);
    }
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(KeyMismatch)) => {
            let message = "error:05800074:x509 certificate routines::key values mismatch";
            Err(unsendable("ERR_OSSL_X509_KEY_VALUES_MISMATCH", message))
        }
        _ => Ok(certified),
    }
}

/// A connection that TLS ended, in the handshake or after it.
pub(in crate::sink) fn failure(error: &Error, in_handshake: bool) -> SendError {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<SendError>() {
                Some(refusal) => refusal.clone(),
                None => unsure(protocol_error(&error.to_string())),
            }
        }
        // The signature of the handshake was not of a kind that is known here, or was not read as OpenSSL reads it.
        Error::InvalidCertificate(_) | Error::PeerMisbehaved(_) => {
            unsure(protocol_error(&error.to_string()))
        }
        Error::AlertReceived(alert) => alert_received(*alert, in_handshake),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => protocol_error("error:0A00010B:SSL routines::wrong version number"),
        Error::PeerIncompatible(_) => unsure(protocol_error(&format!(
            "{error}; transport: 'node' speaks older versions and ciphers"
        ))),
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

/// What OpenSSL may take, or word better.
fn unsure(error: SendError) -> SendError {
    SendError { kind: SendErrorKind::TlsUnsure, ..error }
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
        | AlertDescription::InsufficientSecurity => unsure(protocol_error(&format!(
            "{text}; transport: 'node' speaks older versions and ciphers"
        ))),
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
        A::NoApplicationProtocol => "tlsv1 alert no application protocol".into(),
        A::UnrecognisedName => "tlsv1 unrecognized name".into(),
        other => format!("tlsv1 alert {other:?}").to_lowercase(),
    }
}
