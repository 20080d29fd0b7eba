//! A minimal `multipart/form-data` parser (RFC 7578): text fields only, which is all a token
//! endpoint receives.

use axum::http::{HeaderMap, header};

use crate::engine::Form;

/// Returns the text fields of a multipart body. Empty if the content type is not multipart.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Form {
    let fields =
        boundary(headers).map(|boundary| fields(&String::from_utf8_lossy(body), &boundary));
    Form::from_pairs(fields.unwrap_or_default())
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let mut parts = kind.split(';').map(str::trim);
    parts
        .next()
        .filter(|kind| kind.eq_ignore_ascii_case("multipart/form-data"))?;
    let boundary = parts.find_map(|part| part.strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

fn fields(body: &str, boundary: &str) -> Vec<(String, String)> {
    let delimiter = format!("\r\n--{boundary}");
    let text = format!("\r\n{body}");
    text.split(&delimiter).skip(1).filter_map(field).collect()
}

/// Returns the name and text of one part, or `None` if it is malformed.
fn field(part: &str) -> Option<(String, String)> {
    let (head, text) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
    let disposition = head.lines().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let name = disposition
        .split(';')
        .find_map(|piece| piece.trim().strip_prefix("name="))?;
    Some((name.trim_matches('"').to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_fields_are_parsed_between_boundaries() {
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            "multipart/form-data; boundary=\"x-y\"".parse().unwrap(),
        )]);
        let body = "preamble\r\n--x-y\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nA=1&B\r\n--x-y\r\n\
                    content-disposition: form-data; name=\"empty\"\r\n\r\n\r\n--x-y--\r\n";
        let form = read(&headers, body.as_bytes());
        assert_eq!(
            form.pairs().collect::<Vec<_>>(),
            [("code", "A=1&B"), ("empty", "")]
        );
        assert_eq!(read(&HeaderMap::new(), body.as_bytes()).pairs().count(), 0);
    }
}
