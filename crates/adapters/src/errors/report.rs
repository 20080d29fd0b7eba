//! The statements of an error response: its codes and its messages.

use evergrant_model::log_excerpt;
use evergrant_outbound::Response;
use serde_json::{Map, Value};

use super::dead_grant::{Evidence, in_code, in_text};
use super::rate_limit;
use crate::oauth2::json::Document;

/// Names of members that hold codes.
const CODE_MEMBERS: &[&str] = &[
    "code",
    "err",
    "errcode",
    "error",
    "error_code",
    "error_reason",
    "error_type",
    "errorcode",
    "errortype",
    "reason",
    "status",
    "subcode",
    "type",
];
/// Names of members that hold messages, in the order in which they are preferred.
const MESSAGE_MEMBERS: &[&str] = &[
    "error_description",
    "error_message",
    "errormessage",
    "message",
    "description",
    "detail",
    "error_detail",
    "error_uri_description",
    "errmsg",
    "msg",
    "faultstring",
    "title",
    "error",
    "errors",
];
/// The rank of a plain text body, which is not logged: it may be anything.
const PLAIN: usize = usize::MAX;
/// Deepest nesting that is read.
const MAX_DEPTH: usize = 5;
/// Maximum number of codes, and of messages.
const MAX_STATEMENTS: usize = 16;
/// Longest plain text that counts as a message, in bytes.
const MAX_PLAIN_BYTES: usize = 500;

/// The statements of an error response.
#[derive(Default)]
pub(super) struct Report {
    /// Codes, in no particular order.
    pub(super) codes: Vec<String>,
    /// Messages with the rank of the member that holds each.
    messages: Vec<(usize, String)>,
}

impl Report {
    /// Collects the statements of a response, and its error `code`. A web page makes none, and
    /// neither does a document that contradicts itself.
    pub(super) fn of(response: &Response, document: Option<&Document>, code: Option<&str>) -> Self {
        let mut report = Self::default();
        report.codes.extend(code.map(str::to_owned));
        match document {
            Some(document) if document.contradicts_itself() => {}
            Some(document) => report.add("", document.value(), 0),
            None if response.is_html() || response.body.len() > MAX_PLAIN_BYTES => {}
            None => {
                let text = String::from_utf8_lossy(&response.body).into_owned();
                report.codes.push(text.clone());
                report.messages.push((PLAIN, text));
            }
        }
        report
    }

    fn add(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::Object(members) => {
                self.add_named_fault(members);
                for (name, value) in members {
                    self.add(name, value, depth + 1);
                }
            }
            // The items of a list have the meaning of the list.
            Value::Array(items) => {
                for item in items.iter().take(MAX_STATEMENTS) {
                    self.add(name, item, depth + 1);
                }
            }
            Value::String(text) => self.add_text(&name.to_ascii_lowercase(), text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Adds a code that only has a meaning together with the field it is about: `{"field":
    /// "refresh_token", "code": "invalid"}`.
    fn add_named_fault(&mut self, members: &Map<String, Value>) {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if let Some((field, code)) = text("field").or(text("param")).zip(text("code")) {
            self.add_code(format!("{field} {code}"));
        }
    }

    fn add_text(&mut self, name: &str, text: &str) {
        if CODE_MEMBERS.contains(&name) || name == "errors" {
            self.add_code(text.to_owned());
        }
        if let Some(rank) = MESSAGE_MEMBERS.iter().position(|known| *known == name)
            && self.messages.len() < MAX_STATEMENTS
        {
            self.messages.push((rank, text.to_owned()));
        }
    }

    fn add_code(&mut self, code: String) {
        if self.codes.len() < MAX_STATEMENTS {
            self.codes.push(code);
        }
    }

    /// Returns what the codes say about the token or grant.
    pub(super) fn evidence_in_codes(&self) -> Option<Evidence> {
        self.codes.iter().filter_map(|code| in_code(code)).max()
    }

    /// Returns what the messages say about the token or grant. Words are weaker than codes.
    pub(super) fn evidence_in_messages(&self) -> Option<Evidence> {
        let said = self.messages.iter().any(|(_, text)| in_text(text));
        said.then_some(Evidence::Indirect)
    }

    /// Returns whether a code or message says that a rate limit is reached.
    pub(super) fn names_rate_limit(&self) -> bool {
        let messages = self.messages.iter().map(|(_, text)| text);
        self.codes
            .iter()
            .chain(messages)
            .any(|text| rate_limit::is_named_in(text))
    }

    /// Returns the provider's message in a form that is safe to log; `None` if there is none.
    pub(super) fn excerpt(&self, secrets: &[&str]) -> Option<String> {
        let in_document = self.messages.iter().filter(|(rank, _)| *rank != PLAIN);
        let (_, text) = in_document.min_by_key(|(rank, _)| rank)?;
        Some(log_excerpt(text, secrets)).filter(|excerpt| !excerpt.is_empty())
    }
}
