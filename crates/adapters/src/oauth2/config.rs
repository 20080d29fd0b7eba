//! The engine's configuration for one provider.

use std::sync::Arc;

use url::Url;

use super::client_registration::ClientRegistration;
use crate::definition::Definition;

/// The definition of a provider and its resolved endpoints. [`crate::ProviderSpec`] holds the
/// public facts.
#[derive(Debug, Clone)]
pub(crate) struct EngineConfig {
    pub(crate) definition: Arc<Definition>,
    /// `None` if the provider is not configured.
    pub(crate) client: Option<ClientRegistration>,
    /// The URL that checks a session; `None` if the operator configured none.
    pub(crate) session_check: Option<Url>,
}

impl EngineConfig {
    /// Returns the URLs at which the provider's API is called.
    pub(crate) fn api_urls(&self) -> impl Iterator<Item = &Url> {
        let endpoints = self
            .client
            .as_ref()
            .map(|client| [&client.endpoints.token, &client.endpoints.userinfo]);
        endpoints.into_iter().flatten().chain(&self.session_check)
    }
}
