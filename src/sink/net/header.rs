//! Names and values of headers: owns what Node would send, and its words for what it would not.
//! It refuses to know what they mean.

use hyper::header::{HeaderName, HeaderValue};

use super::unsendable;
use crate::sink::SendError;

/// A name as Node takes it.
pub(in crate::sink) fn name(text: &str) -> Result<HeaderName, SendError> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| {
        let message = format!("Header name must be a valid HTTP token [\"{text}\"]");
        unsendable("ERR_INVALID_HTTP_TOKEN", message)
    })
}

/// A value as Node writes it: Latin-1, tabs allowed, no other control characters.
pub(in crate::sink) fn value(name: &str, text: &str) -> Result<HeaderValue, SendError> {
    let refused = || {
        unsendable("ERR_INVALID_CHAR", format!("Invalid character in header content [\"{name}\"]"))
    };
    let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let mut value = HeaderValue::from_bytes(&latin1.ok_or_else(refused)?).map_err(|_| refused())?;
    // Keys travel in headers: keep them out of every Debug print.
    value.set_sensitive(true);
    Ok(value)
}

/// More than a map of headers has room for.
pub(in crate::sink) fn too_many() -> SendError {
    unsendable("ERR_INVALID_ARG_VALUE", "too many headers")
}
