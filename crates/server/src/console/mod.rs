//! The pages of the console: built by `web/console`, carried in the program, served under a strict
//! policy.
//!
//! Assets are named by their content and never change under a name; documents are asked for anew
//! each time.

mod files;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use files::Found;

/// Nothing but what is ours, and no script that makes others: see
/// <https://www.w3.org/TR/trusted-types/>.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// A consent window that the console opens still belongs to it.
const OPENER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderValue::from_static("same-origin-allow-popups"),
);
const FOR_US_ALONE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("same-origin"),
);

const ASKED_ANEW: HeaderValue = HeaderValue::from_static("no-cache");
const NEVER_CHANGED: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The document of every page but one,
const INDEX: &str = "index.html";
/// which is where consents come back to.
const RETURN: &str = "return.html";

/// The console's pages, for every path that is not the API's.
pub(crate) fn router() -> Router {
    let index = |headers: HeaderMap| async move { document(INDEX, StatusCode::OK, &headers) };
    Router::new()
        .route("/", get(index))
        .route("/integrations", get(index))
        .route("/integrations/", get(index))
        .route(
            "/return",
            get(|headers: HeaderMap| async move { document(RETURN, StatusCode::OK, &headers) }),
        )
        .route("/assets/{*name}", get(asset))
        .fallback(no_page)
        .layer(from_fn(with_headers))
}

async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    match files::find(uri.path().trim_start_matches('/')) {
        Some(found) => answer(found, StatusCode::OK, NEVER_CHANGED, &headers),
        None => evergrant_api::no_route(),
    }
}

fn document(name: &str, status: StatusCode, headers: &HeaderMap) -> Response {
    match files::find(name) {
        Some(found) => answer(found, status, ASKED_ANEW, headers),
        None => (StatusCode::NOT_FOUND, Html(include_str!("not_built.html"))).into_response(),
    }
}

fn answer(
    (file, tag): Found,
    status: StatusCode,
    cache: HeaderValue,
    asked: &HeaderMap,
) -> Response {
    let fixed = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, cache),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|known| known == tag)
    {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    let media_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.media_type()),
    )];
    match file.pressed.filter(|_| takes_brotli(asked)) {
        Some(pressed) => {
            let encoding = [(header::CONTENT_ENCODING, HeaderValue::from_static("br"))];
            (status, fixed, media_type, encoding, pressed).into_response()
        }
        None => (status, fixed, media_type, file.plain).into_response(),
    }
}

fn takes_brotli(asked: &HeaderMap) -> bool {
    let mut named = asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    named.any(|text| text.split(',').any(is_brotli))
}

/// `br`, unless it is said to be worth nothing.
fn is_brotli(coding: &str) -> bool {
    let (name, weight) = coding.trim().split_once(';').unwrap_or((coding, "q=1"));
    let nothing = weight
        .trim()
        .strip_prefix("q=")
        .is_some_and(|weight| weight.parse::<f32>() == Ok(0.0));
    name.trim().eq_ignore_ascii_case("br") && !nothing
}

/// A person is told by the console that there is no such page, a program by a status.
async fn no_page(request: Request) -> Response {
    let accepted = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_read && accepted.contains("text/html") {
        return document(INDEX, StatusCode::NOT_FOUND, request.headers());
    }
    evergrant_api::no_route()
}

async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
        .headers_mut()
        .extend([policy, OPENER, FOR_US_ALONE]);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_for_those_who_take_it() {
        let takes = |text: &'static str| {
            takes_brotli(&HeaderMap::from_iter([(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static(text),
            )]))
        };
        for text in ["br", "gzip, deflate, br, zstd", "gzip, BR;q=0.5"] {
            assert!(takes(text), "{text}");
        }
        for text in ["", "gzip", "brotli", "br;q=0", "br; q=0.0", "*"] {
            assert!(!takes(text), "{text}");
        }
    }
}
