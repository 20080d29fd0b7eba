//! Authorization requests, and why the platform rejects them.

use evergrant_model::ScopeSet;
use url::Url;

use super::Form;
use crate::faults::ConsentFault;
use crate::profile::Client;

/// Why an authorization request is rejected without returning to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationRequestError {
    /// No app with this client id is registered.
    #[error("the client id is not registered")]
    UnknownClient,
    /// The redirect URI is missing, malformed or not registered.
    #[error("the redirect URI is missing or not registered for this app")]
    BadRedirectUri,
    /// The response type is not `code`.
    #[error("the response type must be \"code\"")]
    BadResponseType,
    /// The scope is missing or does not exist.
    #[error("the scope is missing or unknown")]
    BadScope,
    /// The platform requires a state, and the request has none.
    #[error("the state is missing")]
    MissingState,
    /// The platform requires PKCE, and the request has no S256 code challenge.
    #[error("the code challenge is missing, or its method is not S256")]
    MissingChallenge,
    /// The URL is not an authorization endpoint of the sandbox.
    #[error("the URL is not that of an authorization endpoint")]
    NotAnEndpoint,
    /// The person has no account at the platform.
    #[error("the person has no account at this platform")]
    UnknownPerson,
    /// A scope was granted that the app did not request.
    #[error("only requested scopes can be granted")]
    UnrequestedScope,
}

/// A valid authorization request, ready for the consent page.
pub(crate) struct AuthorizationRequest {
    pub(crate) client: &'static Client,
    /// The redirect URI as the app sent it.
    pub(crate) redirect_uri: String,
    /// The parsed redirect URI.
    pub(crate) redirect_to: Url,
    pub(crate) state: Option<String>,
    pub(crate) scopes: ScopeSet,
    /// Whether the app requests a refresh token.
    pub(crate) offline_access: bool,
    pub(crate) consent_fault: ConsentFault,
    /// The code challenge. `None` if the platform does not require PKCE.
    pub(crate) challenge: Option<String>,
    /// All query parameters.
    pub(crate) form: Form,
}
