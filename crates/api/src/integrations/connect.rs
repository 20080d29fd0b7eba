//! `POST /api/integrations/connect/{provider}`

use axum::Json;
use axum::extract::State;
use evergrant_model::Timestamp;
use evergrant_service::{ConnectRequest, ServiceError, StartedFlow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Body, PathOf};
use crate::caller::{ForUser, Write};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// What to connect, and how to come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Connect {
    /// Where the browser goes at the end: on the operator's list. Without it, the first of that
    /// list.
    redirect_url: Option<String>,
    /// What to ask for beyond what is required. Without it, all that the platform's entry lists.
    scopes: Option<Vec<String>>,
    /// The account to reconnect; the connection keeps its id.
    account_id: Option<String>,
    /// Base64url of the SHA-256 of a verifier that you keep. The flow must then be finished with
    /// it, which proves that who began and who consented are the same browser. Session tokens must
    /// send it.
    challenge: Option<String>,
}

/// A flow that has begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    /// The platform's consent page: send the user there.
    auth_url: String,
    /// What the callback will bring back; it stands in `authUrl` already.
    state: String,
    /// The flow's name, to ask how far it has come.
    flow_id: String,
    /// When the flow ends unless the user has come back.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<StartedFlow> for Started {
    fn from(flow: StartedFlow) -> Self {
        Self {
            auth_url: flow.auth_url,
            state: flow.state.expose().to_owned(),
            flow_id: flow.flow_id.as_str().to_owned(),
            expires_at: flow.expires_at,
        }
    }
}

/// Begins to connect an account.
#[utoipa::path(post, path = "/api/integrations/connect/{provider}", operation_id = "connect", tag = "Integrations", request_body = Connect,
    params(("provider" = String, Path, description = "Such as `reddit`"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")),
    responses(
        (status = 200, description = "Where to send the user", body = Started),
        (status = 400, description = "`INVALID_REDIRECT_URL`, `INVALID_USER_ID`, `INVALID_REQUEST`, `OAUTH_INIT_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`PROVIDER_NOT_CONFIGURED`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn connect(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    PathOf(provider): PathOf<String>,
    Body(body): Body<Connect>,
) -> Result<Json<Started>, ApiError> {
    if caller.is_browser() && body.challenge.is_none() {
        let message = "is required of session tokens: the base64url of the SHA-256 of a verifier that you keep";
        return Err(ServiceError::field("challenge", message).into());
    }
    let request = ConnectRequest {
        redirect_url: body.redirect_url,
        scopes: body.scopes,
        account: body.account_id,
        challenge: body.challenge,
    };
    let flow = state
        .service
        .initiate_oauth_flow(&caller.call, &provider, caller.user, request)
        .await?;
    Ok(Json(flow.into()))
}
