//! Every route, and what lies around them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use evergrant_model::{Entropy, ErrorCode};
use evergrant_service::IntegrationsService;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::integrations::{
    callback, choose, connect, disconnect, events, flows, providers, refresh, report, status, token, tokens,
};
use crate::openapi::{Description, complete};
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::{docs, hosted_form, pages, request, sessions, users};

/// What the operator decides about the HTTP side.
#[derive(Debug, Clone, Default)]
pub struct ApiOptions {
    /// Origins whose browsers may call (CORS), such as `https://app.example`.
    pub allowed_origins: Vec<String>,
}

fn described() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::status))
        .routes(routes!(providers::providers))
        .routes(routes!(connect::connect))
        .routes(routes!(callback::by_browser, callback::by_post))
        .routes(routes!(choose::choose))
        .routes(routes!(hosted_form::show))
        .routes(routes!(flows::flow))
        .routes(routes!(flows::finish))
        .routes(routes!(flows::credentials))
        .routes(routes!(disconnect::disconnect))
        .routes(routes!(refresh::refresh))
        .routes(routes!(events::events))
        .routes(routes!(token::token))
        .routes(routes!(tokens::tokens))
        .routes(routes!(report::report))
        .routes(routes!(users::create))
        .routes(routes!(users::show, users::delete))
        .routes(routes!(sessions::create, sessions::end))
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn openapi_json() -> String {
    complete(described().into_openapi()).to_pretty_json().unwrap_or_default()
}

/// The public routes: the API, its description, the page to try it, and a front door at `/`.
pub fn router(service: IntegrationsService, options: &ApiOptions) -> Router {
    routes(service, options, Router::new().route("/", get(async || pages::front_door())))
}

/// The public routes with pages of the caller's own, `/` among them, in the place of the front door.
pub fn router_with_pages(service: IntegrationsService, options: &ApiOptions, pages: Router) -> Router {
    routes(service, options, pages)
}

fn routes(service: IntegrationsService, options: &ApiOptions, pages: Router) -> Router {
    let entropy = service.entropy();
    let (api, document) = described().split_for_parts();
    let document = Arc::new(complete(document));
    let routes = api
        .with_state(ApiState { service })
        .route("/openapi.json", get(async move || Json(document.as_ref().clone())))
        .route("/errors", get(async || pages::error_codes()))
        .route("/docs", get(docs::without_slash))
        .route("/docs/", get(docs::index))
        .route("/docs/{*file}", get(docs::asset))
        .merge(pages)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method);
    around(routes, cors(&options.allowed_origins), entropy)
}

/// The routes of the private listener: `/healthz`, whether the process lives, and `/readyz`, whether it can serve.
pub fn admin_router(service: IntegrationsService) -> Router {
    let entropy = service.entropy();
    let routes = Router::new()
        .route("/healthz", get(async || Json(serde_json::json!({"status": "ok"}))))
        .route("/readyz", get(ready))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(ApiState { service });
    around(routes, None, entropy)
}

/// A panic becomes a problem, CORS headers go on that too, and the outermost layer gives every answer its request id.
fn around(routes: Router, cors: Option<CorsLayer>, entropy: Arc<dyn Entropy>) -> Router {
    let routes = routes.layer(CatchPanicLayer::custom(panicked));
    let routes = if let Some(cors) = cors { routes.layer(cors) } else { routes };
    routes.layer(middleware::from_fn_with_state(entropy, request::around))
}

async fn ready(State(state): State<ApiState>) -> Response {
    let health = state.service.health().await;
    if health.is_good() {
        return Json(serde_json::json!({"status": "ok"})).into_response();
    }
    let database = match (health.answers, health.takes_writes) {
        (false, _) => "not answering",
        (true, false) => "taking no writes",
        (true, true) => "ok",
    };
    let degraded =
        serde_json::json!({"status": "degraded", "database": database, "unstoredRenewals": health.waiting_pairs});
    (StatusCode::SERVICE_UNAVAILABLE, Json(degraded)).into_response()
}

async fn no_route() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such route; /docs lists them.")
}

async fn no_method() -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, "This route does not know that method; /docs lists them.")
}

/// What a panic said is for the log alone, and only its place: it may hold what must not be seen.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::new(ErrorCode::InternalError, "A handler stopped in the middle.").into_response()
}

/// Off unless origins are named; then those alone, without credentials, since bearer tokens are sent by hand.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<_> = origins.iter().filter_map(|origin| exact_origin(origin)).collect();
    if origins.is_empty() {
        return None;
    }
    let named = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            events::LAST_EVENT_ID,
            named("evergrant-user"),
            request::REQUEST_ID,
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, request::REQUEST_ID])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

/// The origin as browsers write it. `*`, `null` and whatever else is no scheme, host and port is nobody's origin.
fn exact_origin(text: &str) -> Option<HeaderValue> {
    let origin = Url::parse(text).ok()?.origin();
    if origin.is_tuple() { HeaderValue::from_str(&origin.ascii_serialization()).ok() } else { None }
}
