//! The two encodings of a form. Forms hold secrets, so their bodies are wiped on drop.

use evergrant_outbound::Body;
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// Returns the parameters as `application/x-www-form-urlencoded`.
pub(crate) fn urlencoded_body(params: &[(&str, &str)]) -> Body {
    let text = urlencoded(params);
    Body::Full {
        content_type: "application/x-www-form-urlencoded".to_owned(),
        bytes: Zeroizing::new(text.as_bytes().to_vec()),
    }
}

/// Returns the parameters as `multipart/form-data` (RFC 7578). The boundary is a hash of all
/// parameters, so no value can contain it.
pub(crate) fn multipart_body(params: &[(&str, &str)]) -> Body {
    let boundary = const_hex::encode(Sha256::digest(urlencoded(params).as_bytes()));
    let mut text = Zeroizing::new(String::new());
    for (name, value) in params {
        for piece in [
            "--",
            &boundary,
            "\r\nContent-Disposition: form-data; name=\"",
            name,
            "\"\r\n\r\n",
            value,
            "\r\n",
        ] {
            text.push_str(piece);
        }
    }
    text.push_str("--");
    text.push_str(&boundary);
    text.push_str("--\r\n");
    Body::Full {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes: Zeroizing::new(text.as_bytes().to_vec()),
    }
}

/// Encodes parameters for a query or a form.
pub(crate) fn urlencoded(params: &[(&str, &str)]) -> Zeroizing<String> {
    Zeroizing::new(Serializer::new(String::new()).extend_pairs(params).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(body: Body) -> (String, Vec<u8>) {
        match body {
            Body::Full {
                content_type,
                bytes,
            } => (content_type, bytes.to_vec()),
            _ => panic!("a form has a full body"),
        }
    }

    #[test]
    fn multipart_body_keeps_values_unescaped() {
        let (content_type, bytes) = parts(multipart_body(&[
            ("code", "a*!%\r\n--x"),
            ("client_secret", "s=&"),
        ]));
        let boundary = content_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(
            parts,
            [
                "",
                "\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\na*!%\r\n--x\r\n",
                "\r\nContent-Disposition: form-data; name=\"client_secret\"\r\n\r\ns=&\r\n",
                "--\r\n",
            ]
        );
    }

    #[test]
    fn urlencoded_body_follows_form_standard() {
        let (_, bytes) = parts(urlencoded_body(&[("a b", "c+d"), ("e", "é&")]));
        assert_eq!(bytes, b"a+b=c%2Bd&e=%C3%A9%26");
    }
}
