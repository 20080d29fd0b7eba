//! `POST /api/integrations/connect/{provider}`

use axum::Json;
use axum::extract::State;
use evergrant_model::Timestamp;
use evergrant_service::{ConnectRequest, ServiceError, StartedFlow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{ForUser, Write};
use crate::path::{ProviderPath, parse_account};
use crate::problem::ApiError;
use crate::state::ApiState;

/// How to connect an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ConnectRequest)]
pub(crate) struct ConnectBody {
    /// URL to which the browser returns at the end of the flow. The operator's allowlist must cover
    /// it. Default: the first entry of the allowlist.
    redirect_url: Option<String>,
    /// Scopes to request in addition to the required ones. Default: all scopes that the provider
    /// lists.
    #[schema(max_items = 100)]
    scopes: Option<Vec<String>>,
    /// Id of the account to reconnect; the connection keeps its id. Default: connect a new account.
    account_id: Option<String>,
    /// Base64url, without padding, of the SHA-256 of a verifier that only you know. The flow must
    /// then be finished with the verifier, which proves that the browser that consented is the one
    /// that started the flow. Required with a session token or the console's cookie.
    #[schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    challenge: Option<String>,
}

/// A flow that waits for the user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StartedFlow)]
pub(crate) struct StartedFlowView {
    /// URL of the consent page, to which you send the user's browser.
    auth_url: String,
    /// The `state` parameter of the authorization request (RFC 6749 §4.1.1). It is already part of
    /// `authUrl`.
    state: String,
    /// Id of the flow.
    flow_id: String,
    /// When the flow expires if the user does not return.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<StartedFlow> for StartedFlowView {
    fn from(flow: StartedFlow) -> Self {
        Self {
            auth_url: flow.auth_url,
            state: flow.state.expose().to_owned(),
            flow_id: flow.flow_id.as_str().to_owned(),
            expires_at: flow.expires_at,
        }
    }
}

/// Start connecting an account
///
/// Starts a flow and returns the URL of the consent page. Send the user's browser there; the
/// platform sends it back to the callback, which redirects it to `redirectUrl`.
#[utoipa::path(post, path = "/api/integrations/connect/{provider}", operation_id = "connect",
    tag = "Integrations", request_body = ConnectBody,
    params(("provider" = String, Path, description = "Provider name, such as `reddit`"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200,
            description = "The flow, with the URL of the consent page", body = StartedFlowView),
        (status = 400,
            description = "`INVALID_REDIRECT_URL`, `INVALID_USER_ID`, `INVALID_REQUEST`, \
                `OAUTH_INIT_ERROR`"),
        (status = 404,
            description = "`INVALID_PROVIDER`, `USER_NOT_FOUND`; `ACCOUNT_NOT_FOUND`: no such \
                account to reconnect"),
        (status = 409, description = "`PROVIDER_NOT_CONFIGURED`"),
        (status = 422,
            description = "`VALIDATION_ERROR`: an unknown scope, or a missing or malformed \
                challenge"),
    ))]
pub(crate) async fn connect(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    ProviderPath(provider): ProviderPath,
    Body(body): Body<ConnectBody>,
) -> Result<Json<StartedFlowView>, ApiError> {
    if caller.is_browser() && body.challenge.is_none() {
        let message =
            "is required with a session token: the base64url of the SHA-256 of your verifier";
        return Err(ServiceError::field("challenge", message).into());
    }
    let request = ConnectRequest {
        redirect_url: body.redirect_url,
        scopes: body.scopes,
        account: body.account_id.as_deref().map(parse_account).transpose()?,
        challenge: body.challenge,
    };
    let flow = state
        .service
        .initiate_oauth_flow(&caller.call, &provider, caller.user, request)
        .await?;
    Ok(Json(flow.into()))
}
