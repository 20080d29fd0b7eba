//! `POST /connect/{provider}/choose`: the user selected accounts of a consent that covers several.

use axum::extract::{Request, State};
use axum::response::Response;
use evergrant_model::{Call, ErrorCode, FlowId};
use evergrant_service::ServiceError;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{PathOf, QueryOf, is_form, read};
use crate::caller::AnonymousCall;
use crate::integrations::flow_response;
use crate::pages;
use crate::problem::ApiError;
use crate::state::ApiState;

/// The form of the account chooser.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a form that is read field by field")]
pub(crate) struct AccountChoiceForm {
    /// Id of the flow.
    flow_id: String,
    /// The receipt from the page, which proves that this browser consented.
    receipt: String,
    /// Ids of the selected accounts; the field is repeated.
    account: Vec<String>,
}

/// Select which accounts to connect
///
/// Receives the form of the account chooser, which the callback shows if the consent to a flow
/// without a challenge covers several accounts. The responses are those of the callback.
#[utoipa::path(post, path = "/connect/{provider}/choose", operation_id = "chooseAccounts",
    tag = "Callback",
    request_body(content = AccountChoiceForm, content_type = "application/x-www-form-urlencoded"),
    params(("provider" = String, Path, description = "Provider name, such as `instagram`")),
    responses(
        (status = 303, description = "Redirect to the app",
            headers(("Location" = String,
                description = "The flow's `redirectUrl` with the result"))),
        (status = 400,
            description = "`INVALID_STATE`: the receipt is wrong, or the flow no longer waits for \
                a selection",
            content_type = "text/html"),
        (status = 413,
            description = "`PAYLOAD_TOO_LARGE`: more than 64 KiB", content_type = "text/html"),
        (status = 422,
            description = "No account is selected, or one that was not offered: the page with an \
                error",
            content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn choose(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    AnonymousCall(call): AnonymousCall,
    request: Request,
) -> Response {
    match connect_selected(&state, &call, &provider, request).await {
        Ok(response) => response,
        Err(ApiError(error)) => pages::callback_failed(&state.site, &error, &call.correlation_id),
    }
}

async fn connect_selected(
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
        return Err(ServiceError::invalid_state().into());
    };
    let flow = &FlowId::new(flow).map_err(|_| ServiceError::invalid_state())?;
    let authorizations = state.service.authorizations();
    let open = authorizations
        .choice(call, flow, receipt.to_owned())
        .await?;
    if open.provider.as_str() != provider {
        return Err(ServiceError::invalid_state().into());
    }
    let selected = form.all("account");
    match authorizations
        .choose(call, flow, receipt.to_owned(), selected.clone())
        .await
    {
        Ok(outcome) => Ok(flow_response::to_browser(state, &outcome)),
        Err(error) if error.code() == ErrorCode::ValidationError => {
            Ok(flow_response::chooser(state, &open, Some(&selected)))
        }
        Err(error) => Err(error.into()),
    }
}
