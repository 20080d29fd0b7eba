//! Parses and validates authorization requests.

use evergrant_model::ScopeSet;
use url::Url;

use super::{AuthorizationRequest, AuthorizationRequestError, Form, pkce};
use crate::faults::ConsentFault;
use crate::loopback::is_loopback;
use crate::platform::PlatformContext;
use crate::profile::{Client, PlatformProfile};

/// Maximum length of a static redirect URI in bytes, exclusive.
const STATIC_REDIRECT_LENGTH: usize = 512;

impl AuthorizationRequest {
    /// Parses the query of an authorization URL.
    ///
    /// # Errors
    ///
    /// The first rule of the platform that the request violates.
    pub(crate) fn parse(
        context: &PlatformContext,
        query: &str,
    ) -> Result<Self, AuthorizationRequestError> {
        let profile = context.platform.profile();
        let form = Form::parse(query.as_bytes());
        let client = registered_client(profile, &form)?;
        let (redirect_uri, redirect_to) = redirect_uri(context, &form)?;
        let response_type = form
            .get("response_type")
            .or(context.platform.default_response_type());
        if response_type != Some("code") {
            return Err(AuthorizationRequestError::BadResponseType);
        }
        let state = form.get("state").map(str::to_owned);
        if profile.state_required && state.is_none() {
            return Err(AuthorizationRequestError::MissingState);
        }
        let scopes = requested_scopes(profile, form.get("scope").unwrap_or_default())?;
        let offline_access = profile
            .offline_access_param
            .is_none_or(|(name, value)| form.get(name) == Some(value));
        let challenge = pkce::challenge(context, &form, &redirect_to)?;
        Ok(Self {
            client,
            redirect_uri,
            redirect_to,
            state,
            scopes,
            offline_access,
            consent_fault: ConsentFault::from_form(&form),
            challenge,
            form,
        })
    }
}

impl ConsentFault {
    /// Returns the fault named by the parameter `misbehave`. An unknown name selects none.
    pub(super) fn from_form(form: &Form) -> Self {
        form.get("misbehave")
            .and_then(Self::parse)
            .unwrap_or_default()
    }
}

fn registered_client(
    profile: &PlatformProfile,
    form: &Form,
) -> Result<&'static Client, AuthorizationRequestError> {
    form.get(profile.client_param)
        .and_then(|id| profile.clients.iter().find(|client| client.id == id))
        .ok_or(AuthorizationRequestError::UnknownClient)
}

/// Returns the redirect URI as sent and parsed, if the platform accepts it.
fn redirect_uri(
    context: &PlatformContext,
    form: &Form,
) -> Result<(String, Url), AuthorizationRequestError> {
    let text = form
        .get("redirect_uri")
        .ok_or(AuthorizationRequestError::BadRedirectUri)?
        .to_owned();
    let url = accepted_redirect(&text, context.shared.redirect_uris())?;
    let is_static = url.query().is_none() && text.len() < STATIC_REDIRECT_LENGTH;
    if context.platform.profile().static_redirects && !is_static {
        return Err(AuthorizationRequestError::BadRedirectUri);
    }
    Ok((text, url))
}

/// Parses a redirect URI that equals a registered one. If none is registered, accepts any `https`
/// or loopback URL without a fragment.
fn accepted_redirect(
    redirect_uri: &str,
    registered: &[String],
) -> Result<Url, AuthorizationRequestError> {
    let url = Url::parse(redirect_uri).map_err(|_| AuthorizationRequestError::BadRedirectUri)?;
    let accepted = if registered.is_empty() {
        url.fragment().is_none() && (url.scheme() == "https" || is_loopback(&url))
    } else {
        registered.iter().any(|known| known == redirect_uri)
    };
    if accepted {
        Ok(url)
    } else {
        Err(AuthorizationRequestError::BadRedirectUri)
    }
}

fn requested_scopes(
    profile: &PlatformProfile,
    text: &str,
) -> Result<ScopeSet, AuthorizationRequestError> {
    let requested: ScopeSet = text
        .split(profile.scope_separators)
        .filter(|scope| !scope.is_empty())
        .collect();
    let exists = |id: &str| profile.scopes.iter().any(|scope| scope.id == id);
    if requested.is_empty() || !requested.iter().all(exists) {
        Err(AuthorizationRequestError::BadScope)
    } else {
        Ok(requested)
    }
}
