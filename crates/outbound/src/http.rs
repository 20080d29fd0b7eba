//! The guarded HTTP client. Every request is bounded in time and size, follows no redirects and
//! uses no proxy.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;
use zeroize::Zeroizing;

use crate::RequestError;
use crate::content_coding;
use crate::network_policy::{NotPublic, PublicOnly};

/// How long an idle pooled connection is kept. Closing it early avoids sending a request on a
/// connection that the provider is about to close.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// The media type of JSON.
pub const JSON: &str = "application/json";

/// The limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Time limit for establishing a connection, TLS handshake included. Default: 5
    /// seconds.
    pub connect: Duration,
    /// Time limit from sending the request to the last byte of the response, unless the request
    /// has a limit of its own. Default: 10 seconds.
    pub total: Duration,
    /// Maximum length of a response body, in bytes, both as sent and decompressed. Default: 1 MiB.
    pub body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
            body_bytes: 1024 * 1024,
        }
    }
}

/// The HTTP client could not be created, most often because the system has no CA certificates.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client could not be created; check that the system's CA certificates are installed"
)]
pub struct HttpClientError(#[source] reqwest::Error);

/// An HTTP client with a time and a size limit for each request. Clones share its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    anywhere: Client,
    public_only: Client,
    body_bytes: usize,
}

/// The addresses to which a request may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Any address: the host comes from the catalogue, or the operator trusts it.
    Anywhere,
    /// Public addresses only.
    PublicOnly,
}

/// The body of a request.
#[non_exhaustive]
pub enum Body {
    /// A body in memory, wiped on drop.
    Full {
        /// The media type, sent as `Content-Type`.
        content_type: String,
        /// The bytes of the body.
        bytes: Zeroizing<Vec<u8>>,
    },
}

/// An HTTP request.
pub struct Request<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The absolute URL.
    pub url: &'a Url,
    /// The addresses to which the request may connect.
    pub reach: Reach,
    /// The `Accept` header. Default: [`JSON`].
    pub accept: &'static str,
    /// The body. Default: none.
    pub body: Option<Body>,
    /// Headers whose values are secrets. They are marked sensitive and wiped after use. Default:
    /// none.
    pub credentials: Vec<(HeaderName, Zeroizing<String>)>,
    /// The `User-Agent` header. Default: `evergrant/<version>`.
    pub user_agent: Option<&'a HeaderValue>,
    /// Time limit of this request. Default: [`HttpLimits::total`].
    pub time_limit: Option<Duration>,
    /// Whether a response that breaks off is returned with what has arrived of its body. Otherwise
    /// it is an error. Default: `false`.
    pub keep_partial: bool,
}

impl<'a> Request<'a> {
    /// Creates a request that accepts JSON and has no body and no credentials.
    #[must_use]
    pub fn new(method: Method, url: &'a Url, reach: Reach) -> Self {
        Self {
            method,
            url,
            reach,
            accept: JSON,
            body: None,
            credentials: Vec::new(),
            user_agent: None,
            time_limit: None,
            keep_partial: false,
        }
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }
}

/// A response with any status. A streamed response will be a separate type, added with its
/// first user, the proxy.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The response headers.
    pub headers: HeaderMap,
    /// The body without its content codings; empty if it is longer than [`HttpLimits::body_bytes`]
    /// before or after decoding, or cannot be decoded. Wiped on drop.
    pub body: Zeroizing<Vec<u8>>,
    /// Why the end of the response is missing; `None` if it is complete. Only a request with
    /// [`Request::keep_partial`] has such a response.
    pub interrupted: Option<RequestError>,
}

impl Response {
    /// Returns whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns whether the body is an HTML page, such as a login or a block page. An empty body is
    /// never one: some frameworks label every empty response as HTML, revocation responses
    /// included.
    #[must_use]
    pub fn is_html(&self) -> bool {
        if self.body.is_empty() {
            return false;
        }
        let content_type = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        content_type.to_ascii_lowercase().contains("html")
            || self.body.trim_ascii_start().starts_with(b"<")
    }
}

