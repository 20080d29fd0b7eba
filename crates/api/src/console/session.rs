//! `/console/session`: the console's current session.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use evergrant_model::{Call, ErrorCode, Timestamp, UserId};
use evergrant_service::{Presence, ServiceError, SignedIn, UserRef, csrf_token};
use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConsoleCookie;
use crate::body::Body;
use crate::caller::{check_csrf, correlation_id, forbidden, unauthenticated};
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::users::user_id;

/// A user, as the console shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleUser {
    /// Id of the user.
    #[schema(minimum = 1)]
    id: i32,
    /// Name; null if the app has not set one.
    name: Option<String>,
    /// E-mail address; null if the app has not set one.
    email: Option<String>,
    /// The app's own id for the user; null if the app has not set one.
    external_id: Option<String>,
}

/// A session of the console.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleSession {
    /// The user who is signed in.
    user: ConsoleUser,
    /// CSRF token, to be sent as `X-CSRF-Token` with every unsafe method.
    csrf_token: String,
    /// When the session ends at the latest. It ends earlier if it is not used for an hour.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The app's page to which the console leads back, as the app named it in
    /// `POST /api/sessions`; null for none.
    return_url: Option<String>,
    /// The users to which the console can switch. Empty unless the program runs as `evergrant dev`.
    people: Vec<ConsoleUser>,
    /// Version of the program.
    version: &'static str,
    /// Whether the program runs as `evergrant dev`.
    dev: bool,
}

/// The user to switch to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SwitchUserRequest)]
pub(crate) struct SwitchUserBody {
    /// Id of one of `people`.
    #[schema(value_type = i32, minimum = 1)]
    user_id: serde_json::Value,
}

/// The session of the console's cookie. Requests with an unsafe method must also have sent its CSRF
/// token.
pub(crate) struct CurrentSession {
    signed_in: SignedIn,
    cookie: SecretString,
    call: Call,
}

impl FromRequestParts<ApiState> for CurrentSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let cookie = ConsoleCookie::new(&state.service)
            .read(&parts.headers)
            .ok_or_else(unauthenticated)?;
        let signed_in = state
            .service
            .console()
            .signed_in(cookie, Presence::Active)
            .await?;
        let signed_in = signed_in.ok_or_else(unauthenticated)?;
        check_csrf(parts, cookie)?;
        let call = state
            .service
            .call(signed_in.caller.actor(), correlation_id(parts)?);
        Ok(Self {
            signed_in,
            cookie: cookie.into(),
            call,
        })
    }
}

impl CurrentSession {
    async fn end(&self, state: &ApiState) -> Result<(), ApiError> {
        match self.signed_in.caller.session() {
            Some(session) => Ok(state.service.sessions().end(&self.call, session).await?),
            None => Err(forbidden()),
        }
    }
}

/// Get the console session
///
/// Returns the signed-in user and the CSRF token of the session.
#[utoipa::path(get, path = "/console/session", operation_id = "getConsoleSession", tag = "Console",
    security(("console" = [])),
    responses((status = 200, description = "The session", body = ConsoleSession)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    current: CurrentSession,
) -> Result<Json<ConsoleSession>, ApiError> {
    session(&state, &current.call, &current.signed_in, &current.cookie).await
}

/// Switch to another user
///
/// Starts a session of another of the `people`, with a new cookie, and ends the current session.
/// Only available in `evergrant dev`.
#[utoipa::path(post, path = "/console/session", operation_id = "changeConsoleSession",
    tag = "Console",
    security(("console" = [])), request_body = SwitchUserBody,
    responses(
        (status = 200, description = "The new session", body = ConsoleSession),
        (status = 400, description = "`INVALID_USER_ID`"),
        (status = 404, description = "`USER_NOT_FOUND`: the user was deleted"),
        (status = 422, description = "`VALIDATION_ERROR`: the user is not one of `people`"),
    ))]
pub(crate) async fn change(
    State(state): State<ApiState>,
    current: CurrentSession,
    Body(body): Body<SwitchUserBody>,
) -> Result<([(HeaderName, http::HeaderValue); 1], Json<ConsoleSession>), ApiError> {
    if state.dev_users.is_empty() {
        return Err(forbidden());
    }
    let user = user_id(&body.user_id)?;
    if !state.dev_users.contains(&user) {
        return Err(ServiceError::field("userId", "must be the id of one of people").into());
    }
    let return_url = current.signed_in.return_url.as_deref();
    let console = state.service.console();
    let started = console.start(&current.call, user, return_url).await?;
    current.end(&state).await?;
    let cookie = ConsoleCookie::new(&state.service).set(&started.secret);
    let signed_in = SignedIn {
        user,
        expires_at: started.stored.expires_at,
        ..current.signed_in
    };
    let shown = session(&state, &current.call, &signed_in, &started.secret).await?;
    Ok(([(header::SET_COOKIE, cookie)], shown))
}

/// Sign out of the console
///
/// Ends the session on the server and deletes the cookie.
#[utoipa::path(delete, path = "/console/session", operation_id = "endConsoleSession",
    tag = "Console",
    security(("console" = [])),
    responses((status = 204, description = "The session has ended")))]
pub(crate) async fn end(
    State(state): State<ApiState>,
    current: CurrentSession,
) -> Result<(StatusCode, [(HeaderName, http::HeaderValue); 1]), ApiError> {
    current.end(&state).await?;
    let deleted = ConsoleCookie::new(&state.service).delete();
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, deleted)]))
}

async fn session(
    state: &ApiState,
    call: &Call,
    signed_in: &SignedIn,
    cookie: &SecretString,
) -> Result<Json<ConsoleSession>, ApiError> {
    let mut people = Vec::new();
    for user in state.dev_users.iter() {
        match console_user(state, call, *user).await {
            Ok(found) => people.push(found),
            Err(error) if error.0.code() == ErrorCode::UserNotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Json(ConsoleSession {
        user: console_user(state, call, signed_in.user).await?,
        csrf_token: csrf_token(cookie.expose_secret()),
        expires_at: signed_in.expires_at,
        return_url: signed_in.return_url.clone(),
        people,
        version: env!("CARGO_PKG_VERSION"),
        dev: !state.dev_users.is_empty(),
    }))
}

async fn console_user(
    state: &ApiState,
    call: &Call,
    user: UserId,
) -> Result<ConsoleUser, ApiError> {
    let found = state.service.users().get(call, &UserRef::Id(user)).await?;
    let external_id = found.external_id.map(|id| id.as_str().to_owned());
    Ok(ConsoleUser {
        id: found.id.get(),
        name: found.name,
        email: found.email,
        external_id,
    })
}
