//! The endpoints of a provider, by which admission control judges its calls.

use evergrant_outbound::{Endpoint, EndpointKind, EndpointUrls};
use url::Url;

use crate::oauth2::client_registration::Endpoints;
use crate::oauth2::config::EngineConfig;

/// The endpoint that each operation calls first; without a host for operations without a call.
pub(crate) struct CallEndpoints {
    pub(crate) token: Endpoint,
    pub(crate) refresh: Endpoint,
    pub(crate) userinfo: Endpoint,
    pub(crate) revocation: Endpoint,
    pub(crate) session: Endpoint,
    pub(crate) api_urls: Vec<Url>,
}

impl CallEndpoints {
    /// Returns the endpoints that the engine calls with this configuration.
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let endpoints = config.client.as_ref().map(|client| &client.endpoints);
        let at = |kind, url: Option<&Url>| {
            Endpoint::new(kind, url.and_then(Url::host_str).unwrap_or_default())
        };
        let endpoint = |kind, choose: fn(&Endpoints) -> &Url| at(kind, endpoints.map(choose));
        Self {
            token: endpoint(EndpointKind::Token, |endpoints| &endpoints.token),
            refresh: endpoint(EndpointKind::Token, |endpoints| {
                endpoints
                    .refresh_exchange
                    .as_ref()
                    .unwrap_or(&endpoints.token)
            }),
            userinfo: endpoint(EndpointKind::Api, |endpoints| &endpoints.userinfo),
            revocation: endpoint(EndpointKind::Revocation, |endpoints| {
                endpoints.revocation.as_ref().unwrap_or(&endpoints.token)
            }),
            session: at(EndpointKind::Api, config.session_check.as_ref()),
            api_urls: config.api_urls().cloned().collect(),
        }
    }
}

/// Returns the URLs that do not belong to the provider's API.
pub(crate) fn endpoint_urls(config: &EngineConfig) -> EndpointUrls {
    let Some(endpoints) = config.client.as_ref().map(|client| &client.endpoints) else {
        return EndpointUrls::default();
    };
    let token = [
        Some(&endpoints.token),
        endpoints.long_lived_exchange.as_ref(),
        endpoints.refresh_exchange.as_ref(),
    ];
    let token = token
        .into_iter()
        .flatten()
        .map(|url| (url, EndpointKind::Token));
    let revocation = endpoints
        .revocation
        .as_ref()
        .map(|url| (url, EndpointKind::Revocation));
    let urls = token
        .chain(revocation)
        .map(|(url, kind)| (url.clone(), kind));
    EndpointUrls::new(urls.collect())
}
