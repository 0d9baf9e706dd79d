//! Body compression and its way back.
//! It refuses to choose: which encoding an endpoint gets is the dispatcher's decision.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{Compression as Level, read::GzDecoder, write::GzEncoder};

use crate::sink::ContentEncoding;

/// Node's default, so that sizes match the stock exporter's.
const GZIP_LEVEL: u32 = 6;

/// Compresses a body.
pub(crate) fn compress(encoding: ContentEncoding, body: Vec<u8>) -> io::Result<Bytes> {
    match encoding {
        ContentEncoding::Identity => Ok(body.into()),
        ContentEncoding::Gzip => {
            let guess = (body.len() / 4).max(256);
            let mut encoder = GzEncoder::new(Vec::with_capacity(guess), Level::new(GZIP_LEVEL));
            encoder.write_all(&body)?;
            Ok(encoder.finish()?.into())
        }
        ContentEncoding::Zstd => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}

/// Restores a body of `encoded_bytes` bytes, to split it or to compress it in another way.
pub(crate) fn restore(
    encoding: ContentEncoding,
    body: &Bytes,
    encoded_bytes: u64,
) -> io::Result<Vec<u8>> {
    match encoding {
        ContentEncoding::Identity => Ok(body.to_vec()),
        ContentEncoding::Gzip => {
            let mut restored =
                Vec::with_capacity(usize::try_from(encoded_bytes).unwrap_or_default());
            GzDecoder::new(body.as_ref()).read_to_end(&mut restored)?;
            Ok(restored)
        }
        ContentEncoding::Zstd => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}
