//! The operator's settings of the service.

use std::time::Duration;

use evergrant_model::{ProviderSlug, SignedDuration};

use crate::authorization::redirect_allowlist::AllowedRedirects;
use crate::public_url::PublicUrl;

/// The default of [`ServiceSettings::commit_wait`]: far longer than a commit usually takes.
const COMMIT_WAIT: Duration = Duration::from_millis(300);
/// The default of [`ServiceSettings::caller_wait`]: longer than the default timeout of a refresh.
const CALLER_WAIT: Duration = Duration::from_secs(25);

/// The settings of the service.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// The URL under which browsers reach this server; the base of every address that it emits.
    pub public_url: PublicUrl,
    /// The URLs to which a flow may redirect the browser when it ends.
    pub allowed_redirects: AllowedRedirects,
    /// The lifetime of a flow's state, and the time that a consented flow waits to be finished.
    /// Default: 10 minutes.
    pub flow_ttl: SignedDuration,
    /// How long before its expiry a token is refreshed. `None` uses the value of each platform.
    /// Default: `None`.
    pub refresh_margin: Option<SignedDuration>,
    /// The maximum number of concurrent refreshes per platform. Default: 64.
    pub refresh_concurrency: usize,
    /// The maximum number of open event streams. Default: 6,000.
    pub event_streams: usize,
    /// How long the database may take to store refreshed tokens before they are written to the
    /// journal and served from memory. Default: 300 milliseconds.
    pub commit_wait: Duration,
    /// How long a caller waits for a refresh, which continues after that. Four fifths of this time
    /// are for its admission to the platform. Default: 25 seconds.
    pub caller_wait: Duration,
}

impl ServiceSettings {
    /// Returns the default settings for a server at `public_url`.
    #[must_use]
    pub fn new(public_url: PublicUrl) -> Self {
        Self {
            allowed_redirects: AllowedRedirects::new(Vec::new(), &public_url),
            public_url,
            flow_ttl: SignedDuration::from_mins(10),
            refresh_margin: None,
            refresh_concurrency: 64,
            event_streams: 6_000,
            commit_wait: COMMIT_WAIT,
            caller_wait: CALLER_WAIT,
        }
    }

    /// Returns the URL of the hosted credential form for a platform without a consent page.
    pub(crate) fn form_url(&self, provider: &ProviderSlug, state: &str) -> String {
        self.public_url
            .join(&format!("/connect/{provider}?state={state}"))
    }

    /// Returns the callback URL of a platform. Authorization and token request send the same bytes,
    /// as RFC 6749, section 4.1.3 requires.
    #[must_use]
    pub fn callback_url(&self, provider: &ProviderSlug) -> String {
        self.public_url
            .join(&format!("/api/integrations/callback/{provider}"))
    }
}
