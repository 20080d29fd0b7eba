//! Authentication and authorization of callers.
//!
//! Both are extractors: a handler that takes one cannot run without the check.

use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use evergrant_model::{Actor, Call, CorrelationId, ErrorCode, ExternalId, UserId};
use evergrant_service::{
    Caller, IntegrationsService, KeyScope, Presence, UserRef, constant_time_eq, csrf_token,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::percent_decode_str;

use crate::console::ConsoleCookie;
use crate::problem::ApiError;
use crate::state::ApiState;

const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const EVERGRANT_USER: HeaderName = HeaderName::from_static("evergrant-user");

/// The permission that a route requires.
pub(crate) trait Permission: Send + Sync + 'static {
    /// The scope that an API key needs.
    const SCOPE: KeyScope;
    /// Whether the user's browser has the permission too, by a session token or the console's
    /// cookie.
    const BROWSER: bool;
    /// Whether a request counts as use of a console session and extends it.
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
    /// Read the user's flows.
    Read: ConnectionsRead, browser: true;
    /// Read connections by background polling, which does not extend a console session.
    PassiveRead: ConnectionsRead, browser: true, presence: Passive;
    /// Change the user's connections.
    Write: ConnectionsWrite, browser: true;
    /// Read platform tokens. Browsers never have this permission.
    ReadTokens: TokensRead, browser: false;
    /// Change connections of any user. Only API keys have this permission.
    ServerWrite: ConnectionsWrite, browser: false;
    /// Create and delete users. Only API keys have this permission.
    WriteUsers: UsersWrite, browser: false;
}

/// An authenticated caller with permission `P`, for a route that does not act for one user.
pub(crate) struct Authorized<P> {
    pub(crate) caller: Caller,
    pub(crate) call: Call,
    permission: PhantomData<P>,
}

/// An authenticated caller with permission `P` for `user`: the browser's own user, or the user that
/// the app's server names in `Evergrant-User`.
pub(crate) struct ForUser<P> {
    pub(crate) user: UserId,
    pub(crate) caller: Caller,
    pub(crate) call: Call,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<ApiState> for Authorized<P> {
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
            authenticate_cookie(parts, &state.service, P::PRESENCE).await?
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
        let Authorized {
            caller,
            call,
            permission,
        } = Authorized::<P>::from_request_parts(parts, state).await?;
        let named = named_user(&parts.headers)?;
        let user = match (caller.user(), named) {
            (Some(user), _) => user,
            (None, Some(named)) => state.service.users().resolve(&named).await?,
            (None, None) => return Err(user_required()),
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
    /// Returns whether the caller is the user's browser, not the app's server.
    pub(crate) fn is_browser(&self) -> bool {
        self.caller.user().is_some()
    }
}

/// The call of a browser without a credential. The route checks a state, a receipt or a signature
/// instead.
pub(crate) struct AnonymousCall(pub(crate) Call);

impl FromRequestParts<ApiState> for AnonymousCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Ok(Self(
            state.service.call(Actor::Visitor, correlation_id(parts)?),
        ))
    }
}

/// Returns the correlation id that [`crate::request::handle`] gave the request.
pub(crate) fn correlation_id(parts: &Parts) -> Result<CorrelationId, ApiError> {
    let id = parts.extensions.get::<CorrelationId>().cloned();
    id.ok_or_else(|| {
        ApiError::new(
            ErrorCode::InternalError,
            "The request has no correlation id.",
        )
    })
}

/// Authenticates the holder of a console cookie.
async fn authenticate_cookie(
    parts: &Parts,
    service: &IntegrationsService,
    presence: Presence,
) -> Result<Caller, ApiError> {
    let cookie = ConsoleCookie::new(service)
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

/// Requires the session's CSRF token on requests with an unsafe method.
///
/// A browser attaches the cookie to requests that other sites cause; only the console's own pages
/// can read the token.
///
/// # Errors
///
/// `FORBIDDEN` if the token is missing, repeated or wrong.
pub(crate) fn check_csrf(parts: &Parts, cookie: &str) -> Result<(), ApiError> {
    let mut sent = parts.headers.get_all(CSRF_TOKEN).iter();
    let expected = csrf_token(cookie);
    let is_valid = |token: &HeaderValue| constant_time_eq(token.as_bytes(), expected.as_bytes());
    let proven = sent.next().is_some_and(is_valid) && sent.next().is_none();
    if parts.method.is_safe() || proven {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::Forbidden,
        "Send the session's csrfToken in the X-CSRF-Token header.",
    ))
}

