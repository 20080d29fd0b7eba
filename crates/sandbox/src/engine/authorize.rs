//! Reads what an app asks for, and decides whether the platform shows a page for it at all.

use evergrant_model::ScopeSet;
use url::Url;

use super::{AuthorizationFault, AuthorizationRequest, Form, pkce};
use crate::faults::Misbehaviour;
use crate::loopback::is_loopback;
use crate::platform::Stage;
use crate::profile::PlatformProfile;

/// A static redirect address is shorter than this.
const LONGEST_STATIC: usize = 512;

impl AuthorizationRequest {
    /// Reads the query of an authorization address.
    pub(crate) fn read(stage: &Stage, query: &str) -> Result<Self, AuthorizationFault> {
        let profile = stage.platform.profile();
        let form = Form::parse(query.as_bytes());
        let client = form
            .get(profile.client_param)
            .and_then(|id| profile.clients.iter().find(|c| c.id == id));
        let client = client.ok_or(AuthorizationFault::UnknownClient)?;
        let redirect_uri = form
            .get("redirect_uri")
            .ok_or(AuthorizationFault::BadRedirectUri)?
            .to_owned();
        let redirect_to = redirect_target(&redirect_uri, stage.shared.redirect_uris())?;
        let is_static = redirect_to.query().is_none() && redirect_uri.len() < LONGEST_STATIC;
        if profile.static_redirects && !is_static {
            return Err(AuthorizationFault::BadRedirectUri);
        }
        let response_type = form
            .get("response_type")
            .or(stage.platform.usual_response_type());
        if response_type != Some("code") {
            return Err(AuthorizationFault::BadResponseType);
        }
        let echoed = form.get("state").map(str::to_owned);
        if profile.state_required && echoed.is_none() {
            return Err(AuthorizationFault::MissingState);
        }
        let scopes = asked_scopes(profile, form.get("scope").unwrap_or_default())?;
        let lasting = profile
            .lasting_when
            .is_none_or(|(name, value)| form.get(name) == Some(value));
        let challenge = pkce::challenge(stage, &form, &redirect_to)?;
        let misbehaviour = form
            .get("misbehave")
            .and_then(Misbehaviour::parse)
            .unwrap_or_default();
        Ok(Self {
            client,
            redirect_uri,
            redirect_to,
            state: echoed,
            scopes,
            lasting,
            misbehaviour,
            challenge,
            form,
        })
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
    if accepted {
        Ok(target)
    } else {
        Err(AuthorizationFault::BadRedirectUri)
    }
}

fn asked_scopes(profile: &PlatformProfile, text: &str) -> Result<ScopeSet, AuthorizationFault> {
    let asked: ScopeSet = text
        .split(profile.scope_separators)
        .filter(|scope| !scope.is_empty())
        .collect();
    let exists = |id: &str| profile.scopes.iter().any(|scope| scope.id == id);
    if asked.is_empty() || !asked.iter().all(exists) {
        Err(AuthorizationFault::BadScope)
    } else {
        Ok(asked)
    }
}
