//! Words for a peer that speaks another protocol than the one that it was sent: nearly always it is the other port of a
//! collector, or TLS on one side only. Where Node sends, js/node_http/wrong_port.js has the same.
//! It refuses to show what the peer has said.

/// The port of OTLP over gRPC, unless somebody has configured another.
const GRPC_PORT: u16 = 4317;
/// That of OTLP over HTTP.
const HTTP_PORT: u16 = 4318;

pub(super) const LOOKS_LIKE_GRPC: &str = "looks like the gRPC port; use 4318 or protocol 'grpc'";
pub(super) const LOOKS_LIKE_HTTP: &str =
    "looks like the HTTP port; use 4317 or protocol 'http/protobuf'";
pub(super) const SPEAKS_TLS: &str = "speaks TLS; use https://";
const SPEAKS_PLAIN: &str = "does not speak TLS; use http://";

/// Bytes of an answer's body that are looked at.
const MAX_LOOK_BYTES: usize = 1024;

/// What servers that speak HTTP/2 only say in HTTP/1: Kestrel, Node.js, and Netty where it answers at all.
const WORDS_OF_GRPC: [&str; 3] =
    ["HTTP/2 only endpoint", "expected `h2` to be available", "HTTP/2 client preface"];
/// What servers that speak TLS say to a request without it: Go, nginx, Apache, Jetty and Tomcat.
const WORDS_OF_TLS: [&str; 4] = [
    "HTTP request to an HTTPS server",
    "plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled",
    "combination of host and port requires TLS",
];

/// What a refusal over HTTP says of the port.
pub(super) fn of_refusal(status: u16, body: &[u8]) -> Option<&'static str> {
    if status < 400 {
        return None;
    }
    let text = String::from_utf8_lossy(body.get(..MAX_LOOK_BYTES).unwrap_or(body));
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    if says(&WORDS_OF_GRPC) {
        Some(LOOKS_LIKE_GRPC)
    } else {
        says(&WORDS_OF_TLS).then_some(SPEAKS_TLS)
    }
}

/// What the message of a failed handshake says of it: of a peer whose first bytes were no TLS.
pub(super) fn of_handshake(message: &str) -> Option<&'static str> {
    message.contains("wrong version number").then_some(SPEAKS_PLAIN)
}

/// What an end without a byte of an answer to HTTP says of `port`: servers of gRPC over TLS close where the client has
/// not asked for HTTP/2.
pub(super) fn of_silence_to_http(port: u16) -> Option<&'static str> {
    (port == GRPC_PORT).then_some(LOOKS_LIKE_GRPC)
}

/// The same for a peer that has not spoken gRPC. `peer` ends with its port.
pub(super) fn of_silence_to_grpc(peer: &str) -> Option<&'static str> {
    let port = peer.rsplit_once(':')?.1;
    (port.parse() == Ok(HTTP_PORT)).then_some(LOOKS_LIKE_HTTP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_the_words_of_servers_are_known_for_what_they_are() {
        let kestrel = "An HTTP/1.x request was sent to an HTTP/2 only endpoint.";
        let node = "Missing ALPN Protocol, expected `h2` to be available.\n";
        let go = "Client sent an HTTP request to an HTTPS server.\n";
        let nginx = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
        for (status, body, hint) in [
            (400, kestrel, Some(LOOKS_LIKE_GRPC)),
            (403, node, Some(LOOKS_LIKE_GRPC)),
            (400, go, Some(SPEAKS_TLS)),
            (400, nginx, Some(SPEAKS_TLS)),
            (200, go, None),
            (404, "Not Found", None),
            (404, "", None),
        ] {
            assert_eq!(of_refusal(status, body.as_bytes()), hint, "{status} {body}");
        }
        let late = [vec![b'x'; MAX_LOOK_BYTES], go.into()].concat();
        assert_eq!(of_refusal(400, &late), None);
    }

    #[test]
    fn silence_says_something_on_the_usual_ports_only() {
        assert_eq!(of_silence_to_http(4317), Some(LOOKS_LIKE_GRPC));
        assert_eq!(of_silence_to_http(4318), None);
        for (peer, hint) in [
            ("127.0.0.1:4318", Some(LOOKS_LIKE_HTTP)),
            ("[::1]:4318", Some(LOOKS_LIKE_HTTP)),
            ("[::1]:4317", None),
            ("/run/4318", None),
            ("", None),
        ] {
            assert_eq!(of_silence_to_grpc(peer), hint, "{peer}");
        }
    }
}
