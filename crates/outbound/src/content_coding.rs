//! Decoding of compressed response bodies (`Content-Encoding`, RFC 9110 §8.4).
//!
//! Evergrant requests no compression, but some providers and proxies compress anyway. Some declare
//! a coding that the body does not have, or do not declare the one that it has. A token response
//! exists only once, so the bytes decide and not the header: gzip and zlib begin with a signature
//! and end with a checksum. The header decides for raw deflate only, which has neither.
//!
//! The decoded body has the same size limit as a plain one, so a decompression bomb is cut off.

use std::io::Read;

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use zeroize::Zeroizing;

/// Maximum number of codings that are removed from one body.
const MAX_CODINGS: usize = 3;

/// Maximum number of members of one gzip stream.
const MAX_MEMBERS: usize = 1024;

/// The first two bytes of every gzip member (RFC 1952 §2.3.1).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Removes the codings of `body`, declared or not. A body without a known coding is returned as is,
/// whatever its header declares.
///
/// Returns `None` if the decoded body is longer than `limit` bytes, if a stream is damaged or
/// incomplete, or if there are too many codings.
pub(crate) fn decode(
    mut body: Zeroizing<Vec<u8>>,
    headers: &HeaderMap,
    limit: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut may_be_raw = declares_deflate(headers);
    for _ in 0..MAX_CODINGS {
        body = if body.starts_with(GZIP_MAGIC) {
            gunzip(&body, limit)?
        } else if let Some(inner) = inflate(&body, limit) {
            inner
        } else if may_be_raw && !is_text(&body) {
            may_be_raw = false;
            read_to_limit(DeflateDecoder::new(body.as_slice()), limit)?
        } else {
            return Some(body);
        };
    }
    (!body.starts_with(GZIP_MAGIC)).then_some(body)
}

/// Returns whether `Content-Encoding` lists `deflate`. That is the zlib format, and some servers
/// send the raw format instead.
fn declares_deflate(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    values.any(|value| {
        let mut names = value.as_bytes().split(|byte| *byte == b',');
        names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"deflate"))
    })
}

/// Decodes a gzip stream, which may have several members (RFC 1952 §2.2). Bytes behind the last one
/// are ignored, as other decoders do.
fn gunzip(mut stream: &[u8], limit: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(Vec::new());
    for _ in 0..MAX_MEMBERS {
        let mut member = GzDecoder::new(stream);
        let plain = read_to_limit(&mut member, limit - body.len())?;
        body.extend_from_slice(&plain);
        stream = member.into_inner();
        if !stream.starts_with(GZIP_MAGIC) {
            return Some(body);
        }
    }
    None
}

/// Decodes the zlib format (RFC 1950); `None` for anything else.
fn inflate(body: &[u8], limit: usize) -> Option<Zeroizing<Vec<u8>>> {
    let is_zlib = matches!(body, [method, flags, ..]
        if method & 0x0f == 8 && (u16::from(*method) * 256 + u16::from(*flags)) % 31 == 0);
    is_zlib.then(|| read_to_limit(ZlibDecoder::new(body), limit))?
}

