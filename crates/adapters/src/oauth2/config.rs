//! What the OAuth 2.0 engine needs of a platform: its definition, and where the operator's settings
//! lead.

use std::sync::Arc;

use url::Url;

use super::client_registration::ClientRegistration;
use crate::definition::Definition;

/// The engine's configuration for one platform. [`crate::ProviderSpec`] holds the public facts.
#[derive(Debug, Clone)]
pub(crate) struct EngineConfig {
    pub(crate) definition: Arc<Definition>,
    /// `None` where the platform is not configured.
    pub(crate) client: Option<ClientRegistration>,
    /// Where a pasted session is checked; `None` where the operator names no address.
    pub(crate) session_check: Option<Url>,
}

impl EngineConfig {
    /// Addresses at which the platform itself is called.
    pub(crate) fn called(&self) -> impl Iterator<Item = &Url> {
        let endpoints = self
            .client
            .as_ref()
            .map(|client| [&client.endpoints.token, &client.endpoints.userinfo]);
        endpoints.into_iter().flatten().chain(&self.session_check)
    }
}
