//! Who calls, and may they? As extractors, so that a handler cannot forget to ask.

use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use evergrant_model::{Actor, Call, CorrelationId, ErrorCode, ExternalId, UserId};
use evergrant_service::{
    Caller, IntegrationsService, KeyScope, Presence, UserRef, constant_time_eq, csrf_token,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use percent_encoding::percent_decode_str;

use crate::console::ConsoleCookie;
use crate::problem::ApiError;
use crate::state::ApiState;

const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const EVERGRANT_USER: HeaderName = HeaderName::from_static("evergrant-user");

/// What a route lets its callers do.
pub(crate) trait Permission: Send + Sync + 'static {
    /// The scope that an API key needs.
    const SCOPE: KeyScope;
    /// Whether the user's own browser may do it too.
    const BROWSER: bool;
    /// Whether it shows that somebody is there.
    const PRESENCE: Presence = Presence::Active;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $scope:ident, browser: $browser:literal $(, presence: $presence:ident)?;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Permission for $name {
            const SCOPE: KeyScope = KeyScope::$scope;
            const BROWSER: bool = $browser;
            $(const PRESENCE: Presence = Presence::$presence;)?
        }
    )*};
}

permissions! {
    /// See what somebody has begun.
    Read: ConnectionsRead, browser: true;
    /// See connections, which a page does by itself to stay up to date.
    Watch: ConnectionsRead, browser: true, presence: Passive;
    /// Change connections.
    Write: ConnectionsWrite, browser: true;
    /// Read platform tokens: never the browser.
    ReadTokens: TokensRead, browser: false;
    /// Change connections, as the app's server.
    ServerWrite: ConnectionsWrite, browser: false;
    /// Make and delete users, as the app's server.
    WriteUsers: UsersWrite, browser: false;
}

/// A caller who may do `P`, for no user in particular.
pub(crate) struct Allowed<P> {
    pub(crate) caller: Caller,
    pub(crate) call: Call,
    permission: PhantomData<P>,
}

/// A caller who may do `P` for `user`: the browser's own user, or the one whom the app's server
/// names.
pub(crate) struct ForUser<P> {
    pub(crate) user: UserId,
    pub(crate) caller: Caller,
    pub(crate) call: Call,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<ApiState> for Allowed<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let correlation_id = correlation_id(parts)?;
        let caller = if parts.headers.contains_key(header::AUTHORIZATION) {
            let bearer = bearer(parts).ok_or_else(unauthenticated)?;
            state
                .service
                .authenticator()
                .authenticate(bearer, &correlation_id)
                .await?
                .ok_or_else(unauthenticated)?
        } else {
            by_cookie(parts, &state.service, P::PRESENCE).await?
        };
        let allowed = match &caller {
            Caller::App { scopes, .. } => scopes.contains(&P::SCOPE),
            Caller::Browser { .. } | Caller::Console { .. } => P::BROWSER,
        };
        if !allowed {
            return Err(forbidden());
        }
        let call = state.service.call(caller.actor(), correlation_id);
        Ok(Self {
            caller,
            call,
            permission: PhantomData,
        })
    }
}

impl<P: Permission> FromRequestParts<ApiState> for ForUser<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let Allowed {
            caller,
            call,
            permission,
        } = Allowed::<P>::from_request_parts(parts, state).await?;
        let user = match caller.user() {
            Some(user) => user,
            None => named_user(parts, &state.service).await?,
        };
        Ok(Self {
            user,
            caller,
            call,
            permission,
        })
    }
}

impl<P> ForUser<P> {
    /// Whether it is the user's own browser that calls.
    pub(crate) fn is_browser(&self) -> bool {
        self.caller.user().is_some()
    }
}

/// The call of a browser without a credential, which proves itself by a state, a receipt or a
/// signed address.
pub(crate) struct Visitor(pub(crate) Call);

impl FromRequestParts<ApiState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Ok(Self(
            state.service.call(Actor::Visitor, correlation_id(parts)?),
        ))
    }
}

/// The id that `request::around` has given to the request.
pub(crate) fn correlation_id(parts: &Parts) -> Result<CorrelationId, ApiError> {
    let id = parts.extensions.get::<CorrelationId>().cloned();
    id.ok_or_else(|| ApiError::new(ErrorCode::InternalError, "A request came without its id."))
}

/// The user who is signed in to the console there.
async fn by_cookie(
    parts: &Parts,
    service: &IntegrationsService,
    presence: Presence,
) -> Result<Caller, ApiError> {
    let cookie = ConsoleCookie::of(service)
        .read(&parts.headers)
        .ok_or_else(unauthenticated)?;
    let signed_in = service
        .console()
        .signed_in(cookie, presence)
        .await?
        .ok_or_else(unauthenticated)?;
    check_csrf(parts, cookie)?;
    Ok(signed_in.caller)
}

/// A browser sends its cookie with whatever any site makes it send; only our own page can read what
/// goes beside it.
pub(crate) fn check_csrf(parts: &Parts, cookie: &str) -> Result<(), ApiError> {
    let mut sent = parts.headers.get_all(CSRF_TOKEN).iter();
    let expected = csrf_token(cookie);
    let is_ours = |token: &HeaderValue| constant_time_eq(token.as_bytes(), expected.as_bytes());
    let proven = sent.next().is_some_and(is_ours) && sent.next().is_none();
    if parts.method.is_safe() || proven {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::Forbidden,
        "This request needs the session's csrfToken as X-CSRF-Token.",
    ))
}

fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| credential.trim())
}

async fn named_user(parts: &Parts, service: &IntegrationsService) -> Result<UserId, ApiError> {
    let mut values = parts.headers.get_all(EVERGRANT_USER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let detail = "Say whom this is for: one Evergrant-User header with a user id, or ext: and your own id.";
        return Err(ApiError::new(ErrorCode::InvalidUserId, detail));
    };
    let user = value
        .to_str()
        .ok()
        .and_then(user_ref)
        .ok_or_else(invalid_user)?;
    Ok(service.users().resolve(&user).await?)
}

/// `42`, or `ext:` and the app's own id, percent-encoded.
pub(crate) fn user_ref(text: &str) -> Option<UserRef> {
    match text.strip_prefix("ext:") {
        None => UserId::from_str(text).ok().map(UserRef::Id),
        Some(encoded) => {
            let external = percent_decode_str(encoded).decode_utf8().ok()?;
            ExternalId::new(external).ok().map(UserRef::External)
        }
    }
}

pub(crate) fn invalid_user() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidUserId,
        "A user id is a whole number from 1 to 2147483647, or ext: and your own id.",
    )
}

pub(crate) fn unauthenticated() -> ApiError {
    ApiError::new(
        ErrorCode::Unauthenticated,
        "A valid API key or session token is needed.",
    )
}

pub(crate) fn forbidden() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "This credential may not do that.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_named_by_number_or_by_the_apps_own_id() {
        assert!(matches!(user_ref("42"), Some(UserRef::Id(id)) if id.get() == 42));
        let external = ExternalId::new("a/b é").unwrap();
        assert_eq!(
            user_ref("ext:a%2Fb%20%C3%A9"),
            Some(UserRef::External(external))
        );
        for bad in [
            "",
            "0",
            "-1",
            "one",
            "2147483648",
            "ext:",
            "ext:%ff",
            "ext:%0a",
            "EXT:1",
        ] {
            assert_eq!(user_ref(bad), None, "{bad}");
        }
    }
}
