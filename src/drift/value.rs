//! JSON values in an arena, as V8 would have them: members in enumeration order, one per key, text already escaped.
//! It refuses to parse or print.

/// Containers may be nested so deep. V8 throws from about 2,400 levels on.
pub const MAX_DEPTH: usize = 10_000;

/// A string in the escaped form that `JSON.stringify` gives it, without quotes: equal strings have equal bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text16<'a> {
    /// UTF-8; lone surrogates are `\udxxx` escapes.
    pub json: &'a [u8],
    /// Whether there is a backslash in it; without one the bytes are the string itself.
    pub escaped: bool,
}

/// A number with its ECMAScript text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number<'a> {
    /// Finite, printed as these ASCII digits.
    Finite(&'a [u8]),
    /// Printed as `0`, negative in protobuf.
    NegativeZero,
    /// Printed as `null`.
    Infinite {
        /// Below zero.
        negative: bool,
    },
}

/// A JavaScript value of those that recorded data can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// Any number
    Number(Number<'a>),
    /// A string
    Text(Text16<'a>),
    /// An array
    Array(&'a [Value<'a>]),
    /// An object
    Object(&'a Object<'a>),
    /// A method that a merge read from a prototype: has a schema, is never printed.
    Function,
}

/// An object.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Object<'a> {
    /// Own members in enumeration order: integer-like keys ascending, then the others as first written.
    pub members: &'a [Member<'a>],
    /// Members that the canonical text shows, in its order; `None` where that is all of them as they are.
    pub sorted: Option<&'a [u32]>,
}

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member<'a> {
    /// Key.
    pub key: Text16<'a>,
    /// Value.
    pub value: Value<'a>,
}