impl HttpClient {
    /// Creates a client with these limits. One client serves the whole program.
    ///
    /// # Errors
    ///
    /// [`HttpClientError`] if TLS cannot be set up.
    pub fn new(limits: HttpLimits) -> Result<Self, HttpClientError> {
        // An error means that another part of the program already installed a provider, which is
        // fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .user_agent(concat!("evergrant/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(limits.connect)
                .timeout(limits.total)
                .pool_idle_timeout(MAX_IDLE)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
        };
        let anywhere = builder().build().map_err(HttpClientError)?;
        let public_only = builder()
            .dns_resolver(PublicOnly)
            .build()
            .map_err(HttpClientError)?;
        Ok(Self {
            anywhere,
            public_only,
            body_bytes: limits.body_bytes,
        })
    }

    /// Sends the request once, without retries.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if no response arrives, or only a part that the request does not keep.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, RequestError> {
        let client = match request.reach {
            Reach::Anywhere => &self.anywhere,
            Reach::PublicOnly => &self.public_only,
        };
        let mut built = client
            .request(request.method, request.url.clone())
            .header(ACCEPT, request.accept);
        if let Some(Body::Full {
            content_type,
            bytes,
        }) = request.body
        {
            built = built
                .header(CONTENT_TYPE, content_type)
                .body(bytes.to_vec());
        }
        for (name, secret) in request.credentials {
            built = built.header(name, sensitive(&secret)?);
        }
        if let Some(user_agent) = request.user_agent {
            built = built.header(USER_AGENT, user_agent.clone());
        }
        if let Some(time_limit) = request.time_limit {
            built = built.timeout(time_limit);
        }
        let response = built.send().await.map_err(|error| no_response(&error))?;
        let response = self.read(response).await;
        match response.interrupted {
            Some(error) if !request.keep_partial => Err(error),
            _ => Ok(response),
        }
    }

    /// Reads the body, up to the size limit.
    async fn read(&self, mut response: reqwest::Response) -> Response {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Zeroizing::new(Vec::new());
        let interrupted = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.body_bytes => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    body = Zeroizing::new(Vec::new());
                    break None;
                }
                Ok(None) => break None,
                Err(error) => {
                    let timed_out = error.is_timeout();
                    break Some(RequestError::Interrupted { status, timed_out });
                }
            }
        };
        let body = content_coding::decode(body, &headers, self.body_bytes).unwrap_or_default();
        Response {
            status,
            headers,
            body,
            interrupted,
        }
    }
}

/// Returns a header value that is hidden in `Debug` output.
fn sensitive(text: &str) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| RequestError::InvalidHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Maps an error that occurred before the response started.
fn no_response(error: &reqwest::Error) -> RequestError {
    let timed_out = error.is_timeout();
    if is_not_public(error) {
        RequestError::PrivateNetwork
    } else if error.is_builder() {
        RequestError::InvalidRequest
    } else if error.is_connect() {
        RequestError::NotConnected { timed_out }
    } else {
        RequestError::NoResponse { timed_out }
    }
}

fn is_not_public(error: &reqwest::Error) -> bool {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |error| error.source())
        .any(<dyn std::error::Error>::is::<NotPublic>)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn status(reach: Reach, url: &Url) -> Result<u16, RequestError> {
        let client = HttpClient::new(HttpLimits::default()).unwrap();
        client
            .send(Request::new(Method::GET, url, reach))
            .await
            .map(|response| response.status)
    }

    /// `localhost` represents any public-looking name that resolves to a private address.
    #[tokio::test]
    async fn item_64_name_resolving_to_private_address_is_called_only_if_trusted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!(
            "http://localhost:{}/",
            listener.local_addr().unwrap().port()
        ))
        .unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
        });
        assert_eq!(
            status(Reach::PublicOnly, &url).await,
            Err(RequestError::PrivateNetwork)
        );
        assert!(!server.is_finished());
        assert_eq!(status(Reach::Anywhere, &url).await, Ok(204));
        server.await.unwrap();
    }
}
