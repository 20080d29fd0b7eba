//! The one HTTP client: every request is bounded in time and size, follows no redirect and uses no
//! proxy.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;
use zeroize::Zeroizing;

use crate::RequestError;
use crate::network_policy::{NotPublic, PublicOnly};

/// A pooled connection idle for longer is closed by us, before the platform does it under a request
/// of ours.
const IDLE: Duration = Duration::from_secs(20);

/// The media type of JSON.
pub const JSON: &str = "application/json";

/// The bounds of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// The longest that a connection may take to come about, TLS included.
    pub connect_seconds: u64,
    /// The longest that the whole call may take, from the first byte out to the last one in.
    pub total_seconds: u64,
    /// The most that is read of an answer.
    pub body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect_seconds: 5,
            total_seconds: 10,
            body_bytes: 1024 * 1024,
        }
    }
}

/// Why there is no HTTP client: most often the machine has no CA certificates.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot start; are the system's CA certificates installed?")]
pub struct HttpClientError(#[source] reqwest::Error);

/// The guarded client. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    anywhere: Client,
    public_only: Client,
    body_bytes: usize,
}

/// Where a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To any host: the address is ours, or the operator vouches for it.
    Anywhere,
    /// To public addresses.
    PublicOnly,
}

/// What a request carries. A streamed body becomes a variant with its first user, the proxy.
#[non_exhaustive]
pub enum Body {
    /// All bytes, wiped on drop.
    Full {
        /// The media type.
        content_type: String,
        /// The body.
        bytes: Zeroizing<Vec<u8>>,
    },
}

/// One request.
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: &'a Url,
    /// Where the request may go.
    pub reach: Reach,
    /// The media types that are of use.
    pub accept: &'static str,
    /// What it carries.
    pub body: Option<Body>,
    /// Headers whose values are secrets.
    pub credentials: Vec<(HeaderName, Zeroizing<String>)>,
    /// In place of our own `User-Agent`.
    pub user_agent: Option<&'a HeaderValue>,
}

impl<'a> Request<'a> {
    /// A request that accepts JSON, without body and credentials.
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
        }
    }

    /// The request with this body.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }
}

/// A whole response, whatever it says. A response that is passed on while it arrives becomes a type
/// of its own with its first user, the proxy.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// Empty where the body is longer than [`HttpLimits::body_bytes`]. Wiped on drop.
    pub body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// Whether the status is one of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether this is a page for people, such as a login or a block page. An empty body is none,
    /// whatever it is declared as: some frameworks declare every empty response HTML, among them
    /// those of revocations.
    #[must_use]
    pub fn is_page(&self) -> bool {
        if self.body.is_empty() {
            return false;
        }
        let declared = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        declared.to_ascii_lowercase().contains("html")
            || self.body.trim_ascii_start().starts_with(b"<")
    }
}

impl HttpClient {
    /// A client with these limits, for the whole program.
    ///
    /// # Errors
    ///
    /// [`HttpClientError`] where TLS cannot be set up.
    pub fn new(limits: HttpLimits) -> Result<Self, HttpClientError> {
        // Another part of the program may have chosen before us; any choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .user_agent(concat!("evergrant/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(Duration::from_secs(limits.connect_seconds))
                .timeout(Duration::from_secs(limits.total_seconds))
                .pool_idle_timeout(IDLE)
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

    /// Sends the request, once.
    ///
    /// # Errors
    ///
    /// [`RequestError`] where no whole response came.
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
        let response = built.send().await.map_err(|error| no_response(&error))?;
        self.read(response).await
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Response, RequestError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Zeroizing::new(Vec::new());
        let interrupted = |error: reqwest::Error| RequestError::Interrupted {
            status,
            timed_out: error.is_timeout(),
        };
        while let Some(chunk) = response.chunk().await.map_err(interrupted)? {
            if body.len() + chunk.len() > self.body_bytes {
                return Ok(Response {
                    status,
                    headers,
                    body: Zeroizing::new(Vec::new()),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| RequestError::InvalidHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Why no response began.
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

    /// `localhost` stands for any name that looks public and leads home.
    #[tokio::test]
    async fn item_64_a_name_that_leads_home_is_not_called_unless_the_operator_vouches_for_it() {
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
