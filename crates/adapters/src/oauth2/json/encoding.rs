//! Decodes the bytes of a response to text.

use zeroize::Zeroizing;

/// Decodes UTF-8, or UTF-16 that begins with a byte order mark or a brace. The mark is dropped;
/// invalid bytes become U+FFFD.
pub(super) fn decode(body: &[u8]) -> Zeroizing<String> {
    let units = |to_unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units = bytes.chunks(2).map(|pair| match pair {
            [first, second] => to_unit([*first, *second]),
            _ => 0xd800,
        });
        let decoded = char::decode_utf16(units);
        decoded
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    Zeroizing::new(match body {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
        [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
        [0, b'{', ..] => units(u16::from_be_bytes, body),
        [b'{', 0, ..] => units(u16::from_le_bytes, body),
        _ => String::from_utf8_lossy(body).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_mark_selects_the_encoding_and_is_dropped() {
        for body in [
            b"a\xc3\xa9".as_slice(),
            b"\xef\xbb\xbfa\xc3\xa9",
            b"\xfe\xff\0a\0\xe9",
            b"\xff\xfea\0\xe9\0",
        ] {
            assert_eq!(decode(body).as_str(), "a\u{e9}", "{body:?}");
        }
    }

    #[test]
    fn object_in_utf_16_needs_no_byte_order_mark() {
        assert_eq!(decode(b"{\0}\0").as_str(), "{}");
        assert_eq!(decode(b"\0{\0}").as_str(), "{}");
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        assert_eq!(decode(b"a\xffb").as_str(), "a\u{fffd}b");
        assert_eq!(decode(b"\xff\xfea\0b").as_str(), "a\u{fffd}");
        assert_eq!(decode(b"\xfe\xff\xd8\x3d").as_str(), "\u{fffd}");
    }
}