/// Returns whether a body has no control characters. Compressed data nearly always has some.
fn is_text(body: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    // Some servers send the NUL byte that ends a string in memory.
    !body.iter().any(|byte| *byte != 0 && is_control(byte))
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

    fn zlib(plain: &[u8]) -> Vec<u8> {
        all(ZlibEncoder::new(plain, Compression::fast()))
    }

    fn raw_deflate(plain: &[u8]) -> Vec<u8> {
        all(DeflateEncoder::new(plain, Compression::fast()))
    }

    /// Decodes a body with this `Content-Encoding`; `""` stands for no header.
    fn decoded(body: &[u8], coding: &str, limit: usize) -> Option<Vec<u8>> {
        let header = (CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
        let headers = Some(header).filter(|_| !coding.is_empty());
        let body = Zeroizing::new(body.to_vec());
        decode(body, &headers.into_iter().collect(), limit).map(|body| body.to_vec())
    }

    #[test]
    fn declared_codings_are_removed() {
        for (body, coding) in [
            (gzip(TEXT), "gzip"),
            (gzip(TEXT), "X-GZip"),
            (zlib(TEXT), "deflate"),
            (raw_deflate(TEXT), "Deflate"),
            (gzip(&gzip(TEXT)), "gzip, gzip"),
            (raw_deflate(&gzip(TEXT)), "gzip, deflate"),
            (gzip(&raw_deflate(TEXT)), "deflate,gzip"),
            (gzip(&gzip(&gzip(TEXT))), "gzip, gzip, gzip"),
            (gzip(TEXT), "identity, gzip"),
            (TEXT.to_vec(), "identity"),
        ] {
            let found = decoded(&body, coding, 64);
            assert_eq!(found.as_deref(), Some(TEXT), "{coding}");
        }
    }

    #[test]
    fn undeclared_and_wrongly_declared_codings_are_removed() {
        for coding in ["", "br", "utf-8", "gzip", "deflate", "none", "gzip, br"] {
            for body in [gzip(TEXT), zlib(TEXT), TEXT.to_vec()] {
                let found = decoded(&body, coding, 64);
                assert_eq!(found.as_deref(), Some(TEXT), "{coding}");
            }
        }
    }

    #[test]
    fn body_without_a_known_coding_is_returned_as_is() {
        for coding in ["", "gzip", "deflate", "gzip, deflate", "br", "\u{e9}"] {
            for body in [
                b"".as_slice(),
                b"{\"a\":\"\xe9\"}\r\n\0",
                b"x^=1",
                b"{\"a\":\"<p>\"}",
            ] {
                let found = decoded(body, coding, 64);
                assert_eq!(found.as_deref(), Some(body), "{coding} {body:?}");
            }
        }
        let brotli = [0x8b, 0x02, 0x80, b'{', b'}', 0x03];
        assert_eq!(decoded(&brotli, "br", 64).as_deref(), Some(&brotli[..]));
    }

    #[test]
    fn gzip_stream_may_have_several_members_and_padding() {
        let (first, second) = TEXT.split_at(7);
        let members = [gzip(first), gzip(b""), gzip(second)].concat();
        let padded = [members.as_slice(), &[0; 5]].concat();
        for stream in [&members, &padded] {
            assert_eq!(decoded(stream, "gzip", 64).as_deref(), Some(TEXT));
        }
        assert_eq!(decoded(&members[..members.len() - 1], "gzip", 64), None);
        assert_eq!(decoded(&members, "gzip", TEXT.len() - 1), None);
        assert!(decoded(&members, "gzip", TEXT.len()).is_some());
        let many = |count| decoded(&gzip(b"").repeat(count), "gzip", 64);
        assert!(many(MAX_MEMBERS).is_some());
        assert!(many(MAX_MEMBERS + 1).is_none());
    }

    #[test]
    fn damaged_or_incomplete_body_and_excess_of_codings_are_rejected() {
        let whole = gzip(TEXT);
        let mut damaged = whole.clone();
        damaged[12] ^= 0xff;
        let four_times = gzip(&gzip(&gzip(&whole)));
        for coding in ["gzip", ""] {
            assert_eq!(decoded(&whole[..whole.len() - 1], coding, 64), None);
            assert_eq!(decoded(&damaged, coding, 64), None);
            assert_eq!(decoded(&four_times, coding, 256), None);
        }
        assert_eq!(decoded(&[0xff, 0x02, 0x01], "deflate", 64), None);
    }

    #[test]
    fn decompression_bomb_is_cut_off_at_the_limit() {
        let limit = 64 * 1024;
        let large = vec![b' '; 64 * limit];
        let bomb = gzip(&large);
        assert!(bomb.len() < limit / 8, "{}", bomb.len());
        assert_eq!(decoded(&bomb, "gzip", limit), None);
        assert_eq!(decoded(&gzip(&bomb), "", limit), None);
        assert_eq!(decoded(&raw_deflate(&large), "deflate", limit), None);
        let zlib = zlib(&large);
        assert_eq!(decoded(&zlib, "deflate", limit), None);
        assert_eq!(decoded(&zlib, "", limit).as_ref(), Some(&zlib));
        assert!(decoded(&gzip(&vec![b' '; limit]), "gzip", limit).is_some());
    }
}