/// Returns the bearer credential; `None` if `Authorization` is missing, repeated or of another
/// scheme (RFC 6750 §2.1).
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

/// Returns the user that `Evergrant-User` names; `None` without the header.
///
/// # Errors
///
/// `INVALID_USER_ID` if the header is repeated or malformed.
fn named_user(headers: &HeaderMap) -> Result<Option<UserRef>, ApiError> {
    let mut values = headers.get_all(EVERGRANT_USER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(user_required()),
        (Some(value), None) => {
            let user = value.to_str().ok().and_then(user_in_header);
            user.map(Some).ok_or_else(invalid_user)
        }
    }
}

fn user_required() -> ApiError {
    let detail =
        "Send one Evergrant-User header with a user id, or with ext: and your own id for the user.";
    ApiError::new(ErrorCode::InvalidUserId, detail)
}

/// Parses a user id such as `42`, or `ext:` and the app's own id for the user, percent-encoded.
fn user_in_header(text: &str) -> Option<UserRef> {
    let Some(encoded) = text.strip_prefix("ext:") else {
        return user_in_path(text);
    };
    let decoded = percent_decode_str(encoded).decode_utf8().ok()?;
    let external = is_percent_encoded(encoded).then(|| ExternalId::new(decoded).ok());
    external.flatten().map(UserRef::External)
}

/// Parses a user id such as `42`, or `ext:` and the app's own id for the user, which the path's
/// percent-encoding no longer encodes.
pub(crate) fn user_in_path(text: &str) -> Option<UserRef> {
    match text.strip_prefix("ext:") {
        None => UserId::from_str(text).ok().map(UserRef::Id),
        Some(external) => ExternalId::new(external).ok().map(UserRef::External),
    }
}

/// Returns whether the text consists of visible ASCII characters and every `%` begins an encoded
/// byte.
fn is_percent_encoded(text: &str) -> bool {
    let is_encoded = |after: &str| {
        let digits = after.as_bytes().iter().take(2);
        digits.filter(|b| b.is_ascii_hexdigit()).count() == 2
    };
    text.bytes().all(|b| b.is_ascii_graphic()) && text.split('%').skip(1).all(is_encoded)
}

pub(crate) fn invalid_user() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidUserId,
        "A user id must be a whole number from 1 to 2147483647, or ext: and your own id for the user.",
    )
}

pub(crate) fn unauthenticated() -> ApiError {
    ApiError::new(
        ErrorCode::Unauthenticated,
        "Send a valid API key or session token.",
    )
}

pub(crate) fn forbidden() -> ApiError {
    ApiError::new(
        ErrorCode::Forbidden,
        "This credential does not allow this request.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_in_header_is_a_number_or_a_percent_encoded_external_id() {
        assert!(matches!(user_in_header("42"), Some(UserRef::Id(id)) if id.get() == 42));
        let external = ExternalId::new("a/b é").unwrap();
        assert_eq!(
            user_in_header("ext:a%2Fb%20%C3%A9"),
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
            "ext:a b",
            "ext:100%",
            "ext:%2",
            "ext:%zz",
            "EXT:1",
        ] {
            assert_eq!(user_in_header(bad), None, "{bad}");
        }
    }

    #[test]
    fn user_in_path_is_not_decoded_again() {
        let external = ExternalId::new("100%41").unwrap();
        let found = user_in_path("ext:100%41");
        assert_eq!(found, Some(UserRef::External(external)));
        for bad in ["", "0", "ext:", "ext:a\n"] {
            assert_eq!(user_in_path(bad), None, "{bad}");
        }
    }
}
