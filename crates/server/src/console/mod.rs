//! The pages of the console, which are built in `web/console`, included in the program and served
//! with a strict content security policy.
//!
//! The name of an asset contains a hash of its content, so browsers cache it forever. Documents are
//! revalidated on each request.

mod documents;
mod files;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use evergrant_api::App;
use evergrant_service::PublicUrl;

use documents::Documents;
use files::Content;

/// Content security policy: resources of the same origin only, and no markup or scripts created by
/// scripts, see <https://www.w3.org/TR/trusted-types/>.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// Lets the console keep its reference to the consent window that it opens.
const OPENER_POLICY: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderValue::from_static("same-origin-allow-popups"),
);
const RESOURCE_POLICY: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("same-origin"),
);

const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Routes whose answer depends on the path. The other pages have one document, which routes in the
/// browser by the path that is shown there.
const RETURN: &str = "/return";
const ASSETS: &str = "/assets/{*name}";

/// Returns the routes of the console at `public_url` with the name and logo of `app`, for every
/// path that does not belong to the API.
pub(crate) fn router(public_url: &PublicUrl, app: &App) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/integrations", get(index))
        .route("/integrations/", get(index))
        .route(RETURN, get(returned))
        .route(ASSETS, get(asset))
        .fallback(page_not_found)
        .layer(from_fn(with_headers))
        .with_state(Documents::at(public_url, app))
}

/// Returns a route of the console that a public URL with this path would make ambiguous.
pub(crate) fn route_below(path: &str) -> Option<String> {
    let mut routes = [RETURN, ASSETS].into_iter();
    let route = routes.find(|route| evergrant_api::is_route_below(route, path));
    route.map(str::to_owned)
}

async fn index(State(documents): State<Documents>, headers: HeaderMap) -> Response {
    documents.respond(
        |built| &built.index,
        |content| file_response(content, StatusCode::OK, REVALIDATE, &headers),
    )
}

async fn returned(State(documents): State<Documents>, headers: HeaderMap) -> Response {
    documents.respond(
        |built| &built.returned,
        |content| file_response(content, StatusCode::OK, REVALIDATE, &headers),
    )
}

async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    match files::find(uri.path().trim_start_matches('/')) {
        Some(content) => file_response(content, StatusCode::OK, IMMUTABLE, &headers),
        None => evergrant_api::route_not_found(),
    }
}

fn file_response(
    content: &Content,
    status: StatusCode,
    cache: HeaderValue,
    request: &HeaderMap,
) -> Response {
    let tag = &content.tag;
    let headers = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, cache),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|cached| cached == tag)
    {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let media_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content.media_type),
    )];
    match content.brotli.filter(|_| accepts_brotli(request)) {
        Some(compressed) => {
            let encoding = [(header::CONTENT_ENCODING, HeaderValue::from_static("br"))];
            (status, headers, media_type, encoding, compressed).into_response()
        }
        None => (status, headers, media_type, content.plain.clone()).into_response(),
    }
}

fn accepts_brotli(request: &HeaderMap) -> bool {
    let mut values = request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.any(|text| text.split(',').any(is_brotli))
}

/// Returns whether `coding`, an element of `Accept-Encoding`, is `br` with a weight other than 0
/// (RFC 9110, section 12.5.3).
fn is_brotli(coding: &str) -> bool {
    let (name, weight) = coding.trim().split_once(';').unwrap_or((coding, "q=1"));
    let is_refused = weight
        .trim()
        .strip_prefix("q=")
        .is_some_and(|weight| weight.parse::<f32>() == Ok(0.0));
    name.trim().eq_ignore_ascii_case("br") && !is_refused
}

/// Returns 404: for a browser with the console's own page, for other clients as a problem document.
async fn page_not_found(State(documents): State<Documents>, request: Request) -> Response {
    let accepted = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_page_request = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_page_request && accepted.contains("text/html") {
        let (status, headers) = (StatusCode::NOT_FOUND, request.headers());
        return documents.respond(
            |built| &built.index,
            |content| file_response(content, status, REVALIDATE, headers),
        );
    }
    evergrant_api::route_not_found()
}

async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
        .headers_mut()
        .extend([policy, OPENER_POLICY, RESOURCE_POLICY]);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_sent_only_to_clients_that_accept_it() {
        let accepts = |text: &'static str| {
            accepts_brotli(&HeaderMap::from_iter([(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static(text),
            )]))
        };
        for text in ["br", "gzip, deflate, br, zstd", "gzip, BR;q=0.5"] {
            assert!(accepts(text), "{text}");
        }
        for text in ["", "gzip", "brotli", "br;q=0", "br; q=0.0", "*"] {
            assert!(!accepts(text), "{text}");
        }
    }
}
