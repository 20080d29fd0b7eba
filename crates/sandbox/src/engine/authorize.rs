//! What an app asks for when it sends a person to the platform, and when the platform will not even show a page for it.

use evergrant_model::ScopeSet;
use url::Url;

use super::{Form, pkce};
use crate::misbehaviour::Misbehaviour;
use crate::platforms::{Client, PlatformProfile};
use crate::shared::Stage;

/// A static redirect address is shorter than this.
const LONGEST_STATIC: usize = 512;

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

impl AuthorizationRequest {
    /// Reads the query of an authorization address.
    pub(crate) fn read(stage: &Stage, query: &str) -> Result<Self, AuthorizationFault> {
        let profile = stage.platform.profile();
        let form = Form::parse(query.as_bytes());
        let client = form.get(profile.client_param).and_then(|id| profile.clients.iter().find(|c| c.id == id));
        let client = client.ok_or(AuthorizationFault::UnknownClient)?;
        let redirect_uri = form.get("redirect_uri").ok_or(AuthorizationFault::BadRedirectUri)?.to_owned();
        let redirect_to = redirect_target(&redirect_uri, stage.shared.redirect_uris())?;
        let is_static = redirect_to.query().is_none() && redirect_uri.len() < LONGEST_STATIC;
        if profile.static_redirects && !is_static {
            return Err(AuthorizationFault::BadRedirectUri);
        }
        let response_type = form.get("response_type").or(stage.platform.usual_response_type());
        if response_type != Some("code") {
            return Err(AuthorizationFault::BadResponseType);
        }
        let echoed = form.get("state").map(str::to_owned);
        if profile.state_required && echoed.is_none() {
            return Err(AuthorizationFault::MissingState);
        }
        let scopes = asked_scopes(profile, form.get("scope").unwrap_or_default())?;
        let lasting = profile.lasting_when.is_none_or(|(name, value)| form.get(name) == Some(value));
        let challenge = pkce::challenge(stage, &form, &redirect_to)?;
        let misbehaviour = form.get("misbehave").and_then(Misbehaviour::parse).unwrap_or_default();
        Ok(Self { client, redirect_uri, redirect_to, state: echoed, scopes, lasting, misbehaviour, challenge, form })
    }
}

/// Exactly a registered address, or where none is registered any that is safe to try things with.
fn redirect_target(redirect_uri: &str, registered: &[String]) -> Result<Url, AuthorizationFault> {
    let target = Url::parse(redirect_uri).map_err(|_| AuthorizationFault::BadRedirectUri)?;
    let accepted = if registered.is_empty() {
        target.fragment().is_none() && (target.scheme() == "https" || is_loopback(&target))
    } else {
        registered.iter().any(|known| known == redirect_uri)
    };
    if accepted { Ok(target) } else { Err(AuthorizationFault::BadRedirectUri) }
}

/// Whether the address is on this machine, over plain HTTP.
pub(crate) fn is_loopback(address: &Url) -> bool {
    let is_here = match address.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    address.scheme() == "http" && is_here
}

fn asked_scopes(profile: &PlatformProfile, text: &str) -> Result<ScopeSet, AuthorizationFault> {
    let asked: ScopeSet = text.split(profile.scope_separators).filter(|scope| !scope.is_empty()).collect();
    let exists = |id: &str| profile.scopes.iter().any(|scope| scope.id == id);
    if asked.is_empty() || !asked.iter().all(exists) { Err(AuthorizationFault::BadScope) } else { Ok(asked) }
}
