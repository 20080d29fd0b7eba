//! What the operator decides about the service.

use url::Url;

use crate::authorization::redirect_allowlist::AllowedRedirects;

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// The base of the callback addresses.
    pub public_url: Url,
    /// Where a flow may send the browser at its end.
    pub allowed_redirects: AllowedRedirects,
    /// How long a flow's state is good, and a bound flow waits to be finished.
    pub flow_ttl_seconds: i64,
    /// How long before its end a token is renewed; `None` leaves it to each platform.
    pub refresh_margin_seconds: Option<i64>,
    /// How many refreshes may be under way at once at one platform.
    pub refresh_concurrency: usize,
    /// How many event streams may be open at once.
    pub event_streams: usize,
}

impl ServiceSettings {
    /// The defaults for a service that is reached at `public_url`.
    #[must_use]
    pub fn new(public_url: Url) -> Self {
        Self {
            allowed_redirects: AllowedRedirects::new(Vec::new(), &public_url),
            public_url,
            flow_ttl_seconds: 600,
            refresh_margin_seconds: None,
            refresh_concurrency: 64,
            event_streams: 6_000,
        }
    }

    /// Our own form for a platform without a consent page, for the flow with this state.
    pub(crate) fn form_url(&self, provider: &str, state: &str) -> String {
        format!(
            "{}/connect/{provider}?state={state}",
            self.public_url.as_str().trim_end_matches('/')
        )
    }

    /// The callback that a platform sends the browser to: the same bytes in both calls of a flow.
    #[must_use]
    pub fn callback_url(&self, provider: &str) -> String {
        format!(
            "{}/api/integrations/callback/{provider}",
            self.public_url.as_str().trim_end_matches('/')
        )
    }
}
