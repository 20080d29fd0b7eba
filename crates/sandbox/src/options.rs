//! Options and errors of a sandbox.

use std::path::PathBuf;
use std::sync::Arc;

use evergrant_model::{Clock, Entropy, OsEntropy, SystemClock};

use crate::engine::AuthorizationRequestError;

/// Options of a sandbox.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Base of the URLs in pages and JSON, such as `http://127.0.0.1:8081`. Default: the address
    /// that [`Sandbox::serve`](crate::Sandbox::serve) listens on.
    pub public_url: Option<String>,
    /// Registered redirect URIs of the simulated apps, compared byte for byte. Default: empty,
    /// which accepts any `https` and any loopback URL.
    pub redirect_uris: Vec<String>,
    /// Source of the time, to which the sandbox adds its own offset. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness for codes and tokens. Default: the operating system.
    pub entropy: Arc<dyn Entropy>,
    /// File that persists grants across restarts. Default: `None`, which keeps them in memory.
    pub state_file: Option<PathBuf>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            public_url: None,
            redirect_uris: Vec::new(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            state_file: None,
        }
    }
}

/// Why a call to the sandbox failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The built-in `people.toml` is invalid: a bug in the sandbox.
    #[error("the built-in people.toml is invalid")]
    People(#[source] Box<toml::de::Error>),
    /// The state file could not be read or written.
    #[error("the sandbox's state file {path} could not be {action}")]
    StateFile {
        /// Path of the state file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// The underlying error.
        #[source]
        source: std::io::Error,
    },
    /// The sandbox does not simulate this platform. The second value lists those that exist.
    #[error("unknown platform {0:?}; the platforms are: {1}")]
    UnknownPlatform(String, String),
    /// The platform does not have this endpoint.
    #[error("{platform} has no endpoint {endpoint:?}; its endpoints are: {known}")]
    UnknownEndpoint {
        /// The platform.
        platform: &'static str,
        /// The requested endpoint.
        endpoint: String,
        /// The existing endpoints, separated by commas.
        known: String,
    },
    /// The person has no account at the platform.
    #[error("{person:?} has no account at {platform}; people with an account: {known}")]
    UnknownPerson {
        /// The platform.
        platform: &'static str,
        /// The requested person.
        person: String,
        /// People with an account, separated by commas.
        known: String,
    },
    /// The platform issues tokens only through its consent page.
    #[error("{0} has its own token endpoint; use its consent page instead")]
    NoTokens(&'static str),
    /// The platform has OAuth and therefore no browser sessions.
    #[error("{0} uses OAuth; only platforms without OAuth have sessions")]
    NoSessions(&'static str),
    /// The webhook is invalid, or the platform does not send it.
    #[error("{0}")]
    BadWebhook(String),
    /// The receiver of the webhook did not respond.
    #[error("the webhook could not be delivered to {url}")]
    Undelivered {
        /// URL of the receiver.
        url: String,
        /// The underlying error.
        #[source]
        source: std::io::Error,
    },
    /// The platform does not have this switch.
    #[error("{0} has no such switch")]
    UnknownSwitch(&'static str),
    /// The callback is invalid, or its receiver did not respond.
    #[error("the callback was not sent: {0}")]
    Callback(String),
    /// The subcode is not one of error 190 that the sandbox simulates.
    #[error("subcode must be 458, 459, 460, 463, 464, 467 or 492")]
    UnknownSubcode,
    /// The fault is invalid.
    #[error("{0}")]
    BadFault(String),
    /// The platform rejects the authorization URL; a browser would show its error page.
    #[error("the platform rejects this authorization URL: {0}")]
    Authorization(#[from] AuthorizationRequestError),
}
