//! The response to a browser at the end of a callback or of one of Evergrant's forms: a redirect to
//! the app, or the page on which the user selects accounts.

use axum::response::{IntoResponse, Response};
use evergrant_model::ErrorCode;
use evergrant_service::{CallbackOutcome, CallbackResult, FailedCallback, ReachedAccount};
use http::{HeaderValue, StatusCode, header};
use url::Url;

use crate::pages::Chooser;
use crate::problem::{ApiError, retry_after_seconds};
use crate::state::ApiState;

/// Redirects the browser to its app, or shows the account chooser.
pub(crate) fn to_browser(state: &ApiState, outcome: &CallbackOutcome) -> Response {
    match &outcome.result {
        CallbackResult::Connected { account } => {
            redirect(outcome, &[("status", "connected"), ("accountId", account)])
        }
        CallbackResult::Pending { flow_id, receipt } => redirect(
            outcome,
            &[
                ("status", "pending"),
                ("flowId", flow_id.as_str()),
                ("receipt", receipt),
            ],
        ),
        CallbackResult::Choose { .. } => chooser(state, outcome, None),
        CallbackResult::Failed(failed) => to_app_with_error(outcome, failed),
    }
}

/// Redirects the browser to its app with the failure. The details are not in the URL, where anyone
/// could write them: the app reads them from the flow, or with the receipt.
fn to_app_with_error(outcome: &CallbackOutcome, failed: &FailedCallback) -> Response {
    let retry_after = retry_after_seconds(&failed.error).map(|seconds| seconds.to_string());
    let mut parameters = vec![
        ("status", "error"),
        ("code", failed.error.code().as_str()),
        ("correlationId", outcome.correlation_id.as_str()),
    ];
    if let Some(seconds) = &retry_after {
        parameters.push(("retryAfterSeconds", seconds));
    }
    if let Some(receipt) = &failed.receipt {
        parameters.extend([
            ("flowId", failed.flow_id.as_str()),
            ("receipt", receipt.as_str()),
        ]);
    }
    redirect(outcome, &parameters)
}

/// Redirects to the app's `redirectUrl` with the result of the flow. The receipt is the only secret
/// in the URL, and is useless without the verifier.
///
/// The URL always has a fragment, which may be empty: otherwise the browser would add the one of
/// the platform's redirect, such as Facebook's `#_=_` (RFC 9110 §10.2.2).
fn redirect(outcome: &CallbackOutcome, parameters: &[(&str, &str)]) -> Response {
    let Some(location) = location(outcome, parameters) else {
        return ApiError::new(
            ErrorCode::InternalError,
            "The flow has no valid redirect URL.",
        )
        .into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn location(outcome: &CallbackOutcome, parameters: &[(&str, &str)]) -> Option<HeaderValue> {
    let mut url = Url::parse(&outcome.redirect_url).ok()?;
    url.query_pairs_mut()
        .append_pair("integration", outcome.provider.as_str())
        .extend_pairs(parameters);
    if url.fragment().is_none() {
        url.set_fragment(Some(""));
    }
    HeaderValue::from_str(url.as_str()).ok()
}

/// Returns the account chooser with the first account selected. With `rejected`, returns it again
/// with an error, because these accounts cannot be connected.
pub(crate) fn chooser(
    state: &ApiState,
    outcome: &CallbackOutcome,
    rejected: Option<&[String]>,
) -> Response {
    let CallbackResult::Choose {
        flow_id,
        receipt,
        accounts,
    } = &outcome.result
    else {
        return ApiError::new(
            ErrorCode::InternalError,
            "The flow has no accounts to choose from.",
        )
        .into_response();
    };
    let provider_name = state.service.providers().name(&outcome.provider);
    let picture = |account: &ReachedAccount| {
        let address = state
            .service
            .avatars()
            .address(&outcome.provider, &account.metadata);
        address.as_deref().and_then(path_of)
    };
    let pictures: Vec<_> = accounts.iter().map(picture).collect();
    let path = format!("/connect/{}/choose", outcome.provider);
    let chooser = Chooser {
        site: &state.site,
        provider_name: &provider_name,
        action: &state.public_url().path_of(&path),
        redirect_url: &outcome.redirect_url,
        flow_id: flow_id.as_str(),
        receipt,
        accounts,
        pictures: &pictures,
    };
    chooser.page(rejected)
}

/// Returns the path of one of Evergrant's URLs, so that the page works under any host name.
fn path_of(address: &str) -> Option<String> {
    Url::parse(address).ok().map(|url| url.path().to_owned())
}
