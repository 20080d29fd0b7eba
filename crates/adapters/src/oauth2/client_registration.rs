//! The client registration at a provider, and the provider's endpoints.

use evergrant_model::ClientSecret;
use evergrant_outbound::Reach;
use http::HeaderValue;
use url::Url;

/// The client registration at a provider (RFC 6749 §2), and where to use it.
#[derive(Debug, Clone)]
pub(crate) struct ClientRegistration {
    pub(crate) id: String,
    /// `None` for a public client.
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) endpoints: Endpoints,
    pub(crate) reach: Reach,
}

/// The endpoints of a provider, with hosts and variables replaced.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) revocation: Option<Url>,
    pub(crate) userinfo: Url,
    pub(crate) long_lived_exchange: Option<Url>,
    pub(crate) refresh_exchange: Option<Url>,
}
