//! `/api/sessions`: tokens for users' browsers.

use axum::Json;
use axum::extract::State;
use evergrant_model::{Call, ErrorCode, ExternalId, Timestamp, UserId};
use evergrant_service::{Caller, IntegrationsService, KeyScope, NewUser, ServiceError, UserRef};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Allowed, ForUser, ServerWrite, Write};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;
use crate::users::user_number;

/// Whose browser.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateSession {
    /// The user's id; either this or `externalId`.
    #[schema(value_type = Option<i32>, minimum = 1)]
    user_id: Option<serde_json::Value>,
    /// Your own id of the user.
    external_id: Option<String>,
    /// How long the token is good, in seconds: 1 to 900; 900.
    ttl_seconds: Option<i64>,
    /// Whether to make an address too that opens the console as the user; false.
    #[serde(default)]
    portal: bool,
}

/// A token for the user's browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// To be sent as `Authorization: Bearer`.
    token: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// With `portal`: opens the console as the user, once, within five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// What came of ending sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    /// Always true: a failure is a problem document.
    success: bool,
}

/// Begins a session for a user's browser, which may see and change that user's own connections and
/// read no token.
///
/// Makes the user where there is none and the key has `users:write`.
#[utoipa::path(post, path = "/api/sessions", operation_id = "createSession", tag = "Sessions", security(("apiKey" = [])), request_body = CreateSession, responses(
    (status = 200, description = "The token", body = Session),
    (status = 400, description = "`INVALID_USER_ID`, `INVALID_REQUEST`", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`USER_NOT_FOUND`, where the key may not make users", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    allowed: Allowed<ServerWrite>,
    Body(body): Body<CreateSession>,
) -> Result<Json<Session>, ApiError> {
    let user = wanted_user(&body)?;
    let may_make = matches!(&allowed.caller, Caller::App { scopes, .. } if scopes.contains(&KeyScope::UsersWrite));
    let user = found_or_made(&state.service, &allowed.call, &user, may_make).await?;
    let issued = state
        .service
        .sessions()
        .create(&allowed.call, user, body.ttl_seconds)
        .await?;
    let url = if body.portal {
        Some(portal_url(&state.service, &allowed.call, user).await?)
    } else {
        None
    };
    let token = issued.secret.expose_secret().to_owned();
    Ok(Json(Session {
        token,
        expires_at: issued.stored.expires_at,
        url,
    }))
}

async fn portal_url(
    service: &IntegrationsService,
    call: &Call,
    user: UserId,
) -> Result<String, ServiceError> {
    let code = service.console().create_link(call, user).await?;
    let base = service
        .settings()
        .public_url
        .as_str()
        .trim_end_matches('/')
        .to_owned();
    Ok(format!("{base}/portal/{}", code.expose_secret()))
}

/// Ends sessions: a session token ends itself, an API key ends all of the user whom it names.
#[utoipa::path(delete, path = "/api/sessions", operation_id = "endSessions", tag = "Sessions",
    params(("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")), responses(
    (status = 200, description = "Ended", body = Ended),
    (status = 400, description = "`INVALID_USER_ID`", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn end(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
) -> Result<Json<Ended>, ApiError> {
    let (sessions, call) = (state.service.sessions(), &caller.call);
    if let Some(session) = caller.caller.session() {
        sessions.end(call, session).await?;
    } else {
        let user = state
            .service
            .users()
            .get(call, &UserRef::Id(caller.user))
            .await?;
        sessions.end_all(call, user.id).await?;
    }
    Ok(Json(Ended { success: true }))
}

fn wanted_user(body: &CreateSession) -> Result<UserRef, ApiError> {
    match (&body.user_id, &body.external_id) {
        (Some(id), None) => Ok(UserRef::Id(user_number(id)?)),
        (None, Some(external)) => match ExternalId::new(external.as_str()) {
            Ok(external) => Ok(UserRef::External(external)),
            Err(error) => Err(ServiceError::field("externalId", error.expectation()).into()),
        },
        _ => Err(ServiceError::field("userId", "give either userId or externalId").into()),
    }
}

async fn found_or_made(
    service: &IntegrationsService,
    call: &Call,
    wanted: &UserRef,
    may_make: bool,
) -> Result<UserId, ServiceError> {
    match service.users().get(call, wanted).await {
        Err(error) if may_make && error.code() == ErrorCode::UserNotFound => {
            let new = match wanted {
                UserRef::Id(id) => NewUser {
                    id: Some(*id),
                    ..NewUser::default()
                },
                UserRef::External(external) => NewUser {
                    external_id: Some(external.clone()),
                    ..NewUser::default()
                },
            };
            Ok(service.users().create(call, &new).await?.0.id)
        }
        found => found.map(|user| user.id),
    }
}
