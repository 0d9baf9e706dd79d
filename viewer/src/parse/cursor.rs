//! Steps over the text of a JSON document, front to back. Owns the grammar; whatever it is not sure of, it refuses, and
//! the whole document is read by another parser then.

use simd_json::{Node, StaticNode};

/// Values inside values that are stepped over. What is deeper is left to the other parser.
const DEEPEST: usize = 32;
/// Digits of a number that always fits.
const MOST_DIGITS: usize = 18;
/// Up to here every integer is a number of its own as `f64`.
const EXACT_INTEGERS: u64 = 1 << f64::MANTISSA_DIGITS;
/// Powers of ten that are exact as `f64`, by their exponents.
const EXACT_POWERS: [f64; MOST_DIGITS] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
];

pub(super) struct Cursor<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Cursor<'l> {
    pub fn new(text: &'l str) -> Cursor<'l> {
        Cursor { text, at: 0 }
    }

    /// Where the next byte stands.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What has been stepped over since `start`.
    #[inline]
    pub fn since(&self, start: usize) -> &'l [u8] {
        self.text.as_bytes().get(start..self.at).unwrap_or_default()
    }

    #[inline]
    fn rest(&self) -> &'l [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte behind blanks, which is not stepped over.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if byte > b' ' {
                return Some(byte);
            }
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return None;
            }
            self.at += 1;
        }
    }

    /// Steps over blanks and `byte`, if it is there.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    pub fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Steps over exactly these bytes, if they are there. They end with ASCII.
    #[inline]
    pub fn eat_all(&mut self, bytes: &[u8]) -> bool {
        let is_there = self.rest().starts_with(bytes);
        if is_there {
            self.at += bytes.len();
        }
        is_there
    }

    /// Steps over exactly these bytes but the last, if all are there.
    #[inline]
    pub fn eat_up_to_last(&mut self, bytes: &[u8]) -> bool {
        let is_there = self.rest().starts_with(bytes);
        if is_there {
            self.at += bytes.len() - usize::from(!bytes.is_empty());
        }
        is_there
    }

    /// What has been stepped over since `start`, with the byte behind it.
    #[inline]
    pub fn since_with_next(&self, start: usize) -> &'l [u8] {
        self.text.as_bytes().get(start..self.at + 1).unwrap_or_default()
    }

    /// Whether there is nothing left.
    pub fn is_at_end(&mut self) -> bool {
        self.peek().is_none() && self.at == self.text.len()
    }

    /// The name of a member, without any escape in it, and the colon.
    pub fn key(&mut self) -> Option<&'l str> {
        self.expect(b'"')?;
        let key = self.plain()?;
        (self.next_byte()? == b'"').then_some(())?;
        self.expect(b':')?;
        Some(key)
    }

    /// A text, whose escapes are resolved in `scratch`.
    #[inline]
    pub fn string<'s>(&mut self, scratch: &'s mut String) -> Option<&'s str>
    where
        'l: 's,
    {
        self.expect(b'"')?;
        self.string_end(scratch)
    }

    /// What is left of a text behind its first quote.
    #[inline]
    pub fn string_end<'s>(&mut self, scratch: &'s mut String) -> Option<&'s str>
    where
        'l: 's,
    {
        let plain = self.plain()?;
        match self.next_byte()? {
            b'"' => Some(plain),
            b'\\' => self.escaped_end(plain, scratch).map(|()| scratch.as_str()),
            _ => None,
        }
    }

    /// What is left of a text behind its first backslash; `plain` is what it has in front of that.
    #[cold]
    fn escaped_end(&mut self, plain: &str, scratch: &mut String) -> Option<()> {
        scratch.clear();
        scratch.push_str(plain);
        loop {
            scratch.push(self.escape()?);
            scratch.push_str(self.plain()?);
            match self.next_byte()? {
                b'"' => return Some(()),
                b'\\' => {}
                _ => return None,
            }
        }
    }

    /// What stands in front of the next quote, backslash or control character.
    #[inline]
    fn plain(&mut self) -> Option<&'l str> {
        let end = self.at + plain_bytes(self.rest());
        let text = self.text.get(self.at..end)?;
        self.at = end;
        Some(text)
    }

    #[inline]
    fn next_byte(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// The character behind a backslash. Halves of surrogate pairs are refused.
    fn escape(&mut self) -> Option<char> {
        let byte = self.next_byte()?;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.four_digits()?;
                if !(0xd800..0xe000).contains(&first) {
                    return char::from_u32(first);
                }
                let second = self.eat_all(b"\\u").then(|| self.four_digits())??;
                let is_pair = first < 0xdc00 && (0xdc00..0xe000).contains(&second);
                let code = 0x1_0000 + ((first & 0x3ff) << 10 | second & 0x3ff);
                return is_pair.then(|| char::from_u32(code))?;
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
        u32::from_str_radix(digits, 16).ok()
    }

    /// A text, a number, `true`, `false` or `null`.
    #[inline]
    pub fn scalar<'s>(&mut self, scratch: &'s mut String) -> Option<Node<'s>>
    where
        'l: 's,
    {
        let word = match self.peek()? {
            b'"' => return self.string(scratch).map(Node::String),
            b't' => (&b"true"[..], StaticNode::Bool(true)),
            b'f' => (&b"false"[..], StaticNode::Bool(false)),
            b'n' => (&b"null"[..], StaticNode::Null),
            _ => return self.number().map(Node::Static),
        };
        self.eat_all(word.0).then_some(Node::Static(word.1))
    }

    #[inline]
    fn number(&mut self) -> Option<StaticNode> {
        let rest = self.rest();
        let is_negative = rest.first() == Some(&b'-');
        let start = usize::from(is_negative);
        let has_zero = rest.get(start) == Some(&b'0');
        let (number, digits) = decimal(rest.get(start..)?, 0);
        if digits == 0 || has_zero && digits > 1 {
            return None;
        }
        let end = start + digits;
        match rest.get(end) {
            Some(b'.') => {
                let (mantissa, places) = decimal(rest.get(end + 1..)?, number);
                let end = end + 1 + places;
                let has_exponent = matches!(rest.get(end), Some(b'e' | b'E'));
                let power = EXACT_POWERS.get(places).filter(|_| mantissa <= EXACT_INTEGERS);
                match power {
                    // Both are exact, so the quotient is the number that is nearest.
                    Some(power)
                        if places > 0 && digits + places <= MOST_DIGITS && !has_exponent =>
                    {
                        self.at += end;
                        let number = mantissa as f64 / power;
                        Some(StaticNode::F64(if is_negative { -number } else { number }))
                    }
                    _ => self.odd_number(),
                }
            }
            Some(b'e' | b'E') => self.odd_number(),
            _ if is_negative && (has_zero || digits > MOST_DIGITS) || digits > MOST_DIGITS + 1 => {
                None
            }
            _ => {
                self.at += end;
                Some(match is_negative {
                    true => StaticNode::I64(-(number as i64)),
                    false => StaticNode::U64(number),
                })
            }
        }
    }

    /// A number with an exponent or many digits.
    #[cold]
    fn odd_number(&mut self) -> Option<StaticNode> {
        let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let bytes = self.rest().iter().take_while(is_part).count();
        let text = self.text.get(self.at..self.at + bytes)?;
        // The standard library takes these, and JSON does not.
        if text.contains(".e") || text.contains(".E") || text.ends_with('.') {
            return None;
        }
        self.at += bytes;
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(StaticNode::F64)
    }

    /// A text of 19 decimal digits, which nanoseconds since the epoch have, and no blanks in front.
    #[inline]
    pub fn quoted_digits(&mut self) -> Option<u64> {
        let (text, _) = self.rest().split_first_chunk::<21>()?;
        let [b'"', digits @ .., b'"'] = text else { return None };
        let (first, rest) = digits.split_first_chunk::<8>()?;
        let (second, rest) = rest.split_first_chunk::<8>()?;
        let mut number = eight_digits(*first)? * 100_000_000 + eight_digits(*second)?;
        for byte in rest {
            number = number * 10 + u64::from(byte.is_ascii_digit().then_some(byte - b'0')?);
        }
        self.at += text.len();
        Some(number)
    }

    /// Steps over a value of any kind.
    pub fn skip(&mut self, scratch: &mut String) -> Option<()> {
        self.skip_deeper(scratch, 0)
    }

    fn skip_deeper(&mut self, scratch: &mut String, depth: usize) -> Option<()> {
        let end = match self.peek()? {
            _ if depth > DEEPEST => return None,
            b'{' => b'}',
            b'[' => b']',
            _ => return self.scalar(scratch).map(|_| ()),
        };
        self.at += 1;
        if self.eat(end) {
            return Some(());
        }
        loop {
            if end == b'}' {
                self.string(scratch)?;
                self.expect(b':')?;
            }
            self.skip_deeper(scratch, depth + 1)?;
            if !self.eat(b',') {
                return self.expect(end);
            }
        }
    }
}

