//! Parsing of request bodies, paths and queries: strict, bounded, and without repeating a sent
//! value in an error.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use evergrant_model::ErrorCode;
use evergrant_service::ServiceError;
use http::{HeaderMap, header};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::integers::without_zero_fraction;
use crate::problem::ApiError;

/// The largest request body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// The deepest nesting of arrays and objects in a body.
const MAX_NESTING: usize = 32;

/// A JSON body. An empty body is read as `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let json = is_json(request.headers());
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !json {
            let detail = "Send the body as JSON, with Content-Type: application/json.";
            return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
        }
        parse(&bytes).map(Self)
    }
}

/// Reads the body.
///
/// # Errors
///
/// `PAYLOAD_TOO_LARGE` if it is larger than 64 KiB or the connection ended early.
pub(crate) async fn read(request: Request) -> Result<Vec<u8>, ApiError> {
    match to_bytes(request.into_body(), MAX_BODY_BYTES).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(too_large()),
    }
}

pub(crate) fn too_large() -> ApiError {
    ApiError::new(
        ErrorCode::PayloadTooLarge,
        "The body is larger than 64 KiB or incomplete.",
    )
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    has_media_type(headers, "application/json")
}

pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    has_media_type(headers, "application/x-www-form-urlencoded")
}

fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = sent.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case(expected)
}

/// Parses a JSON object.
///
/// # Errors
///
/// `INVALID_REQUEST` if the bytes are not JSON or are nested too deeply; `VALIDATION_ERROR` naming
/// the first field that does not fit `T`.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if nesting(bytes) > MAX_NESTING {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "The body is nested more than 32 levels deep.",
        ));
    }
    // The syntax of the whole text is checked first: deserializing into `T` stops at the first
    // field that does not fit.
    let text = str::from_utf8(bytes).map_err(|_| not_json())?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| not_json())?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ServiceError::field("body", "must be a JSON object").into());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| field_error(&error))
}

/// Returns the largest number of brackets that are open at once, outside of strings.
fn nesting(json: &[u8]) -> usize {
    let (mut open, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => open += 1,
            b']' | b'}' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

fn not_json() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        "The body is not well-formed JSON.",
    )
}

/// Returns an error that names the field. Serde's message only determines the kind of fault; it is
/// not passed on because it repeats the value.
fn field_error(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if !error.inner().is_data() {
        return not_json();
    }
    let text = error.inner().to_string();
    let path = error.path().to_string();
    let quoted = text.split('`').nth(1);
    let named = quoted.filter(|name| is_field_name(name));
    let (field, message) = match (text.split_whitespace().next(), named) {
        (Some("unknown"), Some(name)) => (path_beside(&path, name), "unknown field"),
        // The name is not repeated: it may be a secret that was sent in the wrong place.
        (Some("unknown"), None) => (
            parent_of(&path, quoted.unwrap_or_default()),
            "contains an unknown field",
        ),
        (Some("missing"), Some(name)) => (path_below(&path, name), "is required"),
        (Some("duplicate"), Some(name)) => (path_below(&path, name), "must be given only once"),
        _ => (path, "has the wrong type"),
    };
    ServiceError::field(&field, message).into()
}

fn is_field_name(name: &str) -> bool {
    name.len() <= 64
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Returns the path of an unknown field. Serde reports the path of the field itself or of the
/// object that contains it.
fn path_beside(path: &str, name: &str) -> String {
    let parent = path
        .strip_suffix(name)
        .map_or(path, |parent| parent.trim_end_matches('.'));
    path_below(parent, name)
}

/// Returns the path of the object that contains the field `name`; `.` is the body.
fn parent_of(path: &str, name: &str) -> String {
    let parent = path.strip_suffix(name).unwrap_or_default();
    match parent.trim_end_matches('.') {
        "" => ".".to_owned(),
        parent => parent.to_owned(),
    }
}

fn path_below(path: &str, name: &str) -> String {
    if path.is_empty() || path == "." || path == "?" {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The parameters of the path, percent-decoded.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(path)) => Ok(Self(path)),
            Err(_) => Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "The URL is malformed.",
            )),
        }
    }
}

/// The parameters of a query string or a urlencoded form.
pub(crate) struct QueryOf(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryOf {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self::parse(
            parts.uri.query().unwrap_or_default().as_bytes(),
        ))
    }
}

