//! `/console/session`: who is signed in to the console.

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
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;
use crate::users::user_number;

/// Somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    /// The user's id.
    #[schema(minimum = 1)]
    id: i32,
    /// Their name; null where the app has not said.
    name: Option<String>,
    /// Their e-mail address; null where the app has not said.
    email: Option<String>,
    /// The app's own id of them; null where there is none.
    external_id: Option<String>,
}

/// A session of the console.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleSession {
    /// Who is signed in.
    user: Person,
    /// Goes with every request that changes something, as `X-CSRF-Token`.
    csrf_token: String,
    /// When the session ends at the latest; it also ends an hour after its last use.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whom one may be; empty but in `evergrant dev`.
    people: Vec<Person>,
    /// The program's version.
    version: &'static str,
    /// Whether this is `evergrant dev`.
    dev: bool,
}

/// Whom to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Become {
    /// One of `people`.
    #[schema(value_type = i32, minimum = 1)]
    user_id: serde_json::Value,
}

/// Whoever holds the console's cookie; with an unsafe method, and its CSRF token.
pub(crate) struct Holder {
    signed_in: SignedIn,
    cookie: SecretString,
    call: Call,
}

impl FromRequestParts<ApiState> for Holder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let cookie = ConsoleCookie::of(&state.service)
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

impl Holder {
    async fn end(&self, state: &ApiState) -> Result<(), ApiError> {
        match self.signed_in.caller.session() {
            Some(session) => Ok(state.service.sessions().end(&self.call, session).await?),
            None => Err(forbidden()),
        }
    }
}

/// Who is signed in to the console.
#[utoipa::path(get, path = "/console/session", operation_id = "getConsoleSession", tag = "Console", security(("console" = [])),
    responses((status = 200, description = "The session", body = ConsoleSession)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    holder: Holder,
) -> Result<Json<ConsoleSession>, ApiError> {
    session(
        &state,
        &holder.call,
        holder.signed_in.user,
        &holder.cookie,
        holder.signed_in.expires_at,
    )
    .await
}

/// Becomes another of the `people`; in `evergrant dev` alone. The cookie is another one then.
#[utoipa::path(post, path = "/console/session", operation_id = "changeConsoleSession", tag = "Console", security(("console" = [])),
    request_body = Become, params(("X-CSRF-Token" = String, Header, description = "`csrfToken` of the session")), responses(
    (status = 200, description = "The new session", body = ConsoleSession),
    (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(state): State<ApiState>,
    holder: Holder,
    Body(body): Body<Become>,
) -> Result<([(HeaderName, http::HeaderValue); 1], Json<ConsoleSession>), ApiError> {
    if state.people.is_empty() {
        return Err(forbidden());
    }
    let wanted = user_number(&body.user_id)?;
    let Some(user) = state
        .people
        .iter()
        .copied()
        .find(|person| *person == wanted)
    else {
        return Err(ServiceError::field("userId", "must be one of people").into());
    };
    let started = state.service.console().start(&holder.call, user).await?;
    holder.end(&state).await?;
    let given = ConsoleCookie::of(&state.service).given(&started.secret);
    let shown = session(
        &state,
        &holder.call,
        user,
        &started.secret,
        started.stored.expires_at,
    )
    .await?;
    Ok(([(header::SET_COOKIE, given)], shown))
}

/// Signs out.
#[utoipa::path(delete, path = "/console/session", operation_id = "endConsoleSession", tag = "Console", security(("console" = [])),
    params(("X-CSRF-Token" = String, Header, description = "`csrfToken` of the session")),
    responses((status = 204, description = "Signed out, here and on the server")))]
pub(crate) async fn end(
    State(state): State<ApiState>,
    holder: Holder,
) -> Result<(StatusCode, [(HeaderName, http::HeaderValue); 1]), ApiError> {
    holder.end(&state).await?;
    let taken_back = ConsoleCookie::of(&state.service).taken_back();
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, taken_back)]))
}

async fn session(
    state: &ApiState,
    call: &Call,
    user: UserId,
    cookie: &SecretString,
    expires_at: Timestamp,
) -> Result<Json<ConsoleSession>, ApiError> {
    let mut people = Vec::new();
    for one in state.people.iter() {
        match person(state, call, *one).await {
            Ok(found) => people.push(found),
            Err(error) if error.0.code() == ErrorCode::UserNotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Json(ConsoleSession {
        user: person(state, call, user).await?,
        csrf_token: csrf_token(cookie.expose_secret()),
        expires_at,
        people,
        version: env!("CARGO_PKG_VERSION"),
        dev: !state.people.is_empty(),
    }))
}

async fn person(state: &ApiState, call: &Call, user: UserId) -> Result<Person, ApiError> {
    let found = state.service.users().get(call, &UserRef::Id(user)).await?;
    let external_id = found.external_id.map(|id| id.as_str().to_owned());
    Ok(Person {
        id: found.id.get(),
        name: found.name,
        email: found.email,
        external_id,
    })
}
