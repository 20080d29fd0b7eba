//! Sends requests to one provider.

use std::sync::Arc;

use crate::{EndpointUrls, HttpClient, Request, RequestError, Response, Traffic};

/// Sends requests to one provider and records the rate limits that its responses state. Clones
/// share the HTTP client and the [`Traffic`].
#[derive(Clone)]
pub struct Outbound {
    http: HttpClient,
    traffic: Arc<Traffic>,
    urls: Arc<EndpointUrls>,
}

impl Outbound {
    /// Creates a sender that uses `http` and reports rate limits to `traffic`, each for the
    /// endpoint that `urls` assigns to the URL.
    #[must_use]
    pub fn new(http: HttpClient, traffic: Arc<Traffic>, urls: EndpointUrls) -> Self {
        let urls = Arc::new(urls);
        Self {
            http,
            traffic,
            urls,
        }
    }

    /// Sends one request of an operation that was admitted by [`Traffic::admit`] or
    /// [`Traffic::guarded`].
    ///
    /// # Errors
    ///
    /// [`RequestError`] if no complete response arrives.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, RequestError> {
        let endpoint = self.urls.endpoint_of(request.url);
        let response = self.http.send(request).await?;
        self.traffic.observe_response(&endpoint, &response.headers);
        Ok(response)
    }
}
