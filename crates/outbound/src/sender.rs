//! The way out to one platform.

use std::sync::Arc;

use crate::{HttpClient, Request, RequestError, Response, Traffic};

/// Sends requests to one platform and reads what each response says about rate limits. Cloning
/// shares both.
#[derive(Clone)]
pub struct Outbound {
    http: HttpClient,
    traffic: Arc<Traffic>,
}

impl Outbound {
    /// The way out through `http`, controlled by `traffic`.
    #[must_use]
    pub fn new(http: HttpClient, traffic: Arc<Traffic>) -> Self {
        Self { http, traffic }
    }

    /// Sends one request of an operation that was admitted by [`Traffic::admit`] or
    /// [`Traffic::guarded`].
    ///
    /// # Errors
    ///
    /// [`RequestError`] where no whole response came.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, RequestError> {
        let host = request.url.host_str().unwrap_or_default();
        let response = self.http.send(request).await?;
        self.traffic.observe_response(host, &response.headers);
        Ok(response)
    }
}
