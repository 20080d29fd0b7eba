//! Decoding of compressed response bodies (`Content-Encoding`, RFC 9110 §8.4).
//!
//! Evergrant requests no compression, but some providers and proxies compress anyway. The decoded
//! body has the same size limit as a plain one, so a decompression bomb is cut off.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use zeroize::Zeroizing;

/// Maximum number of codings that are applied to one body.
const MAX_CODINGS: usize = 3;

/// The first two bytes of every gzip stream (RFC 1952).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// A coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

/// Decodes `body` by the `Content-Encoding` of its response. A body that is not encoded as declared
/// is returned as is.
///
/// Returns `None` if the decoded body is longer than `limit` bytes, is damaged or incomplete, or
/// has an unsupported coding.
pub(crate) fn decode(
    mut body: Zeroizing<Vec<u8>>,
    headers: &HeaderMap,
    limit: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    for coding in codings(headers)?.into_iter().rev() {
        body = match coding {
            Coding::Gzip if body.starts_with(GZIP_MAGIC) => {
                read_to_limit(GzDecoder::new(body.as_slice()), limit)?
            }
            Coding::Deflate if !looks_like_text(&body) => inflate(&body, limit)?,
            Coding::Gzip | Coding::Deflate => body,
        };
    }
    Some(body)
}

/// Returns the declared codings in the order in which they were applied; `None` if one is not
/// supported or there are too many.
fn codings(headers: &HeaderMap) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.to_str().ok()?.split(',') {
            match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "deflate" => codings.push(Coding::Deflate),
                _ => return None,
            }
        }
    }
    (codings.len() <= MAX_CODINGS).then_some(codings)
}

/// Decodes `deflate`, which is the zlib format. Some servers send the raw format instead.
fn inflate(body: &[u8], limit: usize) -> Option<Zeroizing<Vec<u8>>> {
    read_to_limit(ZlibDecoder::new(body), limit)
        .or_else(|| read_to_limit(DeflateDecoder::new(body), limit))
}

/// Returns whether a body is empty or begins like JSON, HTML or a form, and not like compressed
/// data.
fn looks_like_text(body: &[u8]) -> bool {
    let start = body.get(..2).unwrap_or(body);
    // 0x78 is `x` and the first byte of most zlib streams, so the second byte must be text too.
    start
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
        && !is_zlib_header(start)
}

/// Returns whether two bytes are the header of a zlib stream (RFC 1950 §2.2).
fn is_zlib_header(start: &[u8]) -> bool {
    matches!(start, [method, flags]
        if method & 0x0f == 8 && (u16::from(*method) * 256 + u16::from(*flags)) % 31 == 0)
}

/// Reads a decoder to its end; `None` if it fails or yields more than `limit` bytes.
fn read_to_limit(decoder: impl Read, limit: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(Vec::new());
    let at_most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(at_most).read_to_end(&mut body).ok()?;
    (body.len() <= limit).then_some(body)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    const TEXT: &[u8] = br#"{"access_token":"a"}"#;

    fn all(mut encoder: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        encoder.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        all(GzEncoder::new(plain, Compression::best()))
    }

    fn decoded(body: &[u8], coding: &str, limit: usize) -> Option<Vec<u8>> {
        let headers = [(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap())];
        let body = Zeroizing::new(body.to_vec());
        decode(body, &headers.into_iter().collect(), limit).map(|body| body.to_vec())
    }

    #[test]
    fn every_supported_coding_is_decoded() {
        let zlib = all(ZlibEncoder::new(TEXT, Compression::fast()));
        let raw = all(DeflateEncoder::new(TEXT, Compression::fast()));
        for (body, coding) in [
            (gzip(TEXT), "gzip"),
            (gzip(TEXT), "X-GZip"),
            (zlib, "deflate"),
            (raw, "deflate"),
            (gzip(&gzip(TEXT)), "gzip, gzip"),
            (gzip(TEXT), "identity, gzip"),
            (TEXT.to_vec(), "identity"),
        ] {
            assert_eq!(
                decoded(&body, coding, 64).as_deref(),
                Some(TEXT),
                "{coding}"
            );
        }
    }

    #[test]
    fn body_that_is_not_encoded_as_declared_is_returned_as_is() {
        for coding in ["gzip", "deflate", "gzip, deflate"] {
            assert_eq!(decoded(TEXT, coding, 64).as_deref(), Some(TEXT), "{coding}");
            assert_eq!(
                decoded(b"", coding, 64).as_deref(),
                Some(&b""[..]),
                "{coding}"
            );
        }
    }

    #[test]
    fn damaged_incomplete_or_unsupported_body_is_rejected() {
        let whole = gzip(TEXT);
        let mut damaged = whole.clone();
        damaged[12] ^= 0xff;
        let too_many = "gzip, gzip, gzip, gzip";
        assert_eq!(decoded(&whole[..whole.len() - 1], "gzip", 64), None);
        assert_eq!(decoded(&damaged, "gzip", 64), None);
        assert_eq!(decoded(&whole, "br", 64), None);
        assert_eq!(decoded(&whole, too_many, 64), None);
    }

    #[test]
    fn decompression_bomb_is_cut_off_at_the_limit() {
        let limit = 64 * 1024;
        let bomb = gzip(&vec![b' '; 64 * limit]);
        assert!(bomb.len() < limit / 8, "{}", bomb.len());
        assert_eq!(decoded(&bomb, "gzip", limit), None);
        assert_eq!(decoded(&gzip(&bomb), "gzip, gzip", limit), None);
        assert!(decoded(&gzip(&vec![b' '; limit]), "gzip", limit).is_some());
    }
}
