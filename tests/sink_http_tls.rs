//! What TLS accepts and refuses, and how it says so (F6). Every code and text was observed with Node 20.20, 22.23, 24.21 and 26.10 in the same situation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/attempt.rs"]
mod attempt;
#[path = "support/pki.rs"]
mod pki;
#[path = "support/raw_server.rs"]
mod raw_server;

use std::sync::mpsc;

use attempt::{config, failure, reply, request, request_within, send};
use offloop::sink::{
    SendError, SendErrorKind, SendOutcome,
    http::{HttpConfig, HttpSink},
    net::{Roots, TlsConfig},
};
use pki::{Identity, ServerTls, ca_params, client_params, named, server_params, years};
use raw_server::{Peer, RawServer};
use rustls::version::{TLS12, TLS13};

fn https(server: &RawServer, host: &str, tls: TlsConfig) -> HttpConfig {
    HttpConfig { tls, ..config(&format!("https://{host}:{}/v1/traces", server.address.port())) }
}

fn trusting(ca: &Identity) -> TlsConfig {
    TlsConfig { roots: Roots::of_pem(ca.pem.clone().into()), ..TlsConfig::default() }
}

/// Refused, and left to whoever can ask OpenSSL.
#[track_caller]
fn unsure(server: &RawServer, tls: TlsConfig) -> SendError {
    let error = refused(server, "localhost", tls);
    assert_eq!(error.kind, SendErrorKind::TlsUnsure, "{error:?}");
    assert!(error.message.contains("transport: 'node'"), "{}", error.message);
    error
}

fn attempt(server: &RawServer, host: &str, tls: TlsConfig) -> SendOutcome {
    send(&HttpSink::new(https(server, host, tls)).unwrap(), request(10))
}

#[track_caller]
fn refused(server: &RawServer, host: &str, tls: TlsConfig) -> SendError {
    let error = failure(attempt(server, host, tls));
    assert!(server.received().is_empty(), "no byte of the request may leave");
    error
}

#[track_caller]
fn assert_tls(error: &SendError, code: &str, message: &str) {
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::Tls, Some(code)), "{error:?}");
    assert_eq!(error.message, message);
}

#[test]
fn f6_a_trusted_chain_is_accepted_by_name_and_by_address() {
    let root = Identity::root("Root");
    let leaf = root.issue(server_params());
    let server = ServerTls::with(&[&leaf]).ok();
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(reply(attempt(&server, host, trusting(&root))).status, 200);
    }
    let request = &server.received()[1];
    assert_eq!(request.header("host").unwrap(), format!("localhost:{}", server.address.port()));
}

