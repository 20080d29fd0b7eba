//! Faults on request: what the next answers of an endpoint will be instead of the right ones.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch::Receiver;

use super::cut;

/// The longest delay, so that a typing error does not hold a connection for days.
const LONGEST_LATENCY_MS: u64 = 600_000;

/// What to do instead of answering well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Answers with the given status, headers and body; nothing happens at the platform.
    #[default]
    Respond,
    /// Does the work, then drops the connection in the middle of the answer: a rotated token is
    /// lost.
    Cut,
    /// Does the work and answers well, late.
    Latency,
    /// Does the work, and keeps the answer back until the sandbox is told to let go.
    Hold,
    /// Answers with a page of HTML, as a proxy in front of the platform would (403 unless a status
    /// is given).
    Html,
    /// Answers with an empty body (500 unless a status is given).
    Empty,
}

/// The next answers of an endpoint, forced.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The platform, such as `reddit`.
    pub platform: String,
    /// The endpoint, such as `token.refresh_token`; `*` for each of them.
    pub endpoint: String,
    /// For how many calls.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    #[serde(default)]
    pub kind: FaultKind,
    /// The status, where the kind has one; 500 unless given.
    #[serde(default)]
    pub status: Option<u16>,
    /// The body of [`FaultKind::Respond`]: a string is sent as it is, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// Headers to add, or to put in the place of ours.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Milliseconds to wait before anything else; goes with every kind.
    #[serde(default)]
    pub latency_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// One fault of this kind at the next call of `endpoint`.
    #[must_use]
    pub fn new(platform: &str, endpoint: &str, kind: FaultKind) -> Self {
        Self {
            platform: platform.to_owned(),
            endpoint: endpoint.to_owned(),
            times: 1,
            kind,
            status: None,
            body: None,
            headers: BTreeMap::new(),
            latency_ms: None,
        }
    }

    /// The same for the next `times` calls.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// The same with this body.
    #[must_use]
    pub fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same, this much later.
    #[must_use]
    pub fn latency_ms(self, latency_ms: u64) -> Self {
        Self {
            latency_ms: Some(latency_ms),
            ..self
        }
    }

    /// Why this fault cannot be played, if it cannot.
    pub(crate) fn objection(&self) -> Option<String> {
        let bad_header = |(name, value): &(&String, &String)| {
            HeaderName::try_from(name.as_str()).is_err()
                || HeaderValue::try_from(value.as_str()).is_err()
        };
        if self.times == 0 {
            return Some("times is at least 1".into());
        }
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Some("status is from 200 to 599".into());
        }
        if self.body.is_some() && self.kind != FaultKind::Respond {
            return Some("a body goes with kind \"respond\" alone".into());
        }
        if self.status.is_some()
            && matches!(
                self.kind,
                FaultKind::Cut | FaultKind::Latency | FaultKind::Hold
            )
        {
            return Some("a status goes with kinds \"respond\", \"html\" and \"empty\"".into());
        }
        if self.kind == FaultKind::Latency && self.latency_ms.is_none() {
            return Some("kind \"latency\" needs latencyMs".into());
        }
        if self.latency_ms.is_some_and(|ms| ms > LONGEST_LATENCY_MS) {
            return Some(format!("latencyMs is at most {LONGEST_LATENCY_MS}"));
        }
        self.headers
            .iter()
            .find(bad_header)
            .map(|(name, _)| format!("{name:?} and its value are not a header"))
    }

    /// Plays the fault, with or without the platform's own work.
    ///
    /// `gate` changes when whatever is held is let go.
    pub(crate) async fn play(
        self,
        mut gate: Receiver<()>,
        work: impl Future<Output = Response>,
    ) -> Response {
        if let Some(ms) = self.latency_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let response = match self.kind {
            FaultKind::Latency => work.await,
            FaultKind::Hold => {
                let response = work.await;
                // An error means that the sandbox itself is gone.
                let _ = gate.changed().await;
                response
            }
            FaultKind::Cut => cut::in_half(work.await).await,
            FaultKind::Respond => self.forced(),
            FaultKind::Html => self.answer(403, "text/html; charset=utf-8", BLOCK_PAGE.into()),
            FaultKind::Empty => with_status(Response::default(), self.status.unwrap_or(500)),
        };
        self.with_headers(response)
    }

    fn forced(&self) -> Response {
        match &self.body {
            None => with_status(Response::default(), self.status.unwrap_or(500)),
            Some(Value::String(text)) => {
                self.answer(500, "text/plain; charset=utf-8", text.clone().into())
            }
            Some(json) => self.answer(
                500,
                "application/json; charset=UTF-8",
                json.to_string().into(),
            ),
        }
    }

    fn answer(&self, usual_status: u16, content_type: &'static str, body: Bytes) -> Response {
        let mut response = with_status(
            Response::new(Body::from(body)),
            self.status.unwrap_or(usual_status),
        );
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }

    fn with_headers(&self, mut response: Response) -> Response {
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

fn with_status(mut response: Response, status: u16) -> Response {
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// What a network filter shows to programs that it does not like.
pub(crate) const BLOCK_PAGE: &str = "<!doctype html>\n<html lang=\"en\"><head><title>Blocked</title></head>\
    <body><h1>Blocked</h1><p>The sandbox plays a network filter that does not like this caller.</p></body></html>\n";

/// The faults that wait for their calls, oldest first.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The fault for this call, if one waits for it.
    pub(crate) fn take(&mut self, platform: &str, endpoint: &str) -> Option<Fault> {
        let meant = |fault: &Fault| {
            fault.platform == platform && (fault.endpoint == endpoint || fault.endpoint == "*")
        };
        let at = self.0.iter().position(meant)?;
        let waiting = self.0.get_mut(at)?;
        waiting.times -= 1;
        let fault = waiting.clone();
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }
}
