//! A response as a caller receives it, and the checks that every response must pass.

use std::fmt;

use axum::body::{Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

/// Headers that a snapshot includes if they are present.
const SHOWN: [&str; 6] = [
    "content-type",
    "cache-control",
    "allow",
    "retry-after",
    "www-authenticate",
    "location",
];

/// All members that a problem document may have.
const PROBLEM_MEMBERS: [&str; 12] = [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "retryable",
    "correlationId",
    "retryAfterSeconds",
    "fields",
    "accounts",
    "flowId",
    "receipt",
];

/// Fields whose values a snapshot redacts: secrets, and values that differ between runs.
const REDACTED: [&str; 9] = [
    "correlationId",
    "state",
    "authUrl",
    "flowId",
    "token",
    "accessToken",
    "receipt",
    "avatar_url",
    "avatarUrl",
];

/// A response with its body read.
#[derive(Debug, Clone)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl TestResponse {
    /// Reads the body and runs the checks that every response must pass.
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let is_stream = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        // An event stream does not end, so its body is not read.
        let body = if is_stream {
            Bytes::new()
        } else {
            to_bytes(body, 16 << 20).await.unwrap()
        };
        let response = Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        response.check();
        response
    }

    /// Asserts what holds for every response: a request id, security headers, printable header
    /// values and, for an error, a problem document.
    fn check(&self) {
        let id = self
            .header("x-request-id")
            .unwrap_or_else(|| panic!("no x-request-id: {self}"));
        assert!(!id.is_empty() && id.len() <= 64, "{id}");
        assert_eq!(
            self.header("x-content-type-options"),
            Some("nosniff"),
            "{self}"
        );
        assert_eq!(
            self.header("referrer-policy"),
            Some("no-referrer"),
            "{self}"
        );
        assert!(self.header("cache-control").is_some(), "{self}");
        for value in self.headers.values() {
            assert!(
                value
                    .as_bytes()
                    .iter()
                    .all(|byte| (0x20..0x7f).contains(byte)),
                "{value:?}"
            );
        }
        if (self.status.is_client_error() || self.status.is_server_error())
            && !self.is_page()
            && !self.body.is_empty()
        {
            self.check_problem(id);
        }
    }

    fn check_problem(&self, id: &str) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self}"
        );
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self}");
        let problem = self.json();
        assert_eq!(problem["status"], u16::from(self.status), "{self}");
        assert_eq!(problem["correlationId"], id, "{self}");
        let members = problem.as_object().unwrap().keys();
        let unknown: Vec<_> = members
            .filter(|name| !PROBLEM_MEMBERS.contains(&name.as_str()))
            .collect();
        assert!(unknown.is_empty(), "unknown members {unknown:?}: {self}");
        let code = problem["code"].as_str().unwrap();
        let title = code.to_lowercase().replace('_', " ");
        let title = title[..1].to_uppercase() + &title[1..];
        assert_eq!(problem["title"], title, "{self}");
        assert_eq!(problem["type"], format!("/errors#{code}"), "{self}");
        assert!(problem["retryable"].is_boolean(), "{self}");
        self.check_problem_headers(&problem);
    }

    /// Asserts that `detail`, `fields` and the headers fit the problem's status and code.
    fn check_problem_headers(&self, problem: &Value) {
        assert_eq!(problem["detail"].is_null(), self.status == 500, "{self}");
        assert_eq!(
            problem["fields"].is_array(),
            problem["code"] == "VALIDATION_ERROR",
            "{self}"
        );
        assert_eq!(
            problem["retryAfterSeconds"]
                .as_i64()
                .map(|wait| wait.to_string())
                .as_deref(),
            self.header("retry-after"),
            "{self}"
        );
        assert_eq!(
            self.header("www-authenticate"),
            (self.status == 401).then_some("Bearer"),
            "{self}"
        );
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    /// Returns a text member of the JSON body.
    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {}", self.body))
            .to_owned()
    }

    pub(crate) fn code(&self) -> String {
        self.text("code")
    }

    /// Returns status and code of a problem document, such as `404 NOT_FOUND`.
    pub(crate) fn problem(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.code())
    }

    /// Returns the parts of a problem document that differ between errors of the same code, one a
    /// line. [`Self::check_problem`] has verified the rest of the document.
    pub(crate) fn problem_summary(&self) -> String {
        let problem = self.json();
        let mut lines = vec![
            self.problem(),
            format!("retryable: {}", problem["retryable"]),
        ];
        if let Some(seconds) = self.header("retry-after") {
            lines.push(format!("retry-after: {seconds}"));
        }
        if let Some(detail) = problem["detail"].as_str() {
            lines.push(format!("detail: {detail}"));
        }
        for field in problem["fields"].as_array().into_iter().flatten() {
            let [name, message] = ["field", "message"].map(|key| field[key].as_str().unwrap());
            lines.push(format!("{name}: {message}"));
        }
        lines.join("\n")
    }

    pub(crate) fn is_page(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// Returns the HTML page without its head.
    pub(crate) fn content(&self) -> &str {
        self.body
            .split_once("<body>")
            .unwrap_or_else(|| panic!("no page: {self}"))
            .1
    }

    /// Returns the value of a hidden field in the page's form.
    pub(crate) fn field(&self, name: &str) -> &str {
        let start = format!(r#"<input type="hidden" name="{name}" value=""#);
        let (_, rest) = self
            .body
            .split_once(&start)
            .unwrap_or_else(|| panic!("no field {name}: {self}"));
        rest.split('"').next().unwrap()
    }

    /// Returns the value of each checkbox of this name and whether it is checked.
    pub(crate) fn checkboxes(&self, name: &str) -> Vec<(String, bool)> {
        let start = format!(r#"<input type="checkbox" name="{name}" value=""#);
        let boxes = self.body.split(&start).skip(1).map(|rest| {
            let tag = rest.split('>').next().unwrap();
            (
                tag.split('"').next().unwrap().to_owned(),
                tag.contains(" checked"),
            )
        });
        boxes.collect()
    }

    /// Asserts the policy of every page with a form: it loads only Evergrant's images and style
    /// sheet, cannot be framed, and its form may only lead to Evergrant and from there to the app.
    /// `Cross-Origin-Opener-Policy` is absent because it would disconnect the app's pop-up.
    pub(crate) fn check_form_policy(&self) {
        let policy = self.header("content-security-policy").unwrap();
        let (first, rest) = policy.split_once("; style-src 'sha256-").unwrap();
        assert_eq!(first, "default-src 'none'");
        let (_, rest) = rest.split_once("'; ").unwrap();
        assert_eq!(
            rest,
            "img-src 'self'; base-uri 'none'; form-action 'self' https://app.example; frame-ancestors 'none'"
        );
        assert_eq!(
            (
                self.header("cache-control"),
                self.header("cross-origin-opener-policy")
            ),
            (Some("no-store"), None)
        );
        assert!(
            !self.body.contains("<script") && !self.body.contains("style=\""),
            "{self}"
        );
    }

    /// Returns the redirect URL.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("no Location: {self}"))
    }

    /// Returns a query parameter of the redirect URL.
    pub(crate) fn query_param(&self, name: &str) -> Option<String> {
        parameter(self.location(), name)
    }

    /// Returns status, headers and body without redaction.
    pub(crate) fn full_text(&self) -> String {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        format!("{}\n{}\n\n{}", self.status, headers.join("\n"), self.body)
    }

    /// Returns [`Self::full_text`] with the request id replaced, to compare two responses.
    pub(crate) fn without_request_id(&self) -> String {
        let id = self.header("x-request-id").unwrap();
        self.full_text().replace(id, "[id]")
    }
}

impl fmt::Display for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in SHOWN {
            if let Some(value) = self.header(name) {
                writeln!(
                    f,
                    "{name}: {}",
                    if name == "location" {
                        redacted_url(value)
                    } else {
                        value.to_owned()
                    }
                )?;
            }
        }
        match serde_json::from_str(&self.body) {
            Ok(mut json) => {
                redact(&mut json);
                write!(f, "\n{json:#}")
            }
            Err(_) => write!(f, "\n{}", self.body),
        }
    }
}

/// Returns a query parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if value.is_string() && REDACTED.contains(&name.as_str()) {
                    *value = Value::String(format!("[{name}]"));
                }
                redact(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

fn redacted_url(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return text.to_owned();
    };
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(pairs.into_iter().map(|(name, value)| {
            let value = if REDACTED.contains(&name.as_str()) {
                format!("[{name}]")
            } else {
                value
            };
            (name, value)
        }));
    percent_encoding::percent_decode_str(url.as_str())
        .decode_utf8_lossy()
        .into_owned()
}
