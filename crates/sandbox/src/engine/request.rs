//! What an app asks for when it sends a person to the platform, and why it may be refused.

use evergrant_model::ScopeSet;
use url::Url;

use super::Form;
use crate::faults::Misbehaviour;
use crate::profile::Client;

/// Why an authorization address is refused without returning to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationFault {
    /// No registered app has this id.
    #[error("the client id is not one of a registered app")]
    UnknownClient,
    /// The redirect address is not the registered one, or not acceptable at all.
    #[error("the redirect address is not the one that the app registered")]
    BadRedirectUri,
    /// Only codes are given out here.
    #[error("the response type must be \"code\"")]
    BadResponseType,
    /// No scope, or one that does not exist.
    #[error("the scope is missing, or is not one that exists")]
    BadScope,
    /// The platform demands a state.
    #[error("the state is missing")]
    MissingState,
    /// The platform demands PKCE, of every app or of those on a desktop.
    #[error("the code challenge is missing, or its method is not S256")]
    MissingChallenge,
    /// The address is not that of an authorization endpoint here.
    #[error("the address is not that of an authorization endpoint here")]
    NotAnEndpoint,
    /// Nobody of that name has an account here.
    #[error("nobody of that name has an account here")]
    UnknownPerson,
    /// A scope was granted that had not been asked for.
    #[error("only scopes that were asked for can be granted")]
    UnaskedScope,
}

/// A request that the platform will put before the person.
pub(crate) struct AuthorizationRequest {
    pub(crate) client: &'static Client,
    pub(crate) redirect_uri: String,
    /// The same, taken apart.
    pub(crate) redirect_to: Url,
    pub(crate) state: Option<String>,
    pub(crate) scopes: ScopeSet,
    /// Whether a refresh token is asked for.
    pub(crate) lasting: bool,
    pub(crate) misbehaviour: Misbehaviour,
    /// The code challenge, where one is demanded.
    pub(crate) challenge: Option<String>,
    /// Every parameter of the address.
    pub(crate) form: Form,
}
