//! A private CA per test run and TLS for the scripted server.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{net::TcpStream, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};

use super::raw_server::{Peer, RawServer, Wire};

/// A certificate with its key.
pub struct Identity {
    /// PEM of the certificate.
    pub pem: String,
    /// PEM of the key.
    pub key_pem: String,
    /// DER of the certificate.
    pub der: CertificateDer<'static>,
    params: CertificateParams,
}

impl Identity {
    /// A self-signed CA.
    pub fn root(name: &str) -> Identity {
        Identity::self_signed(ca_params(name))
    }

    /// A self-signed server certificate that calls itself a CA, as `openssl req -x509` makes it.
    pub fn self_signed_server() -> Identity {
        let mut params = server_params();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Identity::self_signed(params)
    }

    /// Signs its own `params`.
    pub fn self_signed(params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Identity {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            params,
        }
    }

    /// Signs `params` for somebody else.
    pub fn issue(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, KeyPair::from_pem(&self.key_pem).unwrap());
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Identity {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            params,
        }
    }
}

/// A CA.
pub fn ca_params(name: &str) -> CertificateParams {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A server on `localhost` and `127.0.0.1`.
pub fn server_params() -> CertificateParams {
    let mut params = named("localhost", &["localhost"]);
    params.subject_alt_names.push(SanType::IpAddress("127.0.0.1".parse().unwrap()));
    params
}

/// A client.
pub fn client_params() -> CertificateParams {
    let mut params = named("client", &[]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Any certificate.
pub fn named(common_name: &str, dns_names: &[&str]) -> CertificateParams {
    let names: Vec<String> = dns_names.iter().map(|name| name.to_string()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    params
}

/// Valid from `from` to `to`, first of January.
pub fn years(mut params: CertificateParams, from: i32, to: i32) -> CertificateParams {
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

/// How the server speaks TLS.
pub struct ServerTls<'a> {
    /// Certificates it sends, its own first.
    pub chain: &'a [&'a Identity],
    /// CA whose clients it demands.
    pub client_ca: Option<&'a Identity>,
    /// Versions it offers.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Protocols that it speaks inside TLS; without any it leaves the choice to the client.
    pub protocols: Vec<&'static str>,
}

impl<'a> ServerTls<'a> {
    /// Sends `chain`, asks for no client certificate.
    pub fn with(chain: &'a [&'a Identity]) -> ServerTls<'a> {
        ServerTls { chain, client_ca: None, versions: vec![&TLS12, &TLS13], protocols: Vec::new() }
    }

    /// A server that runs `script` inside TLS.
    pub fn serve(&self, script: impl Fn(Peer) + Send + Sync + 'static) -> RawServer {
        RawServer::start_on("127.0.0.1:0", self.wrap(), script)
    }

    /// What puts a socket inside TLS. The handshake runs with the first byte read or written.
    pub fn wrap(&self) -> impl Fn(TcpStream) -> Option<Box<dyn Wire>> + Send + Sync + use<> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(&self.versions).unwrap();
        let builder = match self.client_ca {
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.der.clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .unwrap();
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
        };
        let chain: Vec<_> = self.chain.iter().map(|identity| identity.der.clone()).collect();
        let key = PrivateKeyDer::try_from(
            KeyPair::from_pem(&self.chain[0].key_pem).unwrap().serialize_der(),
        )
        .unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols =
            self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let config = Arc::new(config);
        move |socket: TcpStream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(StreamOwned::new(connection, socket)) as Box<dyn Wire>)
        }
    }

    /// A server that answers 200 to everything.
    pub fn ok(&self) -> RawServer {
        self.serve(|mut peer| {
            while peer.request().is_some() {
                peer.respond("200 OK", "", b"");
            }
        })
    }
}
