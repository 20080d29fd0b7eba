//! The one way out: every call to a platform is bounded in time and size, follows no redirect and uses no proxy.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use url::Url;
use zeroize::Zeroizing;

use crate::body::Body;
use crate::network::{NotPublic, PublicOnly};
use crate::{AdapterError, Cause, ErrorClass};

/// A pooled connection idle for longer is closed by us, before the platform does it under a request of ours.
const IDLE: Duration = Duration::from_secs(20);

/// What platforms answer in.
pub(crate) const JSON: &str = "application/json";

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
        Self { connect_seconds: 5, total_seconds: 10, body_bytes: 1024 * 1024 }
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

/// Where a call may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To any host: the address is ours, or the operator vouches for it.
    Anywhere,
    /// To public addresses.
    PublicOnly,
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) reach: Reach,
    /// The media types that are of use.
    pub(crate) accept: &'static str,
    pub(crate) body: Option<Body>,
    /// Headers whose values are secrets.
    pub(crate) credentials: Vec<(HeaderName, Zeroizing<String>)>,
    pub(crate) user_agent: Option<&'a HeaderValue>,
}

impl Call<'_> {
    pub(crate) fn carrying(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }
}

/// An answer, whatever it says.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Empty where the answer was longer than we read. Wiped on drop.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Reply {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether this is a page for people, such as a login or a block. An empty body is none, whatever it is declared
    /// as: some frameworks call every empty answer HTML, a revocation's among them.
    pub(crate) fn is_page(&self) -> bool {
        if self.body.is_empty() {
            return false;
        }
        let declared = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        declared.to_ascii_lowercase().contains("html") || self.body.trim_ascii_start().starts_with(b"<")
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
        let public_only = builder().dns_resolver(PublicOnly).build().map_err(HttpClientError)?;
        Ok(Self { anywhere, public_only, body_bytes: limits.body_bytes })
    }

    /// Makes the call, once.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Reply, AdapterError> {
        let client = match call.reach {
            Reach::Anywhere => &self.anywhere,
            Reach::PublicOnly => &self.public_only,
        };
        let mut request = client.request(call.method, call.url.clone()).header(ACCEPT, call.accept);
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, body.content_type).body(body.bytes.to_vec());
        }
        for (name, secret) in call.credentials {
            request = request.header(name, sensitive(&secret)?);
        }
        if let Some(user_agent) = call.user_agent {
            request = request.header(USER_AGENT, user_agent.clone());
        }
        let response = request.send().await.map_err(|error| failure(&error))?;
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> Result<Reply, AdapterError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| cut(&error).with_status(status))? {
            if body.len() + chunk.len() > self.body_bytes {
                return Ok(Reply { status, headers, body: Zeroizing::new(Vec::new()) });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, AdapterError> {
    let unfit =
        |_| AdapterError::new(ErrorClass::BadRequest, "the credential does not fit into a header").surely_unprocessed();
    let mut value = HeaderValue::from_str(text).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Why no answer began.
fn failure(error: &reqwest::Error) -> AdapterError {
    if is_not_public(error) {
        let what = "the platform's host leads to a private network";
        return AdapterError::new(ErrorClass::ConfigError, what).caused_by(Cause::Network).surely_unprocessed();
    }
    if error.is_builder() {
        return AdapterError::new(ErrorClass::ConfigError, "the call cannot be formed").surely_unprocessed();
    }
    if error.is_connect() {
        let failure = AdapterError::new(ErrorClass::Transient, "no connection to the platform came about");
        return failure.caused_by(cause(error)).surely_unprocessed();
    }
    AdapterError::new(ErrorClass::Unknown, "the platform did not answer").caused_by(cause(error))
}

/// Why an answer that had begun did not end.
fn cut(error: &reqwest::Error) -> AdapterError {
    AdapterError::new(ErrorClass::Unknown, "the platform's answer was cut off").caused_by(cause(error))
}

fn cause(error: &reqwest::Error) -> Cause {
    if error.is_timeout() { Cause::Timeout } else { Cause::Network }
}

fn is_not_public(error: &reqwest::Error) -> bool {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |error| error.source()).any(<dyn std::error::Error>::is::<NotPublic>)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn got(reach: Reach, url: &Url) -> Result<Reply, AdapterError> {
        let client = HttpClient::new(HttpLimits::default()).unwrap();
        let accept = JSON;
        let call =
            Call { method: Method::GET, url, reach, accept, body: None, credentials: Vec::new(), user_agent: None };
        client.send(call).await
    }

    /// `localhost` stands for any name that looks public and leads home.
    #[tokio::test]
    async fn item_64_a_name_that_leads_home_is_not_called_unless_the_operator_vouches_for_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        });
        let error = got(Reach::PublicOnly, &url).await.map(|reply| reply.status).unwrap_err();
        assert_eq!(error.class(), ErrorClass::ConfigError);
        assert!(error.is_surely_unprocessed() && !server.is_finished());
        assert_eq!(got(Reach::Anywhere, &url).await.map(|reply| reply.status), Ok(204));
        server.await.unwrap();
    }
}
