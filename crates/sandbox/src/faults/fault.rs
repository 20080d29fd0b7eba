//! Endpoint faults: they replace, delay or cut off the next responses of an endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch::Receiver;

use super::truncated_body::{truncate, without_last_chunk};

/// Longest delay in milliseconds, so that a typo does not hold a connection for days.
const MAX_LATENCY_MS: u64 = 600_000;

/// What happens instead of a regular response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Returns the given status, headers and body without processing the request.
    #[default]
    Respond,
    /// Processes the request, then drops the connection halfway through the response, so that a
    /// rotated token is lost.
    Cut,
    /// Processes the request and sends the whole response, but drops the connection before the
    /// transfer is complete.
    Unfinished,
    /// Processes the request and returns the regular response after a delay.
    Latency,
    /// Processes the request and holds the response until
    /// [`Sandbox::release`](crate::Sandbox::release).
    Hold,
    /// Returns an HTML page, as a proxy in front of the platform would. Default status: 403.
    Html,
    /// Returns an empty body. Default status: 500.
    Empty,
}

/// A fault to inject into the next calls of an endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The platform, such as `reddit`.
    pub platform: String,
    /// The endpoint, such as `token.refresh_token`; `*` matches every endpoint.
    pub endpoint: String,
    /// Number of calls to fail. Default: 1.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to these calls. Default: `respond`.
    #[serde(default)]
    pub kind: FaultKind,
    /// HTTP status for the kinds `respond`, `html` and `empty`. Default: 500, or 403 for `html`.
    #[serde(default)]
    pub status: Option<u16>,
    /// Body of [`FaultKind::Respond`]. A string is sent as plain text, any other value as JSON.
    /// Default: empty.
    #[serde(default)]
    pub body: Option<Value>,
    /// Headers to add to the response; they replace headers of the same name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Delay before the call is processed, in milliseconds, for any kind. Required for `latency`.
    #[serde(default)]
    pub latency_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Creates a fault for the next call of `endpoint`.
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

    /// Sets the number of calls to fail.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// Sets the response body.
    #[must_use]
    pub fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the delay in milliseconds.
    #[must_use]
    pub fn latency_ms(self, latency_ms: u64) -> Self {
        Self {
            latency_ms: Some(latency_ms),
            ..self
        }
    }

    /// Checks the fault.
    ///
    /// # Errors
    ///
    /// The problem, as a sentence for the author of the call.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.times == 0 {
            return Err("times must be at least 1".into());
        }
        self.validate_response()?;
        if self.kind == FaultKind::Latency && self.latency_ms.is_none() {
            return Err("kind \"latency\" requires latencyMs".into());
        }
        if self.latency_ms.is_some_and(|ms| ms > MAX_LATENCY_MS) {
            return Err(format!("latencyMs must be at most {MAX_LATENCY_MS}"));
        }
        Ok(())
    }

    fn validate_response(&self) -> Result<(), String> {
        let has_status = matches!(
            self.kind,
            FaultKind::Respond | FaultKind::Html | FaultKind::Empty
        );
        let is_valid_header = |(name, value): &(&String, &String)| {
            HeaderName::try_from(name.as_str()).is_ok()
                && HeaderValue::try_from(value.as_str()).is_ok()
        };
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Err("status must be between 200 and 599".into());
        }
        if self.body.is_some() && self.kind != FaultKind::Respond {
            return Err("a body requires kind \"respond\"".into());
        }
        if self.status.is_some() && !has_status {
            return Err("a status requires kind \"respond\", \"html\" or \"empty\"".into());
        }
        match self.headers.iter().find(|header| !is_valid_header(header)) {
            Some((name, _)) => Err(format!("invalid header {name:?}: check its name and value")),
            None => Ok(()),
        }
    }

    /// Returns the faulty response. Runs `work`, the platform's regular handler, if the kind calls
    /// for it; `released` changes when held responses are released.
    pub(crate) async fn apply(
        self,
        mut released: Receiver<()>,
        work: impl Future<Output = Response>,
    ) -> Response {
        if let Some(ms) = self.latency_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let response = match self.kind {
            FaultKind::Latency => work.await,
            FaultKind::Hold => {
                let response = work.await;
                // An error means that the sandbox was dropped.
                let _ = released.changed().await;
                response
            }
            FaultKind::Cut => truncate(work.await).await,
            FaultKind::Unfinished => without_last_chunk(work.await).await,
            FaultKind::Respond => self.custom_response(),
            FaultKind::Html => self.respond(403, "text/html; charset=utf-8", BLOCK_PAGE.into()),
            FaultKind::Empty => with_status(Response::default(), self.status.unwrap_or(500)),
        };
        self.with_headers(response)
    }

    fn custom_response(&self) -> Response {
        match &self.body {
            None => with_status(Response::default(), self.status.unwrap_or(500)),
            Some(Value::String(text)) => {
                self.respond(500, "text/plain; charset=utf-8", text.clone().into())
            }
            Some(json) => self.respond(
                500,
                "application/json; charset=UTF-8",
                json.to_string().into(),
            ),
        }
    }

    fn respond(&self, default_status: u16, content_type: &'static str, body: Bytes) -> Response {
        let mut response = with_status(
            Response::new(Body::from(body)),
            self.status.unwrap_or(default_status),
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

/// The page of a network filter that blocks the caller.
pub(crate) const BLOCK_PAGE: &str = "<!doctype html>\n<html lang=\"en\"><head><title>Blocked</title></head>\
    <body><h1>Blocked</h1><p>The sandbox simulates a network filter that blocks this caller.</p></body></html>\n";

/// Queued faults, oldest first.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Removes all faults.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns a line about each fault, such as `reddit token.refresh_token: 2 × Cut`.
    pub(crate) fn descriptions(&self) -> Vec<String> {
        let line = |fault: &Fault| {
            let Fault {
                platform,
                endpoint,
                times,
                kind,
                ..
            } = fault;
            let kind = serde_json::json!(kind);
            let kind = kind.as_str().unwrap_or_default();
            format!("{platform} {endpoint}: {times} × {kind}")
        };
        self.0.iter().map(line).collect()
    }

    /// Removes and returns the oldest fault that matches the call.
    pub(crate) fn take(&mut self, platform: &str, endpoint: &str) -> Option<Fault> {
        let matches = |fault: &Fault| {
            fault.platform == platform && (fault.endpoint == endpoint || fault.endpoint == "*")
        };
        let at = self.0.iter().position(matches)?;
        let queued = self.0.get_mut(at)?;
        queued.times -= 1;
        let fault = queued.clone();
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }
}
