//! Cross-origin requests of browsers (CORS).
//!
//! A browser does not tell a page why its request was not sent, so the operator's log does: once
//! for each origin that is not allowed, with the setting to change.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::integrations::events;
use crate::request;

/// The maximum number of refused origins that are logged, so that callers cannot fill the log.
const MAX_LOGGED: usize = 50;

/// The origins whose pages may call the API.
pub(crate) struct Cors {
    allowed: Vec<HeaderValue>,
}

impl Cors {
    /// Takes the operator's list of origins.
    pub(crate) fn new(origins: &[String]) -> Self {
        let allowed = origins.iter().filter_map(|origin| exact_origin(origin));
        Self {
            allowed: allowed.collect(),
        }
    }

    /// Adds the CORS headers to responses, and logs the origins of preflight requests that are not
    /// allowed.
    pub(crate) fn add_to(self, routes: Router) -> Router {
        let refused = Arc::new(Refused {
            allowed: self.allowed.clone(),
            logged: Mutex::default(),
        });
        let routes = match layer(self.allowed) {
            Some(layer) => routes.layer(layer),
            None => routes,
        };
        routes.layer(middleware::from_fn_with_state(refused, log_refused))
    }
}

/// The origins that were refused.
struct Refused {
    allowed: Vec<HeaderValue>,
    logged: Mutex<HashSet<HeaderValue>>,
}

async fn log_refused(
    State(refused): State<Arc<Refused>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_preflight = request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight && let Some(origin) = headers.get(header::ORIGIN) {
        refused.log(origin);
    }
    next.run(request).await
}

impl Refused {
    /// Logs the origin if it is not allowed and was not logged before.
    fn log(&self, origin: &HeaderValue) {
        let exact = origin.to_str().ok().and_then(exact_origin);
        let Some(exact) = exact.filter(|exact| !self.allowed.contains(exact)) else {
            return;
        };
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() < MAX_LOGGED && logged.insert(exact.clone()) {
            tracing::warn!(
                origin = ?exact,
                "refused a browser's request from an origin that is not allowed: to allow it, add \
                 it to EVERGRANT_ALLOWED_ORIGINS"
            );
        }
    }
}

/// Returns the CORS layer for these origins; `None` if there are none. Cookies are not allowed:
/// scripts send bearer tokens themselves.
fn layer(origins: Vec<HeaderValue>) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let header_name = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            events::LAST_EVENT_ID,
            header_name("evergrant-user"),
            request::REQUEST_ID,
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, request::REQUEST_ID])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

/// Returns the origin as browsers serialize it. `None` for text that is not a scheme, host and
/// port, such as `*` and `null`.
fn exact_origin(text: &str) -> Option<HeaderValue> {
    let origin = Url::parse(text).ok()?.origin();
    if origin.is_tuple() {
        HeaderValue::from_str(&origin.ascii_serialization()).ok()
    } else {
        None
    }
}
