use super::{DropReason, ExportFailure};
use crate::sink::{SendError, SendErrorKind};

fn transport(code: &str, message: &str) -> String {
    let error = SendError::new(SendErrorKind::Other, message);
    ExportFailure::transport(&SendError { code: Some(code.to_owned()), ..error }).to_string()
}

#[test]
fn a_code_that_the_text_has_in_it_is_not_said_twice() {
    for (code, message, expected) in [
        (
            "ECONNREFUSED",
            "connect ECONNREFUSED 127.0.0.1:4318",
            "connect ECONNREFUSED 127.0.0.1:4318",
        ),
        (
            "ENOSPC",
            "ENOSPC: no space left on device, write",
            "ENOSPC: no space left on device, write",
        ),
        ("ENOTFOUND", "getaddrinfo ENOTFOUND collector", "getaddrinfo ENOTFOUND collector"),
        ("ECONNRESET", "socket hang up", "ECONNRESET: socket hang up"),
        // A part of another word is not the code.
        ("EIO", "cannot write to EIOX", "EIO: cannot write to EIOX"),
        ("", "Request timed out", "Request timed out"),
        ("ECONNRESET", "", "ECONNRESET"),
    ] {
        assert_eq!(transport(code, message), expected);
    }
}

#[test]
fn each_kind_of_failure_names_its_code_once() {
    let gone = ExportFailure::pipeline(DropReason::EnvironmentGone, "no event loop was left");
    assert_eq!(gone.to_string(), "no event loop was left");
    let without_text = ExportFailure::pipeline(DropReason::EnvironmentGone, "");
    assert_eq!(without_text.to_string(), "environment_gone");
    let status = |text: &str| ExportFailure::http(503, text, None).to_string();
    assert_eq!(status("Service Unavailable"), "503: Service Unavailable");
    assert_eq!(status("503 Service Unavailable"), "503 Service Unavailable");
    assert_eq!(status(""), "503");
    let call = ExportFailure::grpc(14, "No connection established", Vec::new());
    assert_eq!(call.to_string(), "14 UNAVAILABLE: No connection established");
}
