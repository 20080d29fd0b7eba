//! `/api/sessions`: session tokens for users' browsers.

use axum::Json;
use axum::extract::State;
use evergrant_model::{Call, ErrorCode, ExternalId, SignedDuration, Timestamp, UserId};
use evergrant_service::{Caller, IntegrationsService, KeyScope, NewUser, ServiceError, UserRef};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::body::Body;
use crate::caller::{Authorized, ForUser, ServerWrite, Write};
use crate::integers::optional_integer;
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::users::user_id;

/// The user and kind of a new session, as [`CreateSession`] describes them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateSessionBody {
    user_id: Option<serde_json::Value>,
    external_id: Option<String>,
    #[serde(default, deserialize_with = "optional_integer")]
    ttl_seconds: Option<i64>,
    #[serde(default)]
    portal: bool,
    return_url: Option<String>,
}

/// The user and kind of a new session. Exactly one of `userId` and `externalId` is required.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes `CreateSessionBody`")]
pub(crate) enum CreateSession {
    ById(CreateSessionById),
    ByExternalId(CreateSessionByExternalId),
}

/// Returns the schema of a member that names the user in the other way.
fn null() -> Object {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    null.description(Some("Null or absent.")).build()
}

/// A new session of a user, named by Evergrant's id.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "describes `CreateSessionBody`")]
pub(crate) struct CreateSessionById {
    /// Id of the user.
    user_id: i32,
    /// Null or absent.
    #[schema(schema_with = null)]
    external_id: Option<()>,
    /// Lifetime of the token in seconds, 1 to 900. Default: 900.
    #[schema(minimum = 1, maximum = 900)]
    ttl_seconds: Option<i64>,
    /// Whether to create a one-time link that opens the console as the user too. Default: false.
    #[serde(default)]
    portal: bool,
    /// The app's page to which the console leads back, from the allowed redirects. Only with
    /// `portal`. Default: none.
    return_url: Option<String>,
}

/// A new session of a user, named by your own id.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "describes `CreateSessionBody`")]
pub(crate) struct CreateSessionByExternalId {
    /// Your own id for the user, up to 255 characters.
    external_id: String,
    /// Null or absent.
    #[schema(schema_with = null)]
    user_id: Option<()>,
    /// Lifetime of the token in seconds, 1 to 900. Default: 900.
    #[schema(minimum = 1, maximum = 900)]
    ttl_seconds: Option<i64>,
    /// Whether to create a one-time link that opens the console as the user too. Default: false.
    #[serde(default)]
    portal: bool,
    /// The app's page to which the console leads back, from the allowed redirects. Only with
    /// `portal`. Default: none.
    return_url: Option<String>,
}

/// A session token for the user's browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// The session token, to be sent as `Authorization: Bearer`.
    token: String,
    /// When the token expires.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// URL that opens the console as the user, once, within five minutes. Present only with
    /// `portal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// The result of ending sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionsEnded {
    /// Always true: errors are problem documents.
    success: bool,
}

/// Create a session for a user's browser
///
/// Returns a token with which the user's browser can read and change that user's own connections,
/// but cannot read platform tokens. Creates the user if it does not exist and the API key has
/// `users:write`.
#[utoipa::path(post, path = "/api/sessions", operation_id = "createSession", tag = "Sessions",
    security(("apiKey" = ["connections:write"])), request_body = CreateSession,
    responses(
        (status = 200, description = "The session token", body = Session),
        (status = 400, description = "`INVALID_USER_ID`, `INVALID_REDIRECT_URL`, `INVALID_REQUEST`"),
        (status = 404,
            description = "`USER_NOT_FOUND`: the user does not exist and the API key lacks \
                `users:write`"),
        (status = 422, description = "`VALIDATION_ERROR`"),
    ))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authorized<ServerWrite>,
    Body(body): Body<CreateSessionBody>,
) -> Result<Json<Session>, ApiError> {
    let user = user_of(&body)?;
    let may_create = matches!(&caller.caller, Caller::App { scopes, .. } if scopes.contains(&KeyScope::UsersWrite));
    let user = find_or_create(&state.service, &caller.call, &user, may_create).await?;
    let url = match (body.portal, body.return_url.as_deref()) {
        (true, return_url) => {
            Some(portal_url(&state.service, &caller.call, user, return_url).await?)
        }
        (false, Some(_)) => {
            return Err(ServiceError::field("returnUrl", "is allowed only with portal").into());
        }
        (false, None) => None,
    };
    let ttl = body.ttl_seconds.map(SignedDuration::from_secs);
    let issued = state
        .service
        .sessions()
        .create(&caller.call, user, ttl)
        .await?;
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
    return_url: Option<&str>,
) -> Result<String, ServiceError> {
    let code = service
        .console()
        .create_link(call, user, return_url)
        .await?;
    let path = format!("/portal/{}", code.expose_secret());
    Ok(service.settings().public_url.join(&path))
}

/// End sessions
///
/// With a session token or the console's cookie, ends that session. With an API key, ends all
/// sessions of the user that `Evergrant-User` names.
#[utoipa::path(delete, path = "/api/sessions", operation_id = "endSessions", tag = "Sessions",
    params(("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The sessions have ended", body = SessionsEnded),
        (status = 400, description = "`INVALID_USER_ID`"),
        (status = 404, description = "`USER_NOT_FOUND`"),
    ))]
pub(crate) async fn end(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
) -> Result<Json<SessionsEnded>, ApiError> {
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
    Ok(Json(SessionsEnded { success: true }))
}

fn user_of(body: &CreateSessionBody) -> Result<UserRef, ApiError> {
    match (&body.user_id, &body.external_id) {
        (Some(id), None) => Ok(UserRef::Id(user_id(id)?)),
        (None, Some(external)) => match ExternalId::new(external.as_str()) {
            Ok(external) => Ok(UserRef::External(external)),
            Err(error) => Err(ServiceError::field("externalId", error.expectation()).into()),
        },
        _ => Err(ServiceError::field("userId", "send either userId or externalId").into()),
    }
}

async fn find_or_create(
    service: &IntegrationsService,
    call: &Call,
    user: &UserRef,
    may_create: bool,
) -> Result<UserId, ServiceError> {
    match service.users().get(call, user).await {
        Err(error) if may_create && error.code() == ErrorCode::UserNotFound => {
            let new = match user {
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
