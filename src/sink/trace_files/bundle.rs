//! Lines of several traces in one body: the text, then a table of who owns what, then the table's length.
//! It refuses to guess: a body that does not add up is none.

use std::ops::Range;

/// Hexadecimal digits of a trace id.
const ID_BYTES: usize = 32;
/// A trace id and how many bytes of the text are its own.
const ENTRY_BYTES: usize = ID_BYTES + 8;

/// Whether `id` is 32 lower-case hexadecimal digits: nothing else may become part of a path (R83, F76).
pub fn is_trace_id(id: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    id.len() == ID_BYTES && id.iter().all(is_digit)
}

/// Makes a body of `text`, whose parts belong to `traces`, in order and without gaps. `None` if they do not.
pub fn bundle<'a>(
    mut text: Vec<u8>,
    traces: impl Iterator<Item = (&'a str, Range<usize>)>,
) -> Option<Vec<u8>> {
    let end = text.len();
    let mut at = 0;
    let mut count: u64 = 0;
    for (id, Range { start, end }) in traces {
        if start != at || end < start || id.len() != ID_BYTES {
            return None;
        }
        text.extend_from_slice(id.as_bytes());
        text.extend_from_slice(&((end - start) as u64).to_le_bytes());
        at = end;
        count += 1;
    }
    text.extend_from_slice(&count.to_le_bytes());
    (at == end).then_some(text)
}

/// The traces of a body with their lines.
pub(super) fn unbundle(body: &[u8]) -> Option<Vec<(&[u8; ID_BYTES], &[u8])>> {
    let (rest, count) = body.split_last_chunk::<8>()?;
    let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    let table_at = rest.len().checked_sub(count.checked_mul(ENTRY_BYTES)?)?;
    let (mut text, table) = rest.split_at_checked(table_at)?;
    let mut traces = Vec::with_capacity(count);
    for entry in table.chunks_exact(ENTRY_BYTES) {
        let (id, length) = entry.split_first_chunk::<ID_BYTES>()?;
        let length = usize::try_from(u64::from_le_bytes(*length.first_chunk()?)).ok()?;
        let (lines, others) = text.split_at_checked(length)?;
        traces.push((id, lines));
        text = others;
    }
    text.is_empty().then_some(traces)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef0123456789abcdef";
    const B: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn what_was_bundled_comes_back() {
        let body = bundle(b"a1\na2\nb1\n".to_vec(), [(A, 0..6), (B, 6..9)].into_iter()).unwrap();
        let traces = unbundle(&body).unwrap();
        let shown: Vec<(&[u8], &[u8])> =
            traces.into_iter().map(|(id, lines)| (id.as_slice(), lines)).collect();
        assert_eq!(shown, [(A.as_bytes(), &b"a1\na2\n"[..]), (B.as_bytes(), &b"b1\n"[..])]);
        assert_eq!(unbundle(&bundle(Vec::new(), [].into_iter()).unwrap()).unwrap(), []);
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        assert_eq!(bundle(b"a\nb\n".to_vec(), std::iter::once((A, 0..2))), None);
        assert_eq!(bundle(b"a\nb\n".to_vec(), std::iter::once((A, 1..4))), None);
        assert_eq!(bundle(b"a\n".to_vec(), std::iter::once(("../../x", 0..2))), None);
        let body = bundle(b"a\n".to_vec(), std::iter::once((A, 0..2))).unwrap();
        for cut in 0..body.len() {
            assert_eq!(unbundle(&body[cut + 1..]), None, "without the first {} bytes", cut + 1);
        }
        assert_eq!(unbundle(&[0xff; 64]), None);
    }

    #[test]
    fn r83_f76_only_lower_case_hexadecimal_digits_are_a_trace_id() {
        assert!(is_trace_id(A.as_bytes()));
        for id in
            ["", "../../x", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde"]
        {
            assert!(!is_trace_id(id.as_bytes()), "{id}");
        }
        assert!(!is_trace_id(b"0123456789abcdef/123456789abcdef"));
        assert!(!is_trace_id(b"0123456789abcdef\x00123456789abcdef"));
    }
}