impl QueryOf {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// Returns the parameter; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` if it is given more than once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(ServiceError::field(name, "must be given only once").into()),
        }
    }

    /// Returns the parameter if it is given once and is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.one(name)
            .ok()
            .flatten()
            .filter(|text| !text.is_empty())
    }

    /// Returns every value of this name in the order sent.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Returns whether the parameter is present.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Returns a whole number from 0 to `max`. Default: 0.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` if it is anything else or is given more than once.
    pub(crate) fn number(&self, name: &str, max: i64) -> Result<i64, ApiError> {
        let Some(text) = self.one(name)? else {
            return Ok(0);
        };
        let digits = without_zero_fraction(text);
        let is_decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits
            .parse()
            .ok()
            .filter(|number| is_decimal && *number <= max);
        number.ok_or_else(|| {
            ServiceError::field(name, format!("must be a whole number from 0 to {max}")).into()
        })
    }

    /// Returns `true` or `false`. Default: false.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` if it is anything else or is given more than once.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ServiceError::field(name, "must be true or false").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "tests read only the errors")]
        redirect_url: String,
        #[expect(dead_code, reason = "tests read only the errors")]
        accounts: Option<Vec<Inner>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "tests read only the errors")]
        provider: String,
    }

    fn fault(body: &str) -> (String, String) {
        let error = parse::<Sample>(body.as_bytes()).unwrap_err().0;
        let first = error.field_faults().first().cloned();
        first.map_or_else(
            || (error.code().to_string(), String::new()),
            |fault| (fault.field, fault.message),
        )
    }

    fn pair(field: &str, message: &str) -> (String, String) {
        (field.to_owned(), message.to_owned())
    }

    #[test]
    fn error_names_the_field() {
        assert_eq!(fault("{}"), pair("redirectUrl", "is required"));
        assert_eq!(
            fault(r#"{"redirectUrl":7}"#),
            pair("redirectUrl", "has the wrong type")
        );
        assert_eq!(
            fault(r#"{"redirectUrl":"a","hush":1}"#),
            pair("hush", "unknown field")
        );
        assert_eq!(
            fault(r#"{"redirectUrl":"a","redirectUrl":"b"}"#),
            pair("redirectUrl", "must be given only once")
        );
        let nested = r#"{"redirectUrl":"a","accounts":[{"provider":"x"},{"provider":"y","z":1}]}"#;
        assert_eq!(fault(nested), pair("accounts[1].z", "unknown field"));
        let untyped = r#"{"redirectUrl":"a","accounts":[{"provider":null}]}"#;
        assert_eq!(
            fault(untyped),
            pair("accounts[0].provider", "has the wrong type")
        );
    }

    #[test]
    fn only_an_object_is_accepted() {
        for list in ["[]", r#"["a",null]"#, r#" ["a"]"#, "null", "\"a\""] {
            assert_eq!(fault(list), pair("body", "must be a JSON object"), "{list}");
        }
    }

    #[test]
    fn error_does_not_repeat_the_value() {
        let error = parse::<Sample>(br#"{"redirectUrl":["hush"]}"#)
            .unwrap_err()
            .0;
        assert!(!format!("{error:?}").contains("hush"));
    }

    #[test]
    fn text_that_is_not_json_is_an_invalid_request() {
        for bad in ["", "{", "nonsense", r#"{"redirectUrl":"a"} {}"#, "\u{0}"] {
            assert_eq!(fault(bad), pair("INVALID_REQUEST", ""), "{bad:?}");
        }
    }

    #[test]
    fn nesting_is_limited_to_32_levels() {
        let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(parse::<serde_json::Value>(deep(32).as_bytes()).is_ok());
        assert!(parse::<serde_json::Value>(deep(33).as_bytes()).is_err());
        assert_eq!(nesting(br#"[{"a\"[[[":"]]\\"},{}]"#), 2);
    }

    #[test]
    fn repeated_parameter_is_rejected() {
        let query = QueryOf::parse(b"a=1&b=2&a=3&n=12&t=true&x=-1");
        assert!(query.one("a").is_err());
        assert_eq!(query.one("b").unwrap(), Some("2"));
        assert_eq!(query.number("n", 100).unwrap(), 12);
        assert!(query.number("n", 11).is_err());
        assert!(query.number("x", 11).is_err());
        assert!(query.flag("t").unwrap() && query.flag("n").is_err());
    }
}
