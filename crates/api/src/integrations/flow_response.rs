//! What a browser gets at the end of a callback or of a form of ours: its app's address, or the
//! page on which it chooses.

use axum::response::{IntoResponse, Response};
use evergrant_model::ErrorCode;
use evergrant_service::{CallbackEnd, CallbackOutcome, ReachedAccount};
use http::{HeaderValue, StatusCode, header};
use url::Url;

use crate::pages::Chooser;
use crate::problem::ApiError;
use crate::state::ApiState;

/// Sends the browser on to its app, or asks which accounts to connect.
pub(crate) fn to_browser(state: &ApiState, outcome: &CallbackOutcome) -> Response {
    match &outcome.end {
        CallbackEnd::Connected { account } => {
            redirect(outcome, &[("status", "connected"), ("accountId", account)])
        }
        CallbackEnd::Pending { flow_id, receipt } => redirect(
            outcome,
            &[
                ("status", "pending"),
                ("flowId", flow_id.as_str()),
                ("receipt", receipt),
            ],
        ),
        CallbackEnd::Choose { .. } => chooser(state, outcome, None),
        CallbackEnd::Failed(code) => {
            let correlation_id = outcome.correlation_id.as_str();
            redirect(
                outcome,
                &[
                    ("status", "error"),
                    ("code", code.as_str()),
                    ("correlationId", correlation_id),
                ],
            )
        }
    }
}

/// To the app's address with what came of the flow, and nothing secret but the receipt, which is
/// worthless alone.
fn redirect(outcome: &CallbackOutcome, parameters: &[(&str, &str)]) -> Response {
    let Some(location) = location(outcome, parameters) else {
        return ApiError::new(
            ErrorCode::InternalError,
            "A flow has no address to return to.",
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
    HeaderValue::from_str(url.as_str()).ok()
}

/// The page that asks which accounts to connect, with the first one ticked; with `ticked`, the page
/// again because these accounts cannot be chosen.
pub(crate) fn chooser(
    state: &ApiState,
    outcome: &CallbackOutcome,
    ticked: Option<&[String]>,
) -> Response {
    let CallbackEnd::Choose {
        flow_id,
        receipt,
        accounts,
    } = &outcome.end
    else {
        return ApiError::new(
            ErrorCode::InternalError,
            "This flow has no accounts to choose from.",
        )
        .into_response();
    };
    let platform = state.service.providers().name(&outcome.provider);
    let picture = |account: &ReachedAccount| {
        let address = state
            .service
            .avatars()
            .address(outcome.provider.as_str(), &account.metadata);
        address.as_deref().and_then(path_of)
    };
    let pictures: Vec<_> = accounts.iter().map(picture).collect();
    let chooser = Chooser {
        platform: &platform,
        provider: outcome.provider.as_str(),
        redirect_url: &outcome.redirect_url,
        flow: flow_id.as_str(),
        receipt,
        accounts,
        pictures: &pictures,
    };
    chooser.page(ticked)
}

/// An address of ours as this page names it: by its path, whatever name the browser has reached us
/// by.
fn path_of(address: &str) -> Option<String> {
    Url::parse(address).ok().map(|url| url.path().to_owned())
}
