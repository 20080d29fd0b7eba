//! `GET` and `POST /connect/{provider}`: Evergrant's form for platforms without a consent page.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::response::Response;
use evergrant_model::{Call, ErrorCode, FlowState, ProviderSlug};
use evergrant_service::{
    CallbackParams, CredentialForm, FORM_TEXTS, FieldFault, KeptCredentials, ServiceError,
    SubmittedForm, fill,
};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{PathOf, QueryOf, is_form};
use crate::caller::AnonymousCall;
use crate::codes::status_of;
use crate::form_body::{Form, read_form};
use crate::integrations::flow_response;
use crate::pages::{self, CredentialPage, PASTED};
use crate::path::parse_flow_provider;
use crate::problem::{self, ApiError, retry_after_seconds};
use crate::site::Site;
use crate::state::ApiState;

/// The `error` that the form sends if the owner cancels.
const DENIED: &str = "access_denied";
/// The name of the required consent checkbox.
const CONSENT: &str = "consent";
/// The name of the field with the encrypted values of the attempt before.
const KEPT: &str = "kept";

/// Show the credential form
///
/// The `authUrl` of platforms of kind `cookies`: a page on which the account's owner pastes a
/// session. It posts to the same URL, urlencoded, with the state, a CSRF token and the platform's
/// fields.
#[utoipa::path(get, path = "/connect/{provider}", operation_id = "credentialForm", tag = "Callback",
    params(("provider" = String, Path, description = "Provider name, such as `onlyfans`"),
        ("state" = String, Query,
            description = "The `state` of the started flow; it is already part of `authUrl`")),
    responses(
        (status = 200, description = "The form", content_type = "text/html"),
        (status = 400,
            description = "`INVALID_STATE`: the state is unknown, used or expired",
            content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    AnonymousCall(call): AnonymousCall,
    query: QueryOf,
) -> Response {
    let flow_state = FlowState::new(query.filled("state").unwrap_or_default());
    match find_form(&state, &call, &provider, &flow_state).await {
        Ok(form) => {
            let action = action(&state, &provider);
            page(
                &state.site,
                &action,
                &flow_state,
                (&form, &Attempt::default()),
            )
        }
        Err(error) => pages::callback_failed(&state.site, &error, &call.correlation_id),
    }
}

async fn find_form(
    state: &ApiState,
    call: &Call,
    provider: &str,
    flow_state: &FlowState,
) -> Result<CredentialForm, ServiceError> {
    let provider = parse_flow_provider(provider)?;
    state
        .service
        .authorizations()
        .credential_form(call, &provider, flow_state)
        .await
}

/// The credential form. It also has the platform's own fields.
#[derive(Deserialize, ToSchema)]
#[schema(as = CredentialForm)]
#[expect(dead_code, reason = "describes a form that is read field by field")]
pub(crate) struct CredentialFormBody {
    /// The flow's `state`, from a hidden field of the page.
    state: String,
    /// The CSRF token from the page, which binds the form to the flow.
    csrf: Option<String>,
    /// The encrypted values of the attempt before, from a hidden field of the page. Values that are
    /// submitted again replace them.
    kept: Option<String>,
    /// Present if the owner confirmed the use of the session. Required unless the owner cancels.
    consent: Option<String>,
    /// `access_denied` if the owner cancels; all other fields except `state` are then ignored.
    error: Option<String>,
    /// The fields of the platform.
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

/// Submit the credential form
///
/// Connects the account, or cancels the flow. The responses are those of the callback. After errors
/// that the owner can correct and errors of the platform, the response is the form with an error
/// message, and the flow stays open.
#[utoipa::path(post, path = "/connect/{provider}", operation_id = "submitCredentialForm",
    tag = "Callback",
    request_body(content = CredentialFormBody, content_type = "application/x-www-form-urlencoded"),
    params(("provider" = String, Path, description = "Provider name, such as `onlyfans`")),
    responses(
        (status = 303, description = "Redirect to the app",
            headers(("Location" = String,
                description = "The flow's `redirectUrl` with the result"))),
        (status = 400,
            description = "`INVALID_STATE`: the state is unknown, used or expired, or the CSRF \
                token is wrong; `INVALID_REQUEST`: the body is not a form",
            content_type = "text/html"),
        (status = 409,
            description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`: the form with an error",
            content_type = "text/html"),
        (status = 413,
            description = "More than 64 KiB: the form with what to paste instead",
            content_type = "text/html"),
        (status = 422,
            description = "`VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT`: the form with an error",
            content_type = "text/html"),
        (status = 429,
            description = "`RATE_LIMIT_ERROR`, the platform's rate limit: the form with an error",
            content_type = "text/html"),
        (status = 502,
            description = "`NETWORK_ERROR`: the form with an error", content_type = "text/html"),
        (status = 503,
            description = "`PROVIDER_UNAVAILABLE`: the form with an error; `DATABASE_ERROR`: an \
                error page",
            content_type = "text/html"),
        (status = 504,
            description = "`TIMEOUT_ERROR`: the form with an error", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn submit(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    AnonymousCall(call): AnonymousCall,
    request: Request,
) -> Response {
    match handle_form(&state, &call, &provider, request).await {
        Ok(response) => response,
        Err(ApiError(error)) => pages::callback_failed(&state.site, &error, &call.correlation_id),
    }
}

async fn handle_form(
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
    let provider = &parse_flow_provider(provider)?;
    match read_form(request).await? {
        Form::Whole(body) => {
            let sent = QueryOf::parse(&body);
            if sent.has("error") {
                return cancel(state, call, provider, &sent).await;
            }
            connect(state, call, provider, &sent).await
        }
        Form::TooLarge(beginning) => {
            let sent = QueryOf::parse(&beginning);
            too_large(state, call, provider, &sent).await
        }
    }
}

/// Returns the form with what to paste instead of a text that exceeds the limit. The fields before
/// the text, which identify the flow, are in the beginning of the body.
async fn too_large(
    state: &ApiState,
    call: &Call,
    provider: &ProviderSlug,
    beginning: &QueryOf,
) -> Result<Response, ApiError> {
    let flow_state = FlowState::new(beginning.filled("state").unwrap_or_default());
    let form = state
        .service
        .authorizations()
        .credential_form(call, provider, &flow_state)
        .await?;
    let domain = form.site.domains.first();
    let domain = domain.map_or(form.provider_name.as_str(), String::as_str);
    let message = fill(FORM_TEXTS.causes.too_long, &[("domain", domain)]);
    let attempt = Attempt {
        error: Some(ServiceError::field(PASTED, message)),
        status: Some(status_of(ErrorCode::PayloadTooLarge)),
        ..Attempt::default()
    };
    Ok(page(
        &state.site,
        provider.as_str(),
        &flow_state,
        (&form, &attempt),
    ))
}

/// Ends the flow as if the owner had denied consent.
async fn cancel(
    state: &ApiState,
    call: &Call,
    provider: &ProviderSlug,
    sent: &QueryOf,
) -> Result<Response, ApiError> {
    let state_param = FlowState::new(sent.filled("state").unwrap_or_default());
    let params = CallbackParams {
        error: Some(DENIED.to_owned()),
        ..CallbackParams::new(state_param)
    };
    let outcome = state
        .service
        .handle_oauth_callback(call, provider, params)
        .await?;
    Ok(flow_response::to_browser(state, &outcome))
}

/// Connects the account, or returns the form with an error.
async fn connect(
    state: &ApiState,
    call: &Call,
    provider: &ProviderSlug,
    sent: &QueryOf,
) -> Result<Response, ApiError> {
    let authorizations = state.service.authorizations();
    let flow_state = FlowState::new(sent.filled("state").unwrap_or_default());
    let form = authorizations
        .credential_form(call, provider, &flow_state)
        .await?;
    let submitted = submitted(&form, sent);
    let error = match check_consent(sent) {
        Ok(()) => {
            let csrf = sent.filled("csrf").unwrap_or_default();
            match authorizations
                .submit_form(call, provider, flow_state.clone(), csrf, &submitted)
                .await
            {
                Ok(outcome) => return Ok(flow_response::to_browser(state, &outcome)),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    let ends_flow = error.code() == ErrorCode::InvalidState
        || status_of(error.code()) == StatusCode::INTERNAL_SERVER_ERROR;
    if ends_flow {
        return Err(error.into());
    }
    problem::log(&error, &call.correlation_id);
    let attempt = Attempt {
        kept: authorizations.keep_credentials(call, provider, &flow_state, &submitted)?,
        error: Some(in_paste_view(error, &submitted)),
        values: submitted.values,
        status: None,
    };
    let action = action(state, provider.as_str());
    Ok(page(&state.site, &action, &flow_state, (&form, &attempt)))
}

/// Returns the filled fields of the form.
fn submitted(form: &CredentialForm, sent: &QueryOf) -> SubmittedForm {
    let value = |name: &str| sent.filled(name).map(str::to_owned);
    let filled = form
        .fields
        .iter()
        .filter_map(|field| Some((field.name.to_owned(), value(field.name)?)));
    SubmittedForm {
        values: filled.collect(),
        kept: value(KEPT),
    }
}

fn check_consent(sent: &QueryOf) -> Result<(), ServiceError> {
    if sent.has(CONSENT) {
        Ok(())
    } else {
        Err(ServiceError::field(CONSENT, FORM_TEXTS.consent_needed))
    }
}

/// Attributes a fault of the whole session to the pasted text, unless its owner entered the values
/// one by one: the values that were kept come from a pasted text.
fn in_paste_view(error: ServiceError, submitted: &SubmittedForm) -> ServiceError {
    let is_pasted = |fault: &FieldFault| {
        submitted.kept.is_some() && fault.field == "sess" && !submitted.values.contains_key("sess")
    };
    if !error.field_faults().iter().any(is_pasted) {
        return error;
    }
    let moved = |fault: &FieldFault| FieldFault {
        field: if is_pasted(fault) {
            PASTED
        } else {
            &fault.field
        }
        .to_owned(),
        message: fault.message.clone(),
    };
    ServiceError::fields(error.field_faults().iter().map(moved).collect())
}

/// A rejected attempt; the default is none.
#[derive(Default)]
struct Attempt {
    values: BTreeMap<String, String>,
    error: Option<ServiceError>,
    /// The status of the response, if it is not that of the error.
    status: Option<StatusCode>,
    kept: Option<KeptCredentials>,
}

/// Returns the path to which the form posts.
fn action(state: &ApiState, provider: &str) -> String {
    state.public_url().path_of(&format!("/connect/{provider}"))
}

fn page(
    site: &Site,
    action: &str,
    state: &FlowState,
    (form, attempt): (&CredentialForm, &Attempt),
) -> Response {
    let error = attempt.error.as_ref();
    let faults: &[FieldFault] = error.map_or(&[], ServiceError::field_faults);
    let alert = error
        .filter(|_| faults.is_empty())
        .map(ServiceError::detail);
    let own = error.map_or(StatusCode::OK, |error| status_of(error.code()));
    let status = attempt.status.unwrap_or(own);
    let mut response = CredentialPage {
        site,
        action,
        state,
        form,
        values: &attempt.values,
        faults,
        alert,
        kept: attempt.kept.as_ref(),
    }
    .page(status);
    if let Some(seconds) = error.and_then(retry_after_seconds) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
