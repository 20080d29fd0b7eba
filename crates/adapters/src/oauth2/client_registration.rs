//! Our registration at a platform, and the platform's addresses.

use evergrant_model::ClientSecret;
use evergrant_outbound::Reach;
use http::HeaderValue;
use url::Url;

/// Our registration at the platform, and the platform's addresses.
#[derive(Debug, Clone)]
pub(crate) struct ClientRegistration {
    pub(crate) id: String,
    /// `None` for a public client.
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) endpoints: Endpoints,
    pub(crate) reach: Reach,
}

/// Where the platform is called.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) revocation: Option<Url>,
    pub(crate) userinfo: Url,
    pub(crate) long_lived_exchange: Option<Url>,
    pub(crate) renew: Option<Url>,
}
