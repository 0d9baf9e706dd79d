//! `google.rpc.RetryInfo` inside a `google.rpc.Status`, the content of `grpc-status-details-bin`.
//! It refuses to read any other detail.

use std::time::Duration;

use crate::otlp::fields::{Field, Fields};

/// The type of the detail; the host before it is anybody's.
const TYPE: &[u8] = b"/google.rpc.RetryInfo";

/// The wait of the first RetryInfo in `status`: zero if it names none, or one in the past. `None` if there is no RetryInfo.
pub(in crate::sink) fn retry_delay(status: &[u8]) -> Option<Duration> {
    let mut fields = Fields(status);
    while let Some(Some(field)) = fields.next() {
        // Status { int32 code = 1; string message = 2; repeated Any details = 3; }
        if let Field::Bytes(3, any) = field
            && let Some(info) = retry_info(any)
        {
            return Some(delay(info).unwrap_or_default());
        }
    }
    None
}

/// Any { string type_url = 1; bytes value = 2; }
fn retry_info(any: &[u8]) -> Option<&[u8]> {
    let (mut is_it, mut value) = (false, &[][..]);
    let mut fields = Fields(any);
    while let Some(field) = fields.next()? {
        match field {
            Field::Bytes(1, url) => is_it = url.ends_with(TYPE),
            Field::Bytes(2, bytes) => value = bytes,
            _ => {}
        }
    }
    is_it.then_some(value)
}

/// RetryInfo { Duration retry_delay = 1; }, Duration { int64 seconds = 1; int32 nanos = 2; }
fn delay(info: &[u8]) -> Option<Duration> {
    let mut found = None;
    let mut fields = Fields(info);
    while let Some(field) = fields.next()? {
        if let Field::Bytes(1, duration) = field {
            found = Some(duration);
        }
    }
    let (mut seconds, mut nanos) = (0, 0);
    let mut fields = Fields(found?);
    while let Some(field) = fields.next()? {
        match field {
            Field::Varint(1, value) => seconds = value as i64,
            Field::Varint(2, value) => nanos = value as i64,
            _ => {}
        }
    }
    let nanos = u32::try_from(nanos).ok().filter(|&nanos| nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn status(url: &str, duration: &[u8]) -> Vec<u8> {
        let info = field(1, duration);
        let any = [field(1, url.as_bytes()), field(2, &info)].concat();
        [vec![8, 14], field(2, b"later"), field(3, &any)].concat()
    }

    const URL: &str = "type.googleapis.com/google.rpc.RetryInfo";

    #[test]
    fn the_delay_is_found_whatever_stands_around_it() {
        assert_eq!(retry_delay(&status(URL, &[8, 3])), Some(Duration::from_secs(3)));
        let nanos = [16, 0x80, 0xca, 0xb5, 0xee, 0x01];
        assert_eq!(retry_delay(&status(URL, &nanos)), Some(Duration::from_millis(500)));
        assert_eq!(retry_delay(&status(URL, &[])), Some(Duration::ZERO));
        let other = field(3, &field(1, b"x/google.rpc.ErrorInfo"));
        let both = [other.clone(), status(URL, &[8, 9]), status(URL, &[8, 1])].concat();
        assert_eq!(retry_delay(&both), Some(Duration::from_secs(9)), "the first one counts");
        assert_eq!(retry_delay(&other), None);
        let bare = field(3, &field(1, URL.as_bytes()));
        assert_eq!(retry_delay(&bare), Some(Duration::ZERO), "it asks for no certain time");
    }

    #[test]
    fn what_is_no_status_and_no_duration_asks_for_nothing() {
        assert_eq!(retry_delay(b""), None);
        assert_eq!(retry_delay(b"<html>"), None);
        let whole = status(URL, &[8, 3]);
        for end in 0..whole.len() {
            assert_eq!(retry_delay(&whole[..end]), None, "{end}");
        }
        let negative = [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(retry_delay(&status(URL, &negative)), Some(Duration::ZERO));
        let too_many_nanos = [16, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(retry_delay(&status(URL, &too_many_nanos)), Some(Duration::ZERO));
    }
}
