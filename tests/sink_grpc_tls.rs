//! TLS under gRPC: whom it trusts, what it asks for, and what is said where that fails.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/grpc_client.rs"]
mod grpc_client;
#[path = "support/h2_peer.rs"]
mod h2_peer;
#[path = "support/pki.rs"]
mod pki;
#[path = "support/raw_server.rs"]
mod raw_server;

use grpc_client::{Client, end, request};
use h2_peer::H2Peer;
use offloop::sink::{
    SendError, SendErrorKind, SendOutcome,
    grpc::GrpcConfig,
    net::{Roots, TlsConfig},
};
use pki::{Identity, ServerTls, client_params, server_params};
use raw_server::{Peer, RawServer};
use rustls::version::{TLS12, TLS13};

fn serve(peer: Peer) {
    if let Some(mut h2) = H2Peer::accept(peer, &[]) {
        h2.serve();
    }
}

fn trusting(ca: &Identity) -> TlsConfig {
    TlsConfig { roots: Roots::of_pem(ca.pem.clone().into()), ..TlsConfig::default() }
}

fn config(server: &RawServer, host: &str, tls: TlsConfig) -> GrpcConfig {
    let url = format!("https://{host}:{}", server.address.port());
    GrpcConfig { tls, ..GrpcConfig::new(url, "test") }
}

#[track_caller]
fn refused(server: &RawServer, host: &str, tls: TlsConfig) -> SendError {
    Client::with(config(server, host, tls)).failure()
}

fn established(last: &str) -> String {
    format!("No connection established. Last error: {last}. Resolution note: ")
}

#[test]
fn a_trusted_server_of_either_version_is_spoken_to_over_one_connection() {
    let root = Identity::root("root");
    let leaf = root.issue(server_params());
    for versions in [vec![&TLS12], vec![&TLS13]] {
        // One that chooses h2, and an old one that chooses nothing.
        for protocols in [vec!["h2"], vec!["http/1.1", "h2"], Vec::new()] {
            let chain = [&leaf];
            let tls =
                ServerTls { versions: versions.clone(), protocols, ..ServerTls::with(&chain) };
            let server = tls.serve(serve);
            for host in ["localhost", "127.0.0.1"] {
                let client = Client::with(config(&server, host, trusting(&root)));
                for outcome in client.send_all((0..10).map(|_| request(30_000)).collect()) {
                    assert_eq!(end(outcome).code, 0);
                }
            }
            assert_eq!(server.connections(), 2);
        }
    }
}

#[test]
fn f81_a_server_without_http2_is_named_as_such() {
    let root = Identity::root("root");
    let leaf = root.issue(server_params());
    let chain = [&leaf];
    let tls = ServerTls { protocols: vec!["http/1.1"], ..ServerTls::with(&chain) };
    let error = refused(&tls.serve(serve), "localhost", trusting(&root));
    assert_eq!(error.kind, SendErrorKind::Tls);
    assert!(error.message.contains("alert no application protocol:SSL alert number 120: "));
    let words =
        " speaks no HTTP/2; it looks like the HTTP port; use 4317 or protocol 'http/protobuf'";
    assert!(error.message.contains(words), "{}", error.message);
    let server = ServerTls::with(&chain).serve(|mut peer| {
        peer.head();
        peer.respond("400 Bad Request", "", b"");
        peer.finish();
    });
    let error = refused(&server, "localhost", trusting(&root));
    assert_eq!(error.kind, SendErrorKind::Malformed);
    assert!(error.message.contains("speaks HTTP/1.1, not HTTP/2"), "{}", error.message);
}

#[test]
fn servers_that_are_not_trusted_get_no_byte_and_the_error_is_that_of_grpc_js() {
    let (root, other) = (Identity::root("root"), Identity::root("other"));
    let leaf = root.issue(server_params());
    let chain = [&leaf, &root];
    let serve_nobody = |mut peer: Peer| {
        let first = peer.exactly(1);
        assert_eq!(first, None, "nothing comes out of this TLS");
    };
    let server = ServerTls::with(&chain).serve(serve_nobody);
    let error = refused(&server, "localhost", trusting(&other));
    assert_eq!(error.kind, SendErrorKind::Tls);
    assert_eq!(error.message, established("Error: self-signed certificate in certificate chain"));
    let mut tls = trusting(&root);
    tls.servername = Some("somebody.test".into());
    let error = refused(&server, "localhost", tls);
    assert_eq!(error.code.as_deref(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
    let words = "No connection established. Last error: Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match \
                 certificate's altnames: Host: somebody.test. is not in the cert's altnames: DNS:localhost, IP Address:127.0.0.1";
    assert!(error.message.starts_with(words), "{}", error.message);
    let mut tls = trusting(&other);
    tls.reject_unauthorized = false;
    let server = ServerTls::with(&chain).serve(serve);
    assert_eq!(Client::with(config(&server, "localhost", tls)).end().code, 0);
}

#[test]
fn a_client_shows_its_certificate_to_a_server_that_asks() {
    let root = Identity::root("root");
    let (leaf, own) = (root.issue(server_params()), root.issue(client_params()));
    let chain = [&leaf];
    for versions in [vec![&TLS12], vec![&TLS13]] {
        let tls = ServerTls {
            client_ca: Some(&root),
            protocols: vec!["h2"],
            versions,
            ..ServerTls::with(&chain)
        };
        let server = tls.serve(serve);
        let mut shown = trusting(&root);
        shown.client_certificate = Some(own.pem.clone().into());
        shown.client_key = Some(own.key_pem.clone().into());
        assert_eq!(Client::with(config(&server, "localhost", shown)).end().code, 0);
        // The server closes behind its alert without having read what has come meanwhile. That resets the connection, and
        // now and then takes the alert along.
        let named = (0..50).any(|_| {
            let error = refused(&server, "localhost", trusting(&root));
            let words = "No connection established. Last error: Error";
            assert!(error.message.starts_with(words), "{}", error.message);
            match error.kind {
                SendErrorKind::Tls => error.message.contains("SSL alert number"),
                SendErrorKind::Reset => false,
                _ => panic!("{error:?}"),
            }
        });
        assert!(named, "no error has named the alert");
    }
}

#[test]
fn plain_and_secure_are_not_taken_for_each_other() {
    let root = Identity::root("root");
    let leaf = root.issue(server_params());
    let chain = [&leaf];
    let tls = ServerTls { protocols: vec!["h2"], ..ServerTls::with(&chain) };
    let server = tls.serve(serve);
    let client = Client::with(GrpcConfig::new(format!("http://{}", server.address), "test"));
    // As above: the server closes behind an alert, and now and then the reset takes the alert along.
    let hinted = (0..50).any(|_| {
        let SendOutcome::Failed(error) = client.send(request(10)) else { panic!() };
        let is_named = error.message.contains("use https://");
        assert!(is_named || error.kind == SendErrorKind::Reset, "{error:?}");
        is_named
    });
    assert!(hinted, "no error has named the remedy");
    let plain = RawServer::start(serve);
    let error = refused(&plain, "localhost", trusting(&root));
    assert!(error.message.starts_with("No connection established. "), "{}", error.message);
}
