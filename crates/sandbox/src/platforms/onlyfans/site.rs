//! The site: a sign-in page without password or script, and the page after it, which explains how
//! to copy the session from the browser into an app.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::browser::cookie;
use super::profile::{ME, SIGN_IN, SIGN_OUT, SITE};
use crate::engine::{CSRF_COOKIE, Form, csrf_cookie, csrf_token_matches};
use crate::faults::ConsentFault;
use crate::pages::{self, SessionPage};
use crate::platform::PlatformContext;
use crate::world::{Session, SignIn};

/// The faults that can be selected at sign-in, with their labels.
const SESSION_FAULTS: [(ConsentFault, &str); 9] = [
    (ConsentFault::None, "None"),
    (
        ConsentFault::SlowToken,
        "Delay the first check by 5 seconds",
    ),
    (ConsentFault::RefreshRefused, "Reject every check (400)"),
    (
        ConsentFault::RateLimited,
        "Rate-limit the first check (429 with Retry-After)",
    ),
    (ConsentFault::ServerError, "Fail the first check (503)"),
    (
        ConsentFault::WrongAccount,
        "Issue a session of another person",
    ),
    (ConsentFault::StateMangled, "Alter the x-bc token (401)"),
    (ConsentFault::CodeExpired, "Issue an expired session"),
    (
        ConsentFault::CoopOff,
        "Omit the Cross-Origin-Opener-Policy header",
    ),
];

pub(super) fn routes() -> Router<PlatformContext> {
    let without_slash = SITE.trim_end_matches('/');
    Router::new()
        .route(SITE, get(sign_in_page))
        .route(without_slash, get(|| async { Redirect::permanent(SITE) }))
        .route(SIGN_IN, post(sign_in))
        .route(SIGN_OUT, post(sign_out))
}

async fn sign_in_page(State(context): State<PlatformContext>, headers: HeaderMap) -> Response {
    let work = async {
        let csrf = csrf_cookie(&headers).unwrap_or_else(|| context.shared.random());
        let mut page = pages::sign_in(&context, SIGN_IN, &csrf, &SESSION_FAULTS);
        set_cookie(&mut page, CSRF_COOKIE, &csrf);
        page
    };
    context.serve_endpoint("site", work).await
}

async fn sign_in(
    State(context): State<PlatformContext>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::from_body(&headers, &body);
    let work = async {
        if !csrf_token_matches(&headers, &form) {
            return pages::csrf_error(&context);
        }
        let consent_fault = form
            .get("misbehave")
            .and_then(ConsentFault::parse)
            .unwrap_or_default();
        let user_agent = headers
            .get(header::USER_AGENT)
            .and_then(|name| name.to_str().ok())
            .unwrap_or_default();
        let person = form.get("person").unwrap_or_default();
        let session = context.platform.sign_in(
            &context,
            &SignIn {
                person,
                user_agent,
                consent_fault,
            },
        );
        let Some(session) = session else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        session_page(
            &context,
            &session,
            person,
            form.get("csrf").unwrap_or_default(),
            consent_fault,
        )
    };
    context.serve_endpoint("sign-in", work).await
}

fn session_page(
    context: &PlatformContext,
    session: &Session,
    person: &str,
    csrf: &str,
    consent_fault: ConsentFault,
) -> Response {
    let card = context
        .platform
        .cards()
        .iter()
        .find(|card| card.person == person);
    let username = card.map_or("", |card| card.username.as_str());
    let profile_url = format!("{}{ME}", context.shared.base_url());
    let page = SessionPage {
        session,
        username,
        profile_url: &profile_url,
        sign_out: SIGN_OUT,
        csrf,
        consent_fault,
    };
    let mut response = pages::signed_in(context, &page);
    set_cookie(&mut response, "sess", &session.sess);
    set_cookie(&mut response, "auth_id", &session.auth_id);
    response
}

/// Ends the session, as its owner would to revoke an app's access.
async fn sign_out(
    State(context): State<PlatformContext>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !csrf_token_matches(&headers, &Form::from_body(&headers, &body)) {
        return pages::csrf_error(&context);
    }
    if let Some(sess) = cookie(&headers, "sess") {
        let mut world = context.shared.world();
        let traced = world
            .grants
            .find_token(sess)
            .map(|(id, _, grant)| (id, grant.platform == context.slug()));
        if let Some((id, true)) = traced {
            world.grants.revoke(id);
        }
    }
    Redirect::to(SITE).into_response()
}

fn set_cookie(response: &mut Response, name: &str, value: &str) {
    if let Ok(line) = HeaderValue::try_from(format!(
        "{name}={value}; Path={SITE}; HttpOnly; SameSite=Lax"
    )) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
}
