//! The token endpoint: exchanges codes and refresh tokens for tokens.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use evergrant_model::SignedDuration;
use subtle::ConstantTimeEq as _;

use super::{Form, OAuthError};
use crate::faults::ConsentFault;
use crate::platform::{IssuedTokens, PlatformContext};
use crate::profile::{Client, RefreshTokenReuse};
use crate::settings::{RefreshExpiry, RefreshMode, RefreshReply, Settings};
use crate::shared::World;
use crate::world::grants::{Code, Grant, GrantId, TokenKind};

/// Handles `POST` of the token endpoint.
pub(super) async fn handle(
    State(context): State<PlatformContext>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::from_body(&headers, &body);
    let endpoint = match form.get("grant_type") {
        Some("authorization_code") => "token.authorization_code",
        Some("refresh_token") => "token.refresh_token",
        _ => "token.other",
    };
    let work = respond(&context, &headers, &form);
    context.serve_endpoint(endpoint, work).await
}

async fn respond(context: &PlatformContext, headers: &HeaderMap, form: &Form) -> Response {
    let (platform, settings) = (&context.platform, context.settings());
    if let Some(blocked) = platform.block(headers) {
        return blocked;
    }
    if !has_required_params(context, form) {
        return platform.error_response(OAuthError::InvalidRequest, settings);
    }
    let Some(client) = authenticated_client(context, headers, form) else {
        return platform.error_response(OAuthError::InvalidClient, settings);
    };
    let window = context.count_call(&format!("token/{}", client.id), settings.token_quota);
    let outcome = if window.is_exceeded() {
        Err(OAuthError::RateLimited {
            retry_after_seconds: window.reset_seconds,
        })
    } else {
        grant_tokens(context, client, form)
    };
    let mut response = match outcome {
        Ok((tokens, fault)) => {
            if fault == ConsentFault::SlowToken {
                tokio::time::sleep(Duration::from_secs(ConsentFault::SLOW_SECONDS)).await;
            }
            platform.token_response(tokens)
        }
        // A failing platform sends no rate limit headers.
        Err(error @ OAuthError::ServerError) => return platform.error_response(error, settings),
        Err(error) => platform.error_response(error, settings),
    };
    platform.set_rate_limit_headers(&mut response, window);
    response
}

/// Returns whether the form has all parameters that the platform requires of every call.
pub(super) fn has_required_params(context: &PlatformContext, form: &Form) -> bool {
    context
        .platform
        .profile()
        .required_params
        .iter()
        .all(|name| form.get(name).is_some())
}

/// Returns the registered client if its id and secret are correct.
pub(super) fn authenticated_client(
    context: &PlatformContext,
    headers: &HeaderMap,
    form: &Form,
) -> Option<&'static Client> {
    let (id, secret) = context.platform.credentials(headers, form)?;
    let client = context
        .platform
        .profile()
        .clients
        .iter()
        .find(|client| client.id == id)?;
    bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes())).then_some(client)
}

/// The issued tokens and the fault of the consent, or the error to return.
type Outcome = Result<(IssuedTokens, ConsentFault), OAuthError>;

fn grant_tokens(context: &PlatformContext, client: &Client, form: &Form) -> Outcome {
    match form.get("grant_type") {
        Some("authorization_code") => exchange_code(context, client, form),
        Some("refresh_token") => {
            refresh(context, client, form).map(|tokens| (tokens, ConsentFault::None))
        }
        Some(other) if context.platform.profile().app_only_grants.contains(&other) => {
            Err(app_only_error(context, form))
        }
        _ => Err(OAuthError::UnsupportedGrantType),
    }
}

/// Returns the error for a grant type without a user. The simulated apps may not use these.
fn app_only_error(context: &PlatformContext, form: &Form) -> OAuthError {
    let profile = context.platform.profile();
    let mut requested = form
        .get("scope")
        .unwrap_or_default()
        .split(profile.scope_separators)
        .filter(|id| !id.is_empty());
    let all_exist = requested.all(|id| profile.scopes.iter().any(|scope| scope.id == id));
    if all_exist {
        OAuthError::UnauthorizedClient
    } else {
        OAuthError::InvalidScope
    }
}

/// Exchanges a code for tokens. A rejected attempt does not consume the code, because only the
/// right client with the right redirect URI can use it.
fn exchange_code(context: &PlatformContext, client: &Client, form: &Form) -> Outcome {
    let (Some(code), Some(redirect_uri)) = (form.get("code"), form.get("redirect_uri")) else {
        return Err(OAuthError::InvalidRequest);
    };
    let (now, settings) = (context.shared.now(), context.settings());
    let mut world = context.shared.world();
    let pending = world
        .grants
        .pending_code(code)
        .filter(|pending| {
            pending.platform == context.slug()
                && pending.client == client.id
                && pending.redirect_uri == redirect_uri
                && now < pending.expires_at
        })
        .ok_or(OAuthError::InvalidGrant)?;
    verify_pkce(context, pending, form)?;
    let (offline_access, fault) = (pending.offline_access, pending.consent_fault);
    if let Some(error) = first_exchange_error(fault) {
        pending.consent_fault = ConsentFault::None;
        return Err(error);
    }
    let id = world
        .grants
        .redeem_code(code)
        .ok_or(OAuthError::InvalidGrant)?;
    extend_refresh_expiry(context, &mut world, id);
    let mut tokens =
        new_access(context, &mut world, id, settings.expires_in).ok_or(OAuthError::InvalidGrant)?;
    if offline_access {
        let token = new_token(context, &world, id);
        world.grants.replace_refresh_token(id, &token, false, now);
        tokens.refresh_token = Some(token);
    }
    Ok((tokens, fault))
}

