//! Reading what callers send: strictly, bounded, and without ever repeating a value in a complaint.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use evergrant_model::ErrorCode;
use evergrant_service::ServiceError;
use http::{HeaderMap, header};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::problem::ApiError;

/// The largest body that any route takes.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;

/// The most brackets that may be open at once in a body.
const DEEPEST_NESTING: usize = 32;

/// A JSON body; none at all counts as `{}`.
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

/// The whole body, if it is not too large.
pub(crate) async fn read(request: Request) -> Result<Vec<u8>, ApiError> {
    match to_bytes(request.into_body(), LARGEST_BODY).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(ApiError::new(
            ErrorCode::PayloadTooLarge,
            "The body is larger than 64 KiB, or was cut off.",
        )),
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    has_media_type(headers, "application/json")
}

pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    has_media_type(headers, "application/x-www-form-urlencoded")
}

fn has_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = sent.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case(wanted)
}

/// JSON of this shape.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if nesting(bytes) > DEEPEST_NESTING {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "The body is nested too deeply.",
        ));
    }
    // Well-formed or not is settled for the whole text first, whatever a shape makes of its parts.
    let text = str::from_utf8(bytes).map_err(|_| not_json())?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| not_json())?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ServiceError::field("body", "must be a JSON object").into());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| complaint(&error))
}

/// How many brackets are open at once, at most, outside of strings.
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

/// Names the field; serde's own message is used only to tell the kind of fault, since it repeats
/// the value.
fn complaint(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if !error.inner().is_data() {
        return not_json();
    }
    let text = error.inner().to_string();
    let path = error.path().to_string();
    let named = text.split('`').nth(1).filter(|name| is_field_name(name));
    let (field, message) = match (text.split_whitespace().next(), named) {
        (Some("unknown"), Some(name)) => (beside(&path, name), "is not known here"),
        (Some("unknown"), None) => (path, "holds something that is not known here"),
        (Some("missing"), Some(name)) => (below(&path, name), "is required"),
        (Some("duplicate"), Some(name)) => (below(&path, name), "is given twice"),
        _ => (path, "is not of the expected type"),
    };
    ServiceError::field(&field, message).into()
}

fn is_field_name(name: &str) -> bool {
    name.len() <= 64
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The path of an unknown field ends in the field itself, or in the place that holds it.
fn beside(path: &str, name: &str) -> String {
    let holder = path
        .strip_suffix(name)
        .map_or(path, |holder| holder.trim_end_matches('.'));
    below(holder, name)
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() || path == "." || path == "?" {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The parts of a path, decoded.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(path)) => Ok(Self(path)),
            Err(_) => Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "The address is not well-formed.",
            )),
        }
    }
}

/// The parameters after the question mark; each may be given once.
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

    /// The parameter of this name.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` where it is given more than once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(ServiceError::field(name, "is given twice").into()),
        }
    }

    /// The parameter of this name where it is given once, with something in it.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.one(name)
            .ok()
            .flatten()
            .filter(|text| !text.is_empty())
    }

    /// Every value of this name, in the order in which they were given.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Whether the parameter is given at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A whole number from 0 to `largest`; 0 where it is not given.
    pub(crate) fn number(&self, name: &str, largest: i64) -> Result<i64, ApiError> {
        let Some(text) = self.one(name)? else {
            return Ok(0);
        };
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = text
            .parse()
            .ok()
            .filter(|number| plain && *number <= largest);
        number.ok_or_else(|| {
            ServiceError::field(name, format!("must be a whole number from 0 to {largest}")).into()
        })
    }

    /// `true` or `false`; false where it is not given.
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
        #[expect(dead_code, reason = "only its faults matter here")]
        redirect_url: String,
        #[expect(dead_code, reason = "only its faults matter here")]
        accounts: Option<Vec<Inner>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its faults matter here")]
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
    fn a_fault_names_its_field() {
        assert_eq!(fault("{}"), pair("redirectUrl", "is required"));
        assert_eq!(
            fault(r#"{"redirectUrl":7}"#),
            pair("redirectUrl", "is not of the expected type")
        );
        assert_eq!(
            fault(r#"{"redirectUrl":"a","hush":1}"#),
            pair("hush", "is not known here")
        );
        assert_eq!(
            fault(r#"{"redirectUrl":"a","redirectUrl":"b"}"#),
            pair("redirectUrl", "is given twice")
        );
        let nested = r#"{"redirectUrl":"a","accounts":[{"provider":"x"},{"provider":"y","z":1}]}"#;
        assert_eq!(fault(nested), pair("accounts[1].z", "is not known here"));
        let untyped = r#"{"redirectUrl":"a","accounts":[{"provider":null}]}"#;
        assert_eq!(
            fault(untyped),
            pair("accounts[0].provider", "is not of the expected type")
        );
    }

    #[test]
    fn a_list_does_not_pass_for_an_object() {
        for list in ["[]", r#"["a",null]"#, r#" ["a"]"#, "null", "\"a\""] {
            assert_eq!(fault(list), pair("body", "must be a JSON object"), "{list}");
        }
    }

    #[test]
    fn a_fault_never_repeats_a_value() {
        let error = parse::<Sample>(br#"{"redirectUrl":["hush"]}"#)
            .unwrap_err()
            .0;
        assert!(!format!("{error:?}").contains("hush"));
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for bad in ["", "{", "nonsense", r#"{"redirectUrl":"a"} {}"#, "\u{0}"] {
            assert_eq!(fault(bad), pair("INVALID_REQUEST", ""), "{bad:?}");
        }
    }

    #[test]
    fn brackets_nest_32_deep_and_no_deeper() {
        let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(parse::<serde_json::Value>(deep(32).as_bytes()).is_ok());
        assert!(parse::<serde_json::Value>(deep(33).as_bytes()).is_err());
        assert_eq!(nesting(br#"[{"a\"[[[":"]]\\"},{}]"#), 2);
    }

    #[test]
    fn a_parameter_is_given_once() {
        let query = QueryOf::parse(b"a=1&b=2&a=3&n=12&t=true&x=-1");
        assert!(query.one("a").is_err());
        assert_eq!(query.one("b").unwrap(), Some("2"));
        assert_eq!(query.number("n", 100).unwrap(), 12);
        assert!(query.number("n", 11).is_err());
        assert!(query.number("x", 11).is_err());
        assert!(query.flag("t").unwrap() && query.flag("n").is_err());
    }
}
