//! Judging the server's certificate: owns what is trusted and Node's words for a refusal.
//! It refuses to verify by itself: chains and names are webpki's business.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::certificate::Outline;
use crate::sink::{SendError, SendErrorKind, calendar::Utc};

/// Verifies as Node does, with its codes.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Trust anchors.
    pub roots: RootCertStore,
    /// The anchors of the user and the system, as they are: a self-signed server certificate is trusted by being one of them.
    pub own: Vec<CertificateDer<'static>>,
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
        if self.reject_unauthorized && !mutant!("F6") {
            self.verify_chain(end_entity, intermediates, now).map_err(refused)?;
            let parsed = ParsedCertificate::try_from(end_entity)?;
            verify_server_name(&parsed, server_name)
                .map_err(|error| refused(name_failure(server_name, &error)))?;
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
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), SendError> {
        let outline = Outline::of(end_entity);
        if let Some(outline) = outline.filter(Outline::is_self_signed)
            && self.own.iter().any(|own| own == end_entity)
        {
            // webpki knows anchors and leaves only; OpenSSL takes a certificate that is both.
            return alive(&outline, now);
        }
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(end_entity).map_err(|error| other(&error))?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )
        .map_err(|error| match error {
            Error::InvalidCertificate(reason) => {
                self.chain_failure(&reason, outline, intermediates)
            }
            error => other(&error),
        })
    }

    fn chain_failure(
        &self,
        reason: &CertificateError,
        leaf: Option<Outline<'_>>,
        intermediates: &[CertificateDer<'_>],
    ) -> SendError {
        use CertificateError as E;
        match reason {
            E::Expired | E::ExpiredContext { .. } => expired(),
            E::NotValidYet | E::NotValidYetContext { .. } => not_yet_valid(),
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
                refusal("INVALID_PURPOSE", "unsuitable certificate purpose")
            }
            E::BadSignature => refusal("CERT_SIGNATURE_FAILURE", "certificate signature failure"),
            E::UnknownIssuer => self.unknown_issuer(leaf, intermediates),
            // A self-signed certificate usually calls itself a CA, which is what webpki sees first.
            _ if leaf.is_some_and(|leaf| leaf.is_self_signed()) => {
                self.unknown_issuer(leaf, intermediates)
            }
            reason => other(&Error::InvalidCertificate(reason.clone())),
        }
    }

    /// OpenSSL's name for the place where the chain ends.
    fn unknown_issuer(
        &self,
        leaf: Option<Outline<'_>>,
        intermediates: &[CertificateDer<'_>],
    ) -> SendError {
        let sent: Vec<Outline<'_>> =
            intermediates.iter().filter_map(|der| Outline::of(der)).collect();
        let mut last = leaf;
        let mut depth = 0;
        // At most as many steps as certificates: a cycle of names must not hold the handshake.
        while let Some(issuer) =
            last.and_then(|last| sent.iter().find(|sent| sent.subject == last.issuer))
            && !last.is_some_and(|last| last.is_self_signed())
            && depth < sent.len()
        {
            last = Some(*issuer);
            depth += 1;
        }
        let (code, text, hint) = match (last.is_some_and(|last| last.is_self_signed()), depth) {
            (true, 0) => ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate", true),
            (true, _) => {
                ("SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain", false)
            }
            (false, 0) => {
                ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate", true)
            }
            (false, _) => (
                "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
                "unable to get local issuer certificate",
                false,
            ),
        };
        let advice =
            "; if the root CA is installed locally, try running Node.js with --use-system-ca";
        refusal(code, format!("{text}{}", if hint && self.system_ca_hint { advice } else { "" }))
    }
}

/// `error` as what a verifier may answer.
fn refused(error: SendError) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

fn refusal(code: &str, message: impl Into<String>) -> SendError {
    SendError::new(SendErrorKind::Tls, message).with_code(code)
}

fn expired() -> SendError {
    refusal("CERT_HAS_EXPIRED", "certificate has expired")
}

fn not_yet_valid() -> SendError {
    refusal("CERT_NOT_YET_VALID", "certificate is not yet valid")
}

/// Something that OpenSSL may see otherwise.
fn other(error: &Error) -> SendError {
    SendError::new(
        SendErrorKind::Tls,
        format!("{error}; transport: 'node' verifies with OpenSSL instead"),
    )
}

fn alive(certificate: &Outline<'_>, now: UnixTime) -> Result<(), SendError> {
    let now = Utc::from_unix(now.as_secs());
    if now < certificate.not_before {
        return Err(not_yet_valid());
    }
    if now > certificate.not_after { Err(expired()) } else { Ok(()) }
}

/// `checkServerIdentity`'s words.
fn name_failure(wanted: &ServerName<'_>, error: &Error) -> SendError {
    let Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) =
        error
    else {
        return other(error);
    };
    // webpki shows each name in its own notation: DnsName("a.test"), IpAddress(10.0.0.1).
    let name_in = |text: &str, kind: &str| {
        let inner = text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.trim_matches('"').to_owned())
    };
    let dns = |text: &String| name_in(text, "DnsName");
    let ip = |text: &String| name_in(text, "IpAddress");
    let reason = if presented.is_empty() {
        "the certificate has no subject alternative names; transport: 'node' accepts its common name".to_owned()
    } else if let ServerName::IpAddress(_) = wanted {
        let list: Vec<String> = presented.iter().filter_map(ip).collect();
        format!("IP: {} is not in the cert's list: {}", wanted.to_str(), list.join(", "))
    } else {
        let entry = |text| {
            dns(text)
                .map(|n| format!("DNS:{n}"))
                .or_else(|| ip(text).map(|n| format!("IP Address:{n}")))
        };
        let list: Vec<String> = presented.iter().filter_map(entry).collect();
        format!("Host: {}. is not in the cert's altnames: {}", wanted.to_str(), list.join(", "))
    };
    let message = format!("Hostname/IP does not match certificate's altnames: {reason}");
    refusal("ERR_TLS_CERT_ALTNAME_INVALID", message)
}
