//! In `dev` whoever opens the console is signed in by that: on this machine there is nobody else.
//!
//! A page on the internet can lead a name of its own here (DNS rebinding) and would then read what
//! it asks for; so only our own name signs in, and other names lead to it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use evergrant_model::{Actor, Call, CorrelationId};
use evergrant_service::{Presence, is_loopback};
use http::{HeaderValue, Method, StatusCode, header};
use url::{Position, Url};

use super::ConsoleCookie;
use crate::problem::ApiError;
use crate::state::ApiState;

/// Goes around the console's documents.
pub(crate) async fn sign_in(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if request.method() != Method::GET || path.starts_with("/assets/") {
        return next.run(request).await;
    }
    let public_url = &state.service.settings().public_url;
    if !host_of(&request).is_some_and(|host| is_ours(&host, public_url)) {
        return elsewhere(public_url, &request);
    }
    let held = ConsoleCookie::of(&state.service)
        .read(request.headers())
        .map(str::to_owned);
    let correlation_id = request.extensions().get::<CorrelationId>().cloned();
    let correlation_id = correlation_id.unwrap_or_else(|| state.service.new_correlation_id());
    let call = state.service.call(Actor::Visitor, correlation_id);
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        match new_cookie(&state, &call, held.as_deref()).await {
            Ok(cookie) => response
                .headers_mut()
                .extend(cookie.map(|cookie| (header::SET_COOKIE, cookie))),
            Err(error) => return error.into_response(),
        }
    }
    response
}

/// The host and port that were asked for: HTTP/2 says it in the address.
fn host_of(request: &Request) -> Option<String> {
    let in_address = request.uri().authority().map(ToString::to_string);
    in_address.or_else(|| {
        Some(
            request
                .headers()
                .get(header::HOST)?
                .to_str()
                .ok()?
                .to_owned(),
        )
    })
}

/// Whether the page was asked for by our own name; or by a name of this machine, where a proxy of
/// the developer's stands between it and our own.
fn is_ours(host: &str, public_url: &Url) -> bool {
    let asked = Url::parse(&format!("http://{host}/"));
    let by_a_proxy = || !is_loopback(public_url) && asked.is_ok_and(|asked| is_loopback(&asked));
    host == &public_url[Position::BeforeHost..Position::AfterPort] || by_a_proxy()
}

fn elsewhere(public_url: &Url, request: &Request) -> Response {
    let wanted = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let address = format!("{}{wanted}", public_url.as_str().trim_end_matches('/'));
    let location = HeaderValue::from_str(&address);
    location.map_or(StatusCode::NOT_FOUND.into_response(), |location| {
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    })
}

/// The cookie of a new session of the first of the people, where the browser has none that is good.
async fn new_cookie(
    state: &ApiState,
    call: &Call,
    held: Option<&str>,
) -> Result<Option<HeaderValue>, ApiError> {
    if let Some(held) = held
        && state
            .service
            .console()
            .signed_in(held, Presence::Active)
            .await?
            .is_some()
    {
        return Ok(None);
    }
    let Some(first) = state.people.first() else {
        return Ok(None);
    };
    let started = state.service.console().start(call, *first).await?;
    Ok(Some(
        ConsoleCookie::of(&state.service).given(&started.secret),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(host: &str, public_url: &str) -> bool {
        is_ours(host, &Url::parse(public_url).unwrap())
    }

    #[test]
    fn answers_to_its_own_name_and_behind_a_proxy_to_this_machines() {
        assert!(ours("localhost:8080", "http://localhost:8080"));
        assert!(ours("dev.example", "https://dev.example"));
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert!(ours(host, "https://dev.example"), "{host}");
        }
    }

    #[test]
    fn does_not_answer_to_a_name_that_merely_leads_here() {
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "127.0.0.1.nip.io:8080",
            "10.0.0.1:8080",
        ] {
            for public_url in ["http://localhost:8080", "https://dev.example"] {
                assert!(!ours(host, public_url), "{host}");
            }
        }
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "localhost:8081",
            "localhost:8080@evil.example",
        ] {
            assert!(
                !ours(host, "http://localhost:8080"),
                "{host}: its cookies are not those of our own name"
            );
        }
    }
}
