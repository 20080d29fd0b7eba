//! Serving below the path of the public URL.
//!
//! Some reverse proxies remove that path from a request, others do not. Every route therefore
//! answers with and without it.

use axum::extract::{Request, State};
use axum::{Router, middleware};
use evergrant_service::PublicUrl;
use http::Uri;
use http::uri::PathAndQuery;

/// Returns a router that serves `routes` under their own paths and below the public URL's path.
pub(crate) fn serve_below(public_url: PublicUrl, routes: Router) -> Router {
    if public_url.base_path().is_empty() {
        return routes;
    }
    // A layer of `routes` itself would run after the route is chosen.
    let strip = middleware::map_request_with_state(public_url, strip);
    Router::new().fallback_service(routes).layer(strip)
}

async fn strip(State(public_url): State<PublicUrl>, mut request: Request) -> Request {
    if let Some(uri) = stripped(&public_url, request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Returns the URI without the public URL's path; `None` if it is not below that path.
fn stripped(public_url: &PublicUrl, uri: &Uri) -> Option<Uri> {
    let path = public_url.strip(uri.path())?;
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns whether a request for `route`, such as `/docs/{*file}`, can have a path at or below
/// `base`. As the path of the public URL, `base` would then have two meanings.
#[must_use]
pub fn is_below(route: &str, base: &str) -> bool {
    let mut rest = route.split('/');
    for segment in base.split('/') {
        match rest.next() {
            Some(pattern) if pattern.starts_with("{*") => return true,
            Some(pattern) if pattern == segment || pattern.starts_with('{') => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_removed_and_the_rest_of_the_uri_kept() {
        let public_url = PublicUrl::parse("https://vault.example/a/grants").unwrap();
        for (sent, routed) in [
            ("/a/grants", "/"),
            ("/a/grants?x=1", "/?x=1"),
            ("/a/grants/docs/?x=%2F&y", "/docs/?x=%2F&y"),
            ("/a/grants//docs", "//docs"),
            (
                "http://vault.example/a/grants/docs",
                "http://vault.example/docs",
            ),
        ] {
            let uri = stripped(&public_url, &sent.parse().unwrap());
            assert_eq!(uri.unwrap().to_string(), routed);
        }
        for other in ["/", "/a", "/a/grantsdocs", "/docs/a/grants", "/A/grants"] {
            assert_eq!(stripped(&public_url, &other.parse().unwrap()), None);
        }
    }

    #[test]
    fn route_is_below_a_base_that_it_can_match() {
        for (route, base) in [
            ("/api/users/{id}", "/api"),
            ("/api/users/{id}", "/api/users/grants"),
            ("/docs/{*file}", "/docs/a/b/c"),
            ("/portal/{code}", "/portal"),
            ("/openapi.json", "/openapi.json"),
        ] {
            assert!(is_below(route, base), "{route} {base}");
        }
        for (route, base) in [
            ("/api/users/{id}", "/api/grants"),
            ("/api/users/{id}", "/api/users/a/b"),
            ("/api/users/{id}", "/apis"),
            ("/docs", "/docs/grants"),
        ] {
            assert!(!is_below(route, base), "{route} {base}");
        }
    }
}
