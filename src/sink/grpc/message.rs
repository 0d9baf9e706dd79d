//! Messages on the wire: owns the five bytes in front of one, and reading one from an answer within its bound.
//! It refuses to know what is in a message.

use bytes::{Buf, Bytes, BytesMut, buf::Chain};
use libdeflater::{DecompressionError, Decompressor};

use super::status;
use crate::sink::{CallEnd, ContentEncoding};

/// A message and the bytes in front of it, neither of them copied.
pub(super) type Framed = Chain<Bytes, Bytes>;

/// Compressed or not, and the length.
const PREFIX_BYTES: usize = 5;

/// Puts the prefix in front of `message`.
pub(super) fn framed(message: Bytes, encoding: ContentEncoding) -> Framed {
    let flag = u8::from(encoding != ContentEncoding::Identity);
    let [a, b, c, d] = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    Bytes::copy_from_slice(&[flag, a, b, c, d]).chain(message)
}

/// How the message of an answer is compressed, as its `grpc-encoding` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Coding {
    #[default]
    Identity,
    Gzip,
    Deflate,
    Other(String),
}

impl Coding {
    /// Of the header's text.
    pub fn named(name: &str) -> Coding {
        match name {
            "" | "identity" => Coding::Identity,
            "gzip" => Coding::Gzip,
            "deflate" => Coding::Deflate,
            other => Coding::Other(other.to_owned()),
        }
    }
}

/// Why an answer has no message that could be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It goes over the bound; the text says by how much.
    TooLarge(String),
    /// It is no message, worded as a status.
    Wrong(CallEnd),
}

/// Reads the one message of an answer.
#[derive(Debug)]
pub(super) struct MessageReader {
    bytes: BytesMut,
    max: usize,
}

impl MessageReader {
    /// `max`: bytes of the message, after decompression too.
    pub fn new(max: usize) -> MessageReader {
        MessageReader { bytes: BytesMut::new(), max }
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        // Looked at before it is kept: what lies behind the message is not.
        let missing = PREFIX_BYTES.saturating_sub(self.bytes.len());
        let (prefix, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.bytes.extend_from_slice(prefix);
        let Some(length) = self.length() else { return Ok(()) };
        if length > self.max {
            let text = format!("Received message larger than max ({length} vs {})", self.max);
            return Err(Unreadable::TooLarge(text));
        }
        if self.bytes.len() + rest.len() > PREFIX_BYTES + length {
            let end = CallEnd::new(status::UNIMPLEMENTED, "Too many responses received");
            return Err(Unreadable::Wrong(end));
        }
        self.bytes.extend_from_slice(rest);
        Ok(())
    }

    fn length(&self) -> Option<usize> {
        match self.bytes.get(1..PREFIX_BYTES) {
            Some(&[a, b, c, d]) => Some(u32::from_be_bytes([a, b, c, d]) as usize),
            _ => None,
        }
    }

    /// The message, decompressed; `None` if none has come.
    pub fn finish(mut self, coding: &Coding) -> Result<Option<Bytes>, Unreadable> {
        let Some(length) = self.length() else { return Ok(None) };
        if self.bytes.len() < PREFIX_BYTES + length {
            return Ok(None);
        }
        let is_compressed = self.bytes.first() == Some(&1);
        self.bytes.advance(PREFIX_BYTES);
        let message = self.bytes.freeze();
        match coding {
            _ if !is_compressed => Ok(Some(message)),
            Coding::Gzip => decompressed(&message, self.max, "gzip", |decompressor, to| {
                decompressor.gzip_decompress(&message, to)
            }),
            Coding::Deflate => decompressed(&message, self.max, "deflate", |decompressor, to| {
                decompressor.zlib_decompress(&message, to)
            }),
            // As grpc-js has it: the flag alone says nothing.
            Coding::Identity => Ok(Some(message)),
            Coding::Other(name) => {
                let text =
                    format!("Received message compressed with unsupported encoding \"{name}\"");
                Err(Unreadable::Wrong(CallEnd::new(status::UNIMPLEMENTED, text)))
            }
        }
    }
}

/// The decompressor wants all the room at once, and what the message says of its size may be a lie: the room doubles.
fn decompressed(
    message: &[u8],
    max: usize,
    name: &str,
    decompress: impl Fn(&mut Decompressor, &mut [u8]) -> Result<usize, DecompressionError>,
) -> Result<Option<Bytes>, Unreadable> {
    let mut room = (message.len() * 4).clamp(1024, max.max(1024));
    let mut decompressor = Decompressor::new();
    loop {
        let mut out = vec![0; room];
        match decompress(&mut decompressor, &mut out) {
            Ok(length) if length <= max => {
                out.truncate(length);
                return Ok(Some(out.into()));
            }
            Err(DecompressionError::InsufficientSpace) if room < max => room = (room * 2).min(max),
            Ok(_) | Err(DecompressionError::InsufficientSpace) => {
                let text =
                    format!("Received message that decompresses to a size larger than {max}");
                return Err(Unreadable::TooLarge(text));
            }
            Err(DecompressionError::BadData) => {
                let text = format!("Failed to decompress {name}-encoded message");
                return Err(Unreadable::Wrong(CallEnd::new(status::INTERNAL, text)));
            }
        }
    }
}
