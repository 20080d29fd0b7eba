//! Sends requests to one provider.

use std::sync::Arc;

use crate::{HttpClient, Request, RequestError, Response, Traffic};

/// Sends requests to one provider and records the rate limits that its responses state. Clones
/// share the HTTP client and the [`Traffic`].
#[derive(Clone)]
pub struct Outbound {
    http: HttpClient,
    traffic: Arc<Traffic>,
}

impl Outbound {
    /// Creates a sender that uses `http` and reports rate limits to `traffic`.
    #[must_use]
    pub fn new(http: HttpClient, traffic: Arc<Traffic>) -> Self {
        Self { http, traffic }
    }

    /// Sends one request of an operation that was admitted by [`Traffic::admit`] or
    /// [`Traffic::guarded`].
    ///
    /// # Errors
    ///
    /// [`RequestError`] if no complete response arrives.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, RequestError> {
        let host = request.url.host_str().unwrap_or_default();
        let response = self.http.send(request).await?;
        self.traffic.observe_response(host, &response.headers);
        Ok(response)
    }
}
