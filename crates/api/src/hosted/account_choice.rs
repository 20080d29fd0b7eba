//! `POST /connect/{provider}/choose`: one consent reached several accounts, and a browser has
//! chosen.

use axum::extract::{Request, State};
use axum::response::Response;
use evergrant_model::{Call, ErrorCode};
use evergrant_service::ServiceError;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{PathOf, QueryOf, is_form, read};
use crate::caller::Visitor;
use crate::integrations::flow_response;
use crate::pages;
use crate::problem::ApiError;
use crate::state::ApiState;

const NOT_OURS: &str =
    "This choice does not belong to a sign-in that was begun here. Please begin it again.";

/// The form of the page that asks which accounts to connect.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a form that is read field by field")]
pub(crate) struct ChooseForm {
    /// The flow.
    flow_id: String,
    /// What the page was given: proves that this browser consented.
    receipt: String,
    /// The account ids that are ticked; repeated.
    account: Vec<String>,
}

/// The browser chooses among the accounts that its consent reached.
///
/// Sent by the page that the callback answers for a flow without a challenge, and answered as a
/// callback is.
#[utoipa::path(post, path = "/connect/{provider}/choose", operation_id = "chooseAccounts", tag = "Callback",
    request_body(content = ChooseForm, content_type = "application/x-www-form-urlencoded"),
    params(("provider" = String, Path, description = "Such as `instagram`")),
    responses(
        (status = 303, description = "Back to the app"),
        (status = 400, description = "`INVALID_STATE`: a wrong receipt, or nothing to choose any more", content_type = "text/html"),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: more than 64 KiB", content_type = "text/html"),
        (status = 422, description = "Nothing is ticked, or something that was not offered: the page again", content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn choose(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    Visitor(call): Visitor,
    request: Request,
) -> Response {
    match chosen(&state, &call, &provider, request).await {
        Ok(response) => response,
        Err(ApiError(error)) => pages::callback_failed(&error, &call.correlation_id),
    }
}

async fn chosen(
    state: &ApiState,
    call: &Call,
    provider: &str,
    request: Request,
) -> Result<Response, ApiError> {
    if !is_form(request.headers()) {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "Send application/x-www-form-urlencoded.",
        ));
    }
    let form = QueryOf::parse(&read(request).await?);
    let (Some(flow), Some(receipt)) = (form.filled("flowId"), form.filled("receipt")) else {
        return Err(ServiceError::new(ErrorCode::InvalidState, NOT_OURS).into());
    };
    let authorizations = state.service.authorizations();
    let open = authorizations
        .choice(call, flow, receipt.to_owned())
        .await?;
    if open.provider.as_str() != provider {
        return Err(ServiceError::new(ErrorCode::InvalidState, NOT_OURS).into());
    }
    let ticked = form.all("account");
    match authorizations
        .choose(call, flow, receipt.to_owned(), ticked.clone())
        .await
    {
        Ok(outcome) => Ok(flow_response::to_browser(state, &outcome)),
        Err(error) if error.code() == ErrorCode::ValidationError => {
            Ok(flow_response::chooser(state, &open, Some(&ticked)))
        }
        Err(error) => Err(error.into()),
    }
}
