//! What the OAuth 2.0 engine needs of a platform: its definition, and where the operator's settings have led.

use std::sync::Arc;

use evergrant_model::ClientSecret;
use evergrant_outbound::Reach;
use http::HeaderValue;
use url::Url;

use crate::definition::Definition;

/// The engine's half of a [`crate::ProviderSpec`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Engine {
    pub(crate) definition: Arc<Definition>,
    /// `None` where the platform is not configured.
    pub(crate) client: Option<ClientRegistration>,
    /// Where a pasted session is checked; `None` where the operator has not said.
    pub(crate) session_check: Option<Url>,
}

impl Engine {
    /// Addresses at which the platform itself is called.
    pub(crate) fn called(&self) -> Vec<&Url> {
        let endpoints = self.client.as_ref().map(|client| [&client.endpoints.token, &client.endpoints.userinfo]);
        endpoints.into_iter().flatten().chain(&self.session_check).collect()
    }
}

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
    pub(crate) lengthen: Option<Url>,
    pub(crate) renew: Option<Url>,
}
