//! An answer as a caller sees it, and what must be true of every one.

use std::fmt;

use axum::body::{Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

/// The headers that a snapshot shows, where they are there.
const SHOWN: [&str; 6] = [
    "content-type",
    "cache-control",
    "allow",
    "retry-after",
    "www-authenticate",
    "location",
];

/// Fields that differ from run to run, or that no file may hold.
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

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let is_stream = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        // A stream has no end to wait for.
        let body = if is_stream {
            Bytes::new()
        } else {
            to_bytes(body, 16 << 20).await.unwrap()
        };
        let answer = Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        answer.check();
        answer
    }

    /// What every answer owes its caller, whatever it says.
    fn check(&self) {
        let id = self
            .header("x-request-id")
            .unwrap_or_else(|| panic!("an answer without an id: {self}"));
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
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("/errors#{code}"), "{self}");
        assert!(
            problem["title"].is_string() && problem["retryable"].is_boolean(),
            "{self}"
        );
        assert_eq!(problem["detail"].is_null(), self.status == 500, "{self}");
        assert_eq!(
            problem["fields"].is_array(),
            code == "VALIDATION_ERROR",
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

    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {}", self.body))
            .to_owned()
    }

    pub(crate) fn code(&self) -> String {
        self.text("code")
    }

    /// The status and the code of a problem.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.code())
    }

    pub(crate) fn is_page(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// The page without its head.
    pub(crate) fn content(&self) -> &str {
        self.body
            .split_once("<body>")
            .unwrap_or_else(|| panic!("no page: {self}"))
            .1
    }

    /// What a hidden field of the page's form holds.
    pub(crate) fn field(&self, name: &str) -> &str {
        let start = format!(r#"<input type="hidden" name="{name}" value=""#);
        let (_, rest) = self
            .body
            .split_once(&start)
            .unwrap_or_else(|| panic!("no field {name}: {self}"));
        rest.split('"').next().unwrap()
    }

    /// The boxes of this name, and which are ticked.
    pub(crate) fn ticks(&self, name: &str) -> Vec<(String, bool)> {
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

    /// What every page with a form owes its reader: nothing but our pictures and style sheet, no
    /// frame around it, and a form that goes to us and from there to the app alone. No
    /// `Cross-Origin-Opener-Policy`, which would lose the app's popup.
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

    /// Where the browser is sent.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("no Location: {self}"))
    }

    /// A parameter of the address where the browser is sent.
    pub(crate) fn returned(&self, name: &str) -> Option<String> {
        parameter(self.location(), name)
    }

    /// Everything that left the building, to be searched.
    pub(crate) fn whole(&self) -> String {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        format!("{}\n{}\n\n{}", self.status, headers.join("\n"), self.body)
    }

    /// The same without what tells two equal refusals apart by design.
    pub(crate) fn anonymous(&self) -> String {
        let id = self.header("x-request-id").unwrap();
        self.whole().replace(id, "[id]")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in SHOWN {
            if let Some(value) = self.header(name) {
                writeln!(
                    f,
                    "{name}: {}",
                    if name == "location" {
                        redacted_address(value)
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

/// A parameter of an address.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let address = url::Url::parse(address).unwrap();
    address
        .query_pairs()
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

fn redacted_address(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address) else {
        return address.to_owned();
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