fn verify_pkce(context: &PlatformContext, code: &Code, form: &Form) -> Result<(), OAuthError> {
    let pkce = context.platform.profile().pkce;
    code.challenge.as_ref().map_or(Ok(()), |challenge| {
        pkce.verify(form.get("code_verifier"), challenge)
    })
}

/// Returns the error of the first exchange if the person selected such a fault at consent.
fn first_exchange_error(fault: ConsentFault) -> Option<OAuthError> {
    match fault {
        ConsentFault::RateLimited => Some(OAuthError::RateLimited {
            retry_after_seconds: ConsentFault::RETRY_AFTER_SECONDS,
        }),
        ConsentFault::ServerError => Some(OAuthError::ServerError),
        _ => None,
    }
}

/// Creates a grant of `person` to the platform's first app with all scopes, and returns its access
/// and refresh token. Returns `None` if the platform has its own token endpoint.
pub(crate) fn issue_tokens(context: &PlatformContext, person: &str) -> Option<(String, String)> {
    let (now, settings, profile) = (
        context.shared.now(),
        context.settings(),
        context.platform.profile(),
    );
    let client = profile
        .clients
        .first()
        .filter(|_| !context.platform.has_own_token_endpoint())?;
    let mut world = context.shared.world();
    let mut grant = Grant::new(
        profile.slug,
        client.id.to_owned(),
        person.to_owned(),
        ConsentFault::None,
    );
    grant.scopes = profile.scopes.iter().map(|scope| scope.id).collect();
    let id = world.grants.create(grant);
    extend_refresh_expiry(context, &mut world, id);
    let access = new_access(context, &mut world, id, settings.expires_in)?.access_token;
    let refresh = new_token(context, &world, id);
    world.grants.replace_refresh_token(id, &refresh, false, now);
    Some((access, refresh))
}

fn refresh(
    context: &PlatformContext,
    client: &Client,
    form: &Form,
) -> Result<IssuedTokens, OAuthError> {
    let presented = form
        .get("refresh_token")
        .ok_or(OAuthError::InvalidRefreshToken)?;
    let (now, settings) = (context.shared.now(), context.settings());
    let mut world = context.shared.world();
    let reuse = context.platform.profile().refresh_token_reuse;
    let reused = world.grants.consumed_refresh(presented);
    if let (Some(id), RefreshTokenReuse::RevokesGrant) = (reused, reuse) {
        world.grants.revoke(id);
    }
    let (id, grant) = world
        .grants
        .find(TokenKind::Refresh, presented, now)
        .ok_or(OAuthError::InvalidRefreshToken)?;
    if grant.platform != context.slug() || grant.client != client.id || grant.refuses_refresh {
        return Err(OAuthError::InvalidRefreshToken);
    }
    if settings.refresh_expiry == RefreshExpiry::Rolling {
        extend_refresh_expiry(context, &mut world, id);
    }
    let mut tokens = new_access(context, &mut world, id, settings.expires_in)
        .ok_or(OAuthError::InvalidRefreshToken)?;
    tokens.refresh_token = rotate(context, &mut world, id, presented, settings);
    Ok(tokens)
}

/// Rotates the refresh token if the platform does so, and returns the one to put in the response.
fn rotate(
    context: &PlatformContext,
    world: &mut World,
    id: GrantId,
    presented: &str,
    settings: Settings,
) -> Option<String> {
    match (settings.refresh_token, settings.refresh_reply) {
        (RefreshMode::Keep, RefreshReply::Omit) => None,
        (RefreshMode::Keep, RefreshReply::Repeat) => Some(presented.to_owned()),
        (mode, _) => {
            let token = new_token(context, world, id);
            let graceful = mode == RefreshMode::RotateGrace;
            let now = context.shared.now();
            world
                .grants
                .replace_refresh_token(id, &token, graceful, now);
            Some(token)
        }
    }
}

/// Sets the expiry of the grant's refresh tokens to a full lifetime from now, if they expire.
fn extend_refresh_expiry(context: &PlatformContext, world: &mut World, id: GrantId) {
    if let Some(ttl_seconds) = context.platform.profile().refresh_ttl_seconds {
        world.grants.set_refresh_expiry(
            id,
            context.shared.now() + SignedDuration::from_secs(ttl_seconds),
        );
    }
}

/// Adds an access token to a grant. `expires_in` is its lifetime in seconds.
fn new_access(
    context: &PlatformContext,
    world: &mut World,
    id: GrantId,
    expires_in: u32,
) -> Option<IssuedTokens> {
    let now = context.shared.now();
    let access_token = new_token(context, world, id);
    let expires_at = now + SignedDuration::from_secs(i64::from(expires_in));
    let grant = world.grants.get(id)?;
    let tokens = IssuedTokens {
        access_token: access_token.clone(),
        refresh_token: None,
        expires_in,
        refresh_expires_in: grant.refresh_expires_at.map(|end| end.since(now).as_secs()),
        scopes: grant.scopes.clone(),
        person: grant.person.clone(),
        client: grant.client.clone(),
    };
    world
        .grants
        .add_access_token(id, &access_token, expires_at, now);
    Some(tokens)
}

/// Returns a random token with the platform's prefix for the grant's person.
fn new_token(context: &PlatformContext, world: &World, id: GrantId) -> String {
    let person = world
        .grants
        .get(id)
        .map_or("", |grant| grant.person.as_str());
    format!(
        "{}{}",
        context.platform.token_prefix(person),
        context.shared.random()
    )
}
