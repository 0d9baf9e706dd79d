//! Judging the server's certificate: owns what is trusted and Node's words for a refusal.
//! It refuses to verify signatures itself, which is webpki's business, and to guess where OpenSSL has rules of its own.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{
    certificate::Certificate,
    path::{End, Path},
    roots::Roots,
    server_name::{self, Mismatch},
};
use crate::sink::{SendError, SendErrorKind};

/// Accepts what Node surely accepts, refuses in its words what it surely refuses, and says when it is not sure.
#[derive(Debug)]
pub(super) struct Verifier {
    /// What is trusted.
    pub roots: Arc<Roots>,
    /// `rejectUnauthorized`; off, anything that can sign is accepted.
    pub reject_unauthorized: bool,
    /// Whether Node would recommend `--use-system-ca` here.
    pub system_ca_hint: bool,
    /// Signature algorithms.
    pub provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.reject_unauthorized {
            self.judge(end_entity, intermediates, server_name, now).map_err(refused)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Verifier {
    fn judge(
        &self,
        server: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), SendError> {
        let server = Certificate::read(server)
            .ok_or_else(|| unsure("the server's certificate cannot be read"))?;
        usual(&server)?;
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if let Some((code, text)) = server.time_failure(seconds) {
            // What OpenSSL looks at last is what it reports.
            return Err(refusal(code, text));
        }
        if !server.fits_a_server() {
            return Err(unsure("the server's certificate is for something else"));
        }
        let path = Path::find(server, sent, self.roots.anchors()).map_err(unsure)?;
        self.check(&path, seconds, now)?;
        if path.end != End::Trusted {
            return Err(self.untrusted(&path));
        }
        let names =
            path.certificates.first().and_then(|server| server.alternative_names.as_deref());
        server_name::check(name, names).map_err(|mismatch| match mismatch {
            Mismatch::Certain(reason) => refusal(
                "ERR_TLS_CERT_ALTNAME_INVALID",
                format!("Hostname/IP does not match certificate's altnames: {reason}"),
            ),
            Mismatch::Unsure => {
                unsure("the names in the server's certificate are for Node to read")
            }
        })
    }

    /// Whether every certificate is what it has to be, wherever the path ends.
    fn check(&self, path: &Path<'_>, seconds: i64, now: UnixTime) -> Result<(), SendError> {
        for (index, certificate) in path.certificates.iter().enumerate() {
            usual(certificate)?;
            if index > 0 && !certificate.fits_an_authority(index - 1) {
                return Err(unsure("a certificate of the chain may not sign the one below it"));
            }
            if certificate.time_failure(seconds).is_some() {
                return Err(unsure("a certificate of the chain has expired or is not yet valid"));
            }
        }
        match path.certificates.as_slice() {
            // Nothing was signed by another: OpenSSL does not look at the signature of a root either.
            [] | [_] => Ok(()),
            [server, between @ .., top] => self.check_signatures(server, between, top, now),
        }
    }

    fn check_signatures(
        &self,
        server: &Certificate<'_>,
        between: &[Certificate<'_>],
        top: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<(), SendError> {
        let der = |certificate: &Certificate<'_>| CertificateDer::from(certificate.der.to_vec());
        let mut roots = RootCertStore::empty();
        roots.add(der(top)).map_err(|error| other(&error))?;
        let (server, between) = (der(server), between.iter().map(der).collect::<Vec<_>>());
        let server = ParsedCertificate::try_from(&server).map_err(|error| other(&error))?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&server, &roots, &between, now, algorithms)
            .map_err(|error| other(&error))
    }

    /// OpenSSL's name for the place where a path without a trusted root ends.
    fn untrusted(&self, path: &Path<'_>) -> SendError {
        let (code, text, has_advice) = match (path.end, path.certificates.len()) {
            (End::SelfSigned, 1) => {
                ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate", true)
            }
            (End::SelfSigned, _) => {
                ("SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain", false)
            }
            (_, 1) => {
                ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate", true)
            }
            (_, _) => (
                "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
                "unable to get local issuer certificate",
                false,
            ),
        };
        let advice =
            "; if the root CA is installed locally, try running Node.js with --use-system-ca";
        refusal(
            code,
            format!("{text}{}", if has_advice && self.system_ca_hint { advice } else { "" }),
        )
    }
}

/// Whether OpenSSL surely reads `certificate` as it was read here.
fn usual(certificate: &Certificate<'_>) -> Result<(), SendError> {
    let Some(oddity) = certificate.oddity else { return Ok(()) };
    Err(unsure(&format!("a certificate of the chain is unusual: {oddity}")))
}

/// `error` as what a verifier may answer.
fn refused(error: SendError) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

/// A refusal in which Node is of the same mind.
fn refusal(code: &str, message: impl Into<String>) -> SendError {
    SendError::new(SendErrorKind::Tls, message).with_code(code)
}

/// Something that OpenSSL may see otherwise.
fn unsure(reason: &str) -> SendError {
    let message = format!("{reason}; transport: 'node' verifies with OpenSSL instead");
    SendError::new(SendErrorKind::TlsUnsure, message)
}

fn other(error: &Error) -> SendError {
    unsure(&error.to_string())
}
