//! OnlyFans, which has no OAuth: calls use the session of a browser.

mod posts;
mod profile;
mod sign_in;

use axum::http::StatusCode;
use evergrant_sandbox::Session;

use crate::harness::{Harness, Response};

const ME: &str = "/onlyfans/api2/v2/users/me";
const POSTS: &str = "/onlyfans/api2/v2/users/900001/posts";
const BROWSER: &str = "Mozilla/5.0 (It's a test) Browser/1";

/// Calls the API with the cookies and headers of `session`.
async fn api_get(harness: &Harness, path: &str, session: &Session) -> Response {
    let headers = [
        ("cookie", session.cookie_line()),
        ("user-agent", session.user_agent.clone()),
        ("x-bc", session.x_bc.clone()),
        ("user-id", session.auth_id.clone()),
    ];
    harness
        .get(
            path,
            &headers
                .each_ref()
                .map(|(name, value)| (*name, value.as_str())),
        )
        .await
}

/// Returns a session of Kiln.
fn kiln_session(harness: &Harness) -> Session {
    harness.sandbox.session("onlyfans", "kiln").unwrap()
}

/// Returns whether the response is the profile of a guest, who is not signed in.
fn is_guest(response: &Response) -> bool {
    response.status == StatusCode::OK
        && response.json()["isAuth"] == false
        && response.json().get("id").is_none()
}