/// `number` with the decimal digits behind it that `bytes` begins with, and how many these are. If there are more than fit,
/// the number is another one.
#[inline]
fn decimal(bytes: &[u8], mut number: u64) -> (u64, usize) {
    for (count, byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (number, count);
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    (number, bytes.len())
}

/// The number that eight decimal digits are, all at once: pairs first, then fours, then the eight.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const ONES: u64 = u64::MAX / 0xff;
    let bytes = u64::from_le_bytes(text);
    // Digits have 3 in their upper half, and still have it with 6 more in the lower one.
    let upper = |bytes: u64| bytes & (ONES * 0xf0);
    let are_digits =
        upper(bytes) == ONES * 0x30 && upper(bytes.wrapping_add(ONES * 6)) == ONES * 0x30;
    let pairs = (bytes & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(10 * 0x100 + 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 * 0x1_0000 + 1) >> 16;
    let eight = (fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32;
    are_digits.then_some(eight)
}

/// Bytes in front of the first quote, backslash or control character.
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    let mut before = 0;
    while let Some(eight) = bytes.get(before..).and_then(<[u8]>::first_chunk) {
        let found = special_bytes(u64::from_le_bytes(*eight));
        if found != 0 {
            return before + found.trailing_zeros() as usize / 8;
        }
        before += 8;
    }
    let rest = bytes.get(before..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    before + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The highest bit of the lowest byte that is a quote, a backslash or a control character, and perhaps some above it.
#[inline]
fn special_bytes(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes;
    let quote = below(eight ^ (ONES * b'"' as u64), 1);
    let backslash = below(eight ^ (ONES * b'\\' as u64), 1);
    (quote | backslash | below(eight, 0x20)) & (ONES * 0x80)
}
