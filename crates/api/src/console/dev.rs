//! Automatic sign-in to the console of `evergrant dev`, which serves only its own machine.
//!
//! A website can resolve its own domain name to this address (DNS rebinding) and then read the
//! responses. So only requests under the public host name are signed in; others are redirected to
//! it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use evergrant_model::{Actor, Call, CorrelationId};
use evergrant_service::{Presence, PublicUrl, is_loopback};
use http::{HeaderValue, Method, StatusCode, header};
use url::{Position, Url};

use super::ConsoleCookie;
use crate::problem::ApiError;
use crate::state::ApiState;

/// Middleware for the console's pages: signs in the first development user unless the browser has a
/// valid session.
pub(crate) async fn sign_in(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if request.method() != Method::GET || path.starts_with("/assets/") {
        return next.run(request).await;
    }
    let public_url = state.public_url();
    if !host_of(&request).is_some_and(|host| is_trusted_host(&host, public_url.as_url())) {
        return redirect_to_public_url(public_url, &request);
    }
    let cookie = ConsoleCookie::new(&state.service)
        .read(request.headers())
        .map(str::to_owned);
    let correlation_id = request.extensions().get::<CorrelationId>().cloned();
    let correlation_id = correlation_id.unwrap_or_else(|| state.service.new_correlation_id());
    let call = state.service.call(Actor::Visitor, correlation_id);
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        match new_cookie(&state, &call, cookie.as_deref()).await {
            Ok(cookie) => response
                .headers_mut()
                .extend(cookie.map(|cookie| (header::SET_COOKIE, cookie))),
            Err(error) => return error.into_response(),
        }
    }
    response
}

/// Returns the requested host and port: from `:authority` in HTTP/2, from `Host` in HTTP/1.
fn host_of(request: &Request) -> Option<String> {
    let authority = request.uri().authority().map(ToString::to_string);
    authority.or_else(|| {
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

/// Returns whether the host is that of the public URL. If the public URL is not a loopback address,
/// a developer's proxy forwards it to this machine, so loopback hosts are trusted too.
fn is_trusted_host(host: &str, public_url: &Url) -> bool {
    let requested = Url::parse(&format!("http://{host}/"));
    let is_proxied = || !is_loopback(public_url) && requested.is_ok_and(|url| is_loopback(&url));
    host == &public_url[Position::BeforeHost..Position::AfterPort] || is_proxied()
}

fn redirect_to_public_url(public_url: &PublicUrl, request: &Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let location = HeaderValue::from_str(&public_url.join(path));
    location.map_or(StatusCode::NOT_FOUND.into_response(), |location| {
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    })
}

/// Starts a session of the first development user and returns its cookie; `None` if the browser
/// already has a valid session.
async fn new_cookie(
    state: &ApiState,
    call: &Call,
    cookie: Option<&str>,
) -> Result<Option<HeaderValue>, ApiError> {
    if let Some(cookie) = cookie
        && state
            .service
            .console()
            .signed_in(cookie, Presence::Active)
            .await?
            .is_some()
    {
        return Ok(None);
    }
    let Some(first) = state.dev_users.first() else {
        return Ok(None);
    };
    let started = state.service.console().start(call, *first, None).await?;
    Ok(Some(
        ConsoleCookie::new(&state.service).set(&started.secret),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_trusted(host: &str, public_url: &str) -> bool {
        is_trusted_host(host, &Url::parse(public_url).unwrap())
    }

    #[test]
    fn public_host_and_loopback_behind_a_proxy_are_trusted() {
        assert!(is_trusted("localhost:8080", "http://localhost:8080"));
        assert!(is_trusted("dev.example", "https://dev.example"));
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert!(is_trusted(host, "https://dev.example"), "{host}");
        }
    }

    #[test]
    fn other_host_names_are_not_trusted() {
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "127.0.0.1.nip.io:8080",
            "10.0.0.1:8080",
        ] {
            for public_url in ["http://localhost:8080", "https://dev.example"] {
                assert!(!is_trusted(host, public_url), "{host}");
            }
        }
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "localhost:8081",
            "localhost:8080@evil.example",
        ] {
            assert!(
                !is_trusted(host, "http://localhost:8080"),
                "{host}: does not share cookies with the public host"
            );
        }
    }
}
