//! The buttons of the home page: withdrawing a person's grants, and injecting and clearing faults.
//! They are plain forms, guarded like the control API.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use crate::control::require_local_caller;
use crate::engine::Form;
use crate::pages::{FAULT_CHOICES, Notice};
use crate::{Fault, Sandbox, SandboxError};

pub(crate) fn routes(sandbox: Sandbox) -> Router {
    let guard = from_fn_with_state(sandbox.clone(), require_local_caller);
    Router::new()
        .route("/withdraw", post(withdraw))
        .route("/fault", post(fault))
        .route("/clear-faults", post(clear_faults))
        .layer(guard)
        .with_state(sandbox)
}

/// Splits the value of a selection, such as `reddit/juniper`.
fn platform_and<'a>(form: &'a Form, name: &str) -> (&'a str, &'a str) {
    form.get(name)
        .and_then(|value| value.split_once('/'))
        .unwrap_or_default()
}

async fn withdraw(State(sandbox): State<Sandbox>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::from_body(&headers, &body);
    let (platform, person) = platform_and(&form, "account");
    let revoked = sandbox.revoke_user(platform, person);
    respond(revoked.map(|count| match count {
        0 => Notice::NothingToWithdraw,
        _ => Notice::Withdrawn,
    }))
}

async fn fault(State(sandbox): State<Sandbox>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::from_body(&headers, &body);
    let (platform, endpoint) = platform_and(&form, "endpoint");
    let name = form.get("fault").unwrap_or_default();
    let choice = FAULT_CHOICES.iter().find(|choice| choice.name == name);
    let Some(choice) = choice else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let fault = (choice.fault)(Fault::new(platform, endpoint, choice.kind));
    respond(sandbox.inject_fault(fault).map(|()| Notice::Injected))
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> Response {
    sandbox.clear_faults();
    respond(Ok(Notice::Cleared))
}

/// Returns to the home page, which shows the notice.
fn respond(result: Result<Notice, SandboxError>) -> Response {
    match result {
        Ok(notice) => Redirect::to(&format!("/?notice={}#try", notice.name())).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
