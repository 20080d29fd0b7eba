//! What a sandbox is started with, and what can go wrong while it is used.

use std::path::PathBuf;
use std::sync::Arc;

use evergrant_model::{Clock, Entropy, OsEntropy, SystemClock};

use crate::engine::AuthorizationFault;

/// What a sandbox is started with.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Base of the addresses in pages and JSON, such as `http://127.0.0.1:8081`. `None`: the
    /// address that [`Sandbox::serve`](crate::Sandbox::serve) listens on.
    pub public_url: Option<String>,
    /// The redirect addresses that the simulated apps have registered, compared byte for byte.
    /// Empty: any `https` address and any on loopback.
    pub redirect_uris: Vec<String>,
    /// The time, before the sandbox's own shift.
    pub clock: Arc<dyn Clock>,
    /// Where codes and tokens come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where grants survive a restart; `None` keeps them in memory.
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

/// Why the sandbox did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The people that come with the program do not read: a fault of ours.
    #[error("the sandbox's people could not be read")]
    People(#[source] Box<toml::de::Error>),
    /// The state file could not be read or written; the source says why.
    #[error("the sandbox's state file {path} could not be {action}")]
    StateFile {
        /// Which file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No simulated platform of that name.
    #[error("there is no platform {0:?} here; the platforms are: {1}")]
    UnknownPlatform(String, String),
    /// The platform has no endpoint of that name.
    #[error("{platform} has no endpoint {endpoint:?}; its endpoints are: {known}")]
    UnknownEndpoint {
        /// The platform.
        platform: &'static str,
        /// What was asked for.
        endpoint: String,
        /// What there is.
        known: String,
    },
    /// Nobody of that name has an account at the platform.
    #[error("nobody called {person:?} has an account at {platform}; the people there are: {known}")]
    UnknownPerson {
        /// The platform.
        platform: &'static str,
        /// Who was asked for.
        person: String,
        /// Who there is.
        known: String,
    },
    /// The platform's tokens cannot be had without its consent page.
    #[error("{0} gives no tokens out without its own steps; go through its consent page")]
    NoTokens(&'static str),
    /// The platform has OAuth, so nobody hands over a session of theirs.
    #[error("{0} has OAuth; only platforms without it have sessions to hand over")]
    NoSessions(&'static str),
    /// A webhook that the platform does not send, or not there.
    #[error("{0}")]
    BadWebhook(String),
    /// Nobody took the webhook; the source says why.
    #[error("the webhook could not be delivered to {url}")]
    Undelivered {
        /// Where it was to go.
        url: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The platform has no such switch.
    #[error("{0} has no such switch")]
    UnknownSwitch(&'static str),
    /// A callback that cannot be sent, or did not arrive.
    #[error("the callback was not sent: {0}")]
    Callback(String),
    /// A subcode that tokens cannot be told.
    #[error("subcode is 458, 459, 460, 463, 464, 467 or 492")]
    UnknownSubcode,
    /// A fault that cannot be played.
    #[error("{0}")]
    BadFault(String),
    /// The address does not begin a consent: a real platform would show an error page.
    #[error("the platform refuses this authorization address: {0}")]
    Authorization(#[from] AuthorizationFault),
}