#[test]
fn f6_several_roots_are_trusted_each_for_its_own() {
    let (root, other) = (Identity::root("Root"), Identity::root("Other"));
    let leaf = root.issue(server_params());
    let server = ServerTls::with(&[&leaf]).ok();
    let both = Roots::of_pem(format!("{}{}{}", other.pem, root.pem, root.pem).into());
    let tls = TlsConfig { roots: both, ..TlsConfig::default() };
    assert_eq!(reply(attempt(&server, "localhost", tls)).status, 200);
    let error = failure(attempt(&server, "localhost", trusting(&other)));
    assert_tls(&error, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate");
}

#[test]
fn f6_unknown_issuers_are_told_apart_as_openssl_does() {
    let root = Identity::root("Root");
    let inter = root.issue(ca_params("Inter"));
    let (leaf, below) = (root.issue(server_params()), inter.issue(server_params()));
    let alone = Identity::self_signed_server();
    let cases: [(&[&Identity], &str, &str); 5] = [
        (&[&alone], "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
        (&[&leaf], "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"),
        (
            &[&leaf, &root],
            "SELF_SIGNED_CERT_IN_CHAIN",
            "self-signed certificate in certificate chain",
        ),
        (
            &[&below, &inter],
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "unable to get local issuer certificate",
        ),
        (
            &[&below, &inter, &root],
            "SELF_SIGNED_CERT_IN_CHAIN",
            "self-signed certificate in certificate chain",
        ),
    ];
    for (chain, code, message) in cases {
        let server = ServerTls::with(chain).ok();
        assert_tls(&refused(&server, "localhost", TlsConfig::default()), code, message);
    }
    let hint = TlsConfig { system_ca_hint: true, ..TlsConfig::default() };
    let error = refused(&ServerTls::with(&[&leaf]).ok(), "localhost", hint);
    let advice = "if the root CA is installed locally, try running Node.js with --use-system-ca";
    assert_eq!(error.message, format!("unable to verify the first certificate; {advice}"));
}

#[test]
fn f6_a_self_signed_server_is_trusted_by_its_own_certificate() {
    let alone = Identity::self_signed_server();
    let server = ServerTls::with(&[&alone]).ok();
    assert_eq!(reply(attempt(&server, "localhost", trusting(&alone))).status, 200);
    let other = Identity::self_signed_server();
    let error = failure(attempt(&server, "localhost", trusting(&other)));
    assert_tls(&error, "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate");

    let old = Identity::self_signed(years(server_params(), 2020, 2021));
    let error = refused(&ServerTls::with(&[&old]).ok(), "localhost", trusting(&old));
    assert_tls(&error, "CERT_HAS_EXPIRED", "certificate has expired");
    let elsewhere = Identity::self_signed(named("example.test", &["example.test"]));
    let error = refused(&ServerTls::with(&[&elsewhere]).ok(), "localhost", trusting(&elsewhere));
    assert_eq!(error.code.as_deref(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
}

#[test]
fn f6_a_leaf_given_as_ca_does_not_vouch_for_itself() {
    let root = Identity::root("Root");
    let leaf = root.issue(server_params());
    let error = refused(&ServerTls::with(&[&leaf]).ok(), "localhost", trusting(&leaf));
    assert_tls(&error, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate");
}

#[test]
fn f6_time_and_purpose_are_checked() {
    let root = Identity::root("Root");
    let cases = [
        (years(server_params(), 2020, 2021), "CERT_HAS_EXPIRED", "certificate has expired"),
        (years(server_params(), 2090, 2091), "CERT_NOT_YET_VALID", "certificate is not yet valid"),
    ];
    for (params, code, message) in cases {
        let leaf = root.issue(params);
        assert_tls(
            &refused(&ServerTls::with(&[&leaf]).ok(), "localhost", trusting(&root)),
            code,
            message,
        );
    }
    let mut for_clients = server_params();
    for_clients.extended_key_usages = client_params().extended_key_usages;
    unsure(&ServerTls::with(&[&root.issue(for_clients)]).ok(), trusting(&root));
    let old = root.issue(years(server_params(), 2020, 2021));
    let error = refused(&ServerTls::with(&[&old]).ok(), "localhost", TlsConfig::default());
    assert_tls(&error, "CERT_HAS_EXPIRED", "certificate has expired");
}

#[test]
fn f6_another_name_is_reported_with_the_names_there_are() {
    let root = Identity::root("Root");
    let mut params = named("example.test", &["example.test", "*.b.test"]);
    params.subject_alt_names.push(rcgen::SanType::IpAddress("10.0.0.1".parse().unwrap()));
    let leaf = root.issue(params);
    let server = ServerTls::with(&[&leaf]).ok();
    let prefix = "Hostname/IP does not match certificate's altnames:";
    let names = "DNS:example.test, DNS:*.b.test, IP Address:10.0.0.1";
    assert_tls(
        &refused(&server, "localhost", trusting(&root)),
        "ERR_TLS_CERT_ALTNAME_INVALID",
        &format!("{prefix} Host: localhost. is not in the cert's altnames: {names}"),
    );
    assert_tls(
        &refused(&server, "127.0.0.1", trusting(&root)),
        "ERR_TLS_CERT_ALTNAME_INVALID",
        &format!("{prefix} IP: 127.0.0.1 is not in the cert's list: 10.0.0.1"),
    );
    let untrusted = refused(&server, "localhost", TlsConfig::default());
    assert_eq!(
        untrusted.code.as_deref(),
        Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
        "trust comes before the name"
    );
}

#[test]
fn f6_a_certificate_without_alternative_names_is_left_to_node() {
    let root = Identity::root("Root");
    let leaf = root.issue(named("localhost", &[]));
    unsure(&ServerTls::with(&[&leaf]).ok(), trusting(&root));
}

#[test]
fn f6_a_root_that_is_no_authority_or_has_expired_vouches_for_nobody() {
    let no_authority = Identity::self_signed(named("Root", &["root.test"]));
    let old = Identity::self_signed(years(ca_params("Root"), 2020, 2021));
    for root in [no_authority, old] {
        let leaf = root.issue(server_params());
        unsure(&ServerTls::with(&[&leaf]).ok(), trusting(&root));
    }
}

#[test]
fn f6_servername_replaces_the_name_to_check_and_keeps_the_host_header() {
    let root = Identity::root("Root");
    let leaf = root.issue(named("example.test", &["example.test"]));
    let server = ServerTls::with(&[&leaf]).ok();
    for host in ["localhost", "127.0.0.1"] {
        let tls = TlsConfig { servername: Some("example.test".into()), ..trusting(&root) };
        assert_eq!(reply(attempt(&server, host, tls)).status, 200);
        let port = server.address.port();
        assert_eq!(
            server.received().last().unwrap().header("host").unwrap(),
            format!("{host}:{port}")
        );
    }
    let none = TlsConfig { servername: Some(String::new()), ..trusting(&root) };
    let error = failure(attempt(&server, "localhost", none));
    assert_eq!(error.code.as_deref(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
}

#[test]
fn a_server_name_that_rustls_does_not_take_is_left_to_node() {
    let root = Identity::root("Root");
    let server = ServerTls::with(&[&root.issue(server_params())]).ok();
    for name in
        ["-a.test", ".example.test", "a..test", "127.0.0.1", "0x7f.1", "::1", "a b", "é.test"]
    {
        unsure(&server, TlsConfig { servername: Some(name.into()), ..trusting(&root) });
    }
}

#[test]
fn a_doubt_opens_no_connection_until_it_is_taken_back() {
    let root = Identity::root("Root");
    let server = ServerTls::with(&[&root.issue(server_params())]).ok();
    let tls = trusting(&root);
    let doubt = tls.doubt.clone();
    doubt.set(Some("a test".into()));
    let error = failure(attempt(&server, "localhost", tls.clone()));
    assert_eq!(error.kind, SendErrorKind::TlsUnsure, "{error:?}");
    assert!(error.message.starts_with("a test; transport: 'node'"), "{}", error.message);
    doubt.set(None);
    assert_eq!(reply(attempt(&server, "localhost", tls)).status, 200);
}

#[test]
fn the_client_hello_asks_for_the_right_name_and_offers_no_protocol() {
    let hello = |host: &str, servername: Option<&str>| {
        let (sender, receiver) = mpsc::channel();
        let server =
            RawServer::start(move |mut peer: Peer| sender.send(peer.first_bytes()).unwrap());
        let tls = TlsConfig { servername: servername.map(str::to_owned), ..TlsConfig::default() };
        failure(attempt(&server, host, tls));
        receiver.recv().unwrap()
    };
    let holds = |hello: &[u8], text: &str| {
        hello.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let by_name = hello("localhost", None);
    assert!(holds(&by_name, "localhost"));
    assert!(!holds(&by_name, "http/1.1"), "Node offers no ALPN either");
    assert!(!holds(&hello("localhost", Some("")), "localhost"));
    let renamed = hello("localhost", Some("example.test"));
    assert!(holds(&renamed, "example.test") && !holds(&renamed, "localhost"));
    assert!(!holds(&hello("127.0.0.1", None), "127.0.0.1"), "addresses are no server names");
}

#[test]
fn f6_reject_unauthorized_off_accepts_any_certificate() {
    let alone = Identity::self_signed(years(named("x.test", &[]), 2020, 2021));
    let server = ServerTls::with(&[&alone]).ok();
    let tls = TlsConfig { reject_unauthorized: false, ..TlsConfig::default() };
    assert_eq!(reply(attempt(&server, "127.0.0.1", tls)).status, 200);
}

#[test]
fn f6_a_client_certificate_is_shown_when_configured() {
    let root = Identity::root("Root");
    let (leaf, client) = (root.issue(server_params()), root.issue(client_params()));
    for versions in [vec![&TLS12], vec![&TLS13]] {
        let server =
            ServerTls { client_ca: Some(&root), versions, ..ServerTls::with(&[&leaf]) }.ok();
        let with = TlsConfig {
            client_certificate: Some(client.pem.clone().into()),
            client_key: Some(client.key_pem.clone().into()),
            ..trusting(&root)
        };
        assert_eq!(reply(attempt(&server, "localhost", with)).status, 200);
        let key_only =
            TlsConfig { client_key: Some(client.key_pem.clone().into()), ..trusting(&root) };
        assert!(matches!(attempt(&server, "localhost", key_only), SendOutcome::Failed(_)));
        assert_eq!(server.received().len(), 1);
    }
}

#[test]
fn f6_a_client_certificate_without_a_chain_is_shown_with_the_issuers_that_are_trusted() {
    let root = Identity::root("Root");
    let between = root.issue(ca_params("Between"));
    let (leaf, client) = (root.issue(server_params()), between.issue(client_params()));
    let server = ServerTls { client_ca: Some(&root), ..ServerTls::with(&[&leaf]) }.ok();
    for (trusted, is_shown) in [(format!("{}{}", root.pem, between.pem), true), (root.pem, false)] {
        let tls = TlsConfig {
            roots: Roots::of_pem(trusted.into()),
            client_certificate: Some(client.pem.clone().into()),
            client_key: Some(client.key_pem.clone().into()),
            ..TlsConfig::default()
        };
        let outcome = attempt(&server, "localhost", tls);
        assert_eq!(matches!(outcome, SendOutcome::Reply(_)), is_shown, "{outcome:?}");
    }
}

#[test]
fn f6_a_missing_client_certificate_is_named_by_the_servers_alert() {
    let root = Identity::root("Root");
    let leaf = root.issue(server_params());
    let server =
        ServerTls { client_ca: Some(&root), versions: vec![&TLS13], ..ServerTls::with(&[&leaf]) }
            .ok();
    let error = refused(&server, "localhost", trusting(&root));
    assert_eq!(
        error.code.as_deref(),
        Some("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"),
        "{error:?}"
    );
    assert!(
        error.message.contains("error:0A00045C:SSL routines::tlsv13 alert certificate required")
    );

    let server =
        ServerTls { client_ca: Some(&root), versions: vec![&TLS12], ..ServerTls::with(&[&leaf]) }
            .ok();
    let error = refused(&server, "localhost", trusting(&root));
    assert_eq!(
        (error.code.as_deref(), error.syscall),
        (Some("EPROTO"), Some("write")),
        "{error:?}"
    );
    assert_eq!(error.kind, SendErrorKind::Tls);
}

#[test]
fn f6_a_server_without_tls_is_eproto() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        peer.wait_for_close();
    });
    let error = refused(&server, "localhost", TlsConfig::default());
    let words = format!(
        "write EPROTO error:0A00010B:SSL routines::wrong version number: localhost:{} does not speak TLS; use http://",
        server.address.port()
    );
    assert_tls(&error, "EPROTO", &words);
    #[cfg(target_os = "linux")]
    assert_eq!(error.errno, Some(-71));
}

#[test]
fn f6_a_connection_lost_in_the_handshake_is_no_certificate_trouble() {
    let server = RawServer::start(|peer: Peer| drop(peer));
    let error = refused(&server, "localhost", TlsConfig::default());
    assert_eq!((error.kind, error.code.as_deref()), (SendErrorKind::Reset, Some("ECONNRESET")));
    let closed = "Client network socket disconnected before secure TLS connection was established";
    assert!([closed, "read ECONNRESET"].contains(&error.message.as_str()), "{}", error.message);
}

#[test]
fn f6_a_handshake_that_stalls_is_a_time_out() {
    let server = RawServer::start(|mut peer: Peer| {
        peer.wait_for_close();
    });
    let sink = HttpSink::new(https(&server, "localhost", TlsConfig::default())).unwrap();
    let error = failure(send(&sink, request_within(200)));
    assert_eq!(
        (error.kind, error.message.as_str()),
        (SendErrorKind::TimedOut, "Request timed out")
    );
}

#[test]
fn f6_bad_client_certificates_fail_each_send_with_openssls_words() {
    let root = Identity::root("Root");
    let (leaf, client) = (root.issue(server_params()), root.issue(client_params()));
    let server = ServerTls::with(&[&leaf]).ok();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let cases = [
        ("garbage", client.key_pem.as_str(), "ERR_OSSL_PEM_NO_START_LINE"),
        (client.pem.as_str(), "garbage", "ERR_OSSL_UNSUPPORTED"),
        (client.pem.as_str(), leaf.key_pem.as_str(), "ERR_OSSL_X509_KEY_VALUES_MISMATCH"),
        (client.pem.as_str(), encrypted, "ERR_OSSL_BAD_DECRYPT"),
    ];
    for (certificate, key, code) in cases {
        let tls = TlsConfig {
            client_certificate: Some(certificate.into()),
            client_key: Some(key.into()),
            ..trusting(&root)
        };
        let error = refused(&server, "localhost", tls);
        assert_eq!(
            (error.kind, error.code.as_deref()),
            (SendErrorKind::Unsendable, Some(code)),
            "{error:?}"
        );
        assert!(!error.message.contains("PRIVATE"));
    }
    assert_eq!(server.connections(), 0);
    let nonsense = TlsConfig { roots: Roots::of_pem("garbage".into()), ..TlsConfig::default() };
    let error = refused(&server, "localhost", nonsense);
    assert_eq!(error.code.as_deref(), Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
}
