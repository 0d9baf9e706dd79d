//! The numbers and names of gRPC's statuses, and what stands for one that did not come.
//! It refuses to judge.

use h2::Reason;

pub(crate) const OK: u32 = 0;
pub(crate) const CANCELLED: u32 = 1;
pub(crate) const UNKNOWN: u32 = 2;
pub(crate) const DEADLINE_EXCEEDED: u32 = 4;
pub(crate) const PERMISSION_DENIED: u32 = 7;
pub(crate) const RESOURCE_EXHAUSTED: u32 = 8;
pub(crate) const ABORTED: u32 = 10;
pub(crate) const OUT_OF_RANGE: u32 = 11;
pub(crate) const UNIMPLEMENTED: u32 = 12;
pub(crate) const INTERNAL: u32 = 13;
pub(crate) const UNAVAILABLE: u32 = 14;
pub(crate) const DATA_LOSS: u32 = 15;
pub(crate) const UNAUTHENTICATED: u32 = 16;

/// What an HTTP status means where no `grpc-status` came; grpc-js has the same table.
pub(in crate::sink) fn of_http(status: u16) -> u32 {
    match status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// What a stream that the peer has reset means, in the words of grpc-js.
pub(in crate::sink) fn of_reset(reason: Reason) -> (u32, String) {
    let number = u32::from(reason);
    match reason {
        Reason::NO_ERROR => (
            INTERNAL,
            format!("Received RST_STREAM with code {number} (Call ended without gRPC status)"),
        ),
        Reason::INTERNAL_ERROR => {
            (INTERNAL, format!("Received RST_STREAM with code {number} (Internal server error)"))
        }
        Reason::REFUSED_STREAM => (UNAVAILABLE, "Stream refused by server".to_owned()),
        Reason::CANCEL => (CANCELLED, "Call cancelled".to_owned()),
        Reason::ENHANCE_YOUR_CALM => {
            (RESOURCE_EXHAUSTED, "Bandwidth exhausted or memory limit exceeded".to_owned())
        }
        Reason::INADEQUATE_SECURITY => (PERMISSION_DENIED, "Protocol not secure enough".to_owned()),
        _ => (INTERNAL, format!("Received RST_STREAM with code {number}")),
    }
}

/// Whether `grpc-accept-encoding` names gzip.
pub(in crate::sink) fn lists_gzip(list: &str) -> bool {
    list.split(',').any(|name| name.trim().eq_ignore_ascii_case("gzip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_and_http_statuses_mean_what_they_mean_to_grpc_js() {
        let resets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99]
            .map(|number| of_reset(Reason::from(number)).0);
        assert_eq!(resets, [13, 13, 13, 13, 13, 13, 13, 14, 1, 13, 13, 8, 7, 13, 13]);
        let statuses = [200, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 999];
        assert_eq!(statuses.map(of_http), [2, 2, 13, 16, 7, 12, 2, 14, 2, 14, 14, 14, 2]);
    }

    #[test]
    fn gzip_is_found_in_a_list_of_encodings() {
        for (list, has) in [
            ("identity,deflate,gzip", true),
            (" GZIP ", true),
            ("identity, gzip", true),
            ("identity", false),
            ("", false),
            ("gzipped", false),
        ] {
            assert_eq!(lists_gzip(list), has, "{list}");
        }
    }
}
