//! JSON values in an arena, as V8 would have them: members in enumeration order, one per key, text already escaped.
//! It refuses to parse or print.

/// Containers may be nested so deep. V8 throws from about 2,400 levels on.
pub const MAX_DEPTH: usize = 10_000;

/// A string as `JSON.stringify` prints it. Equal strings have equal bytes, whatever their source looked like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// UTF-8 between two quotation marks; lone surrogates are `\udxxx` escapes.
    pub json: &'a [u8],
    /// Whether there is a backslash in it; without one the bytes between the quotes are the string itself.
    pub escaped: bool,
}

impl<'a> Quoted<'a> {
    /// The empty string.
    pub const EMPTY: Quoted<'static> = Quoted { json: b"\"\"", escaped: false };

    /// A string that needs no escapes, quotes included.
    pub const fn plain(json: &'a [u8]) -> Self {
        Quoted { json, escaped: false }
    }

    /// What stands between the quotes.
    pub fn inner(&self) -> &'a [u8] {
        match self.json {
            [b'"', inner @ .., b'"'] => inner,
            _ => &[],
        }
    }
}

/// A JavaScript value of those that recorded data can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A finite number as ECMAScript prints it, in ASCII.
    Number(&'a [u8]),
    /// Printed as `0`, negative in protobuf.
    NegativeZero,
    /// Printed as `null`.
    Infinite {
        /// Below zero.
        negative: bool,
    },
    /// A string
    Text(Quoted<'a>),
    /// An array
    Array(&'a [Value<'a>]),
    /// An object
    Object(&'a Object<'a>),
    /// A method that a merge read from a prototype: it has a schema and is never printed.
    Function,
}

impl Value<'_> {
    /// As `if (value)` decides.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null | Value::NegativeZero => false,
            Value::Bool(value) => *value,
            Value::Number(digits) => *digits != b"0",
            Value::Text(text) => !text.inner().is_empty(),
            Value::Infinite { .. } | Value::Array(_) | Value::Object(_) | Value::Function => true,
        }
    }

    /// As `value === n` decides, for a small whole number.
    pub fn is_number(&self, digits: &[u8]) -> bool {
        matches!(self, Value::Number(own) if *own == digits)
    }

    /// The number it is. `None` for everything that is not a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(digits) => std::str::from_utf8(digits).ok()?.parse().ok(),
            Value::NegativeZero => Some(-0.0),
            Value::Infinite { negative: true } => Some(f64::NEG_INFINITY),
            Value::Infinite { negative: false } => Some(f64::INFINITY),
            _ => None,
        }
    }
}

/// An object.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Object<'a> {
    /// Own members in enumeration order: integer-like keys ascending, then the others as first written.
    pub members: &'a [Member<'a>],
    /// Members that the canonical text shows, in its order; `None` where that is all of them as they are.
    pub sorted: Option<&'a [u32]>,
}

impl<'a> Object<'a> {
    /// The own member with that key, quotes included and escaped as `JSON.stringify` does.
    pub fn get(&self, key: &[u8]) -> Option<Value<'a>> {
        self.members.iter().find(|member| member.key.json == key).map(|member| member.value)
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member<'a> {
    /// Key.
    pub key: Quoted<'a>,
    /// Value.
    pub value: Value<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_small() {
        assert_eq!((size_of::<Value>(), size_of::<Member>()), (24, 48));
    }
}
