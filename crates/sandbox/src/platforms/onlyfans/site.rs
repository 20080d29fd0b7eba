//! The site itself: a page to sign in, without a password and without a script, and the page behind
//! it, which explains how a session gets from a browser into an app.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::browser::cookie;
use super::facts::{ME, SIGN_IN, SIGN_OUT, SITE};
use crate::engine::{CSRF_COOKIE, Form, csrf_cookie, is_from_our_page};
use crate::faults::Misbehaviour;
use crate::pages::{self, SessionPage};
use crate::platform::Stage;
use crate::world::{Session, SignIn};

/// What can go wrong with a session, in the words of this site.
const MISBEHAVIOURS: [(Misbehaviour, &str); 9] = [
    (Misbehaviour::None, "Nothing: behave well"),
    (Misbehaviour::SlowToken, "Slow first check: five seconds"),
    (Misbehaviour::RefreshRefused, "Refuse every check (400)"),
    (
        Misbehaviour::RateLimited,
        "Answer 429 with Retry-After once",
    ),
    (Misbehaviour::ServerError, "Answer 503 once"),
    (
        Misbehaviour::WrongAccount,
        "Give the session of somebody else",
    ),
    (Misbehaviour::StateMangled, "Mangle the x-bc (401)"),
    (Misbehaviour::CodeExpired, "Give a session that has ended"),
    (Misbehaviour::CoopOff, "Leave out the opener policy"),
];

pub(super) fn routes() -> Router<Stage> {
    let bare = SITE.trim_end_matches('/');
    Router::new()
        .route(SITE, get(front_door))
        .route(bare, get(|| async { Redirect::permanent(SITE) }))
        .route(SIGN_IN, post(sign_in))
        .route(SIGN_OUT, post(sign_out))
}

async fn front_door(State(stage): State<Stage>, headers: HeaderMap) -> Response {
    let work = async {
        let csrf = csrf_cookie(&headers).unwrap_or_else(|| stage.shared.random());
        let mut page = pages::sign_in(&stage, SIGN_IN, &csrf, &MISBEHAVIOURS);
        set_cookie(&mut page, CSRF_COOKIE, &csrf);
        page
    };
    stage.attend("site", work).await
}

async fn sign_in(State(stage): State<Stage>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::of_body(&headers, &body);
    let work = async {
        if !is_from_our_page(&headers, &form) {
            return pages::foreign_answer(&stage);
        }
        let misbehaviour = form
            .get("misbehave")
            .and_then(Misbehaviour::parse)
            .unwrap_or_default();
        let user_agent = headers
            .get(header::USER_AGENT)
            .and_then(|name| name.to_str().ok())
            .unwrap_or_default();
        let person = form.get("person").unwrap_or_default();
        let session = stage.platform.sign_in(
            &stage,
            &SignIn {
                person,
                user_agent,
                misbehaviour,
            },
        );
        let Some(session) = session else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        signed_in(
            &stage,
            &session,
            person,
            form.get("csrf").unwrap_or_default(),
            misbehaviour,
        )
    };
    stage.attend("sign-in", work).await
}

fn signed_in(
    stage: &Stage,
    session: &Session,
    person: &str,
    csrf: &str,
    misbehaviour: Misbehaviour,
) -> Response {
    let card = stage
        .platform
        .cards()
        .iter()
        .find(|card| card.person == person);
    let username = card.map_or("", |card| card.username.as_str());
    let profile_url = format!("{}{ME}", stage.shared.base_url());
    let page = SessionPage {
        session,
        username,
        profile_url: &profile_url,
        sign_out: SIGN_OUT,
        csrf,
        misbehaviour,
    };
    let mut response = pages::signed_in(stage, &page);
    set_cookie(&mut response, "sess", &session.sess);
    set_cookie(&mut response, "auth_id", &session.auth_id);
    response
}

/// Ends the session, as its owner would to take it back from an app.
async fn sign_out(State(stage): State<Stage>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_from_our_page(&headers, &Form::of_body(&headers, &body)) {
        return pages::foreign_answer(&stage);
    }
    if let Some(sess) = cookie(&headers, "sess") {
        let mut world = stage.shared.world();
        let traced = world
            .grants
            .trace(sess)
            .map(|(id, _, grant)| (id, grant.platform == stage.slug()));
        if let Some((id, true)) = traced {
            world.grants.end(id);
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
