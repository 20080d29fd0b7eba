//! Every route, and what lies around them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router, middleware};
use evergrant_model::{ErrorCode, UserId};
use evergrant_service::IntegrationsService;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::console::{dev, portal, session};
use crate::hosted::{account_choice, credential_form};
use crate::integrations::{
    callback, connect, disconnect, events, flows, providers, refresh, report, status, token, tokens,
};
use crate::openapi::{Description, complete};
use crate::problem::ApiError;
use crate::request::AroundAll;
use crate::state::ApiState;
use crate::{docs, images, pages, request, sessions, users};

/// What the operator decides about the HTTP side.
#[derive(Debug, Clone, Default)]
pub struct ApiOptions {
    /// Origins whose browsers may call (CORS), such as `https://app.example`.
    pub allowed_origins: Vec<String>,
    /// The console; without it there is a front door at `/`.
    pub console: Option<Console>,
}

/// The pages for people.
#[derive(Debug, Clone, Default)]
pub struct Console {
    /// Answers every path that is none of the API's.
    pub pages: Router,
    /// In `dev`: whom a visitor may be, who is the first of them until they say otherwise.
    pub people: Vec<UserId>,
}

/// Where paths begin below which there is nothing but what is described.
const RESERVED: [&str; 8] = [
    "api",
    "connect",
    "console",
    "docs",
    "errors",
    "images",
    "openapi.json",
    "portal",
];

fn described() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::status))
        .routes(routes!(providers::providers))
        .routes(routes!(connect::connect))
        .routes(routes!(callback::by_browser, callback::by_post))
        .routes(routes!(credential_form::show, credential_form::submit))
        .routes(routes!(account_choice::choose))
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
        .routes(routes!(session::show, session::change, session::end))
        .routes(routes!(portal::open))
        .routes(routes!(images::image))
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn openapi_json() -> String {
    complete(described().into_openapi())
        .to_pretty_json()
        .unwrap_or_default()
}

/// Paths with what answers a GET there.
type Gets<S, const N: usize> = [(&'static str, MethodRouter<S>); N];

/// The public routes that the document leaves out: the document itself, and what explains it.
fn undescribed(document: Arc<utoipa::openapi::OpenApi>) -> Gets<(), 5> {
    [
        (
            "/openapi.json",
            get(async move || Json(document.as_ref().clone())),
        ),
        ("/errors", get(async || pages::error_codes())),
        ("/docs", get(docs::without_slash)),
        ("/docs/", get(docs::index)),
        ("/docs/{*file}", get(docs::asset)),
    ]
}

/// The routes of the private listener: whether the process lives, and whether it can serve.
fn private() -> Gets<ApiState, 2> {
    [
        (
            "/healthz",
            get(async || Json(serde_json::json!({"status": "ok"}))),
        ),
        ("/readyz", get(ready)),
    ]
}

fn with_routes<S: Clone + Send + Sync + 'static, const N: usize>(
    router: Router<S>,
    gets: Gets<S, N>,
) -> Router<S> {
    gets.into_iter()
        .fold(router, |router, (path, answer)| router.route(path, answer))
}

/// The paths that answer a GET and stand in no document: those of the public listener, then those
/// of the private one.
#[must_use]
pub fn undescribed_paths() -> (Vec<&'static str>, Vec<&'static str>) {
    let public = undescribed(Arc::default())
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    (
        public,
        private().into_iter().map(|(path, _)| path).collect(),
    )
}

/// The public routes: the API, its description, the page to try it, and the console.
pub fn router(service: IntegrationsService, options: &ApiOptions) -> Router {
    let around_all = AroundAll::of(&service);
    let people = options
        .console
        .iter()
        .flat_map(|console| &console.people)
        .copied()
        .collect();
    let state = ApiState { service, people };
    let (api, document) = described().split_for_parts();
    let document = Arc::new(complete(document));
    let routes = with_routes(api.with_state(state.clone()), undescribed(document));
    let routes = routes.method_not_allowed_fallback(no_method);
    let routes = match &options.console {
        Some(console) => routes.fallback_service(console_pages(console, state)),
        None => routes
            .route("/", get(async || pages::front_door()))
            .fallback(async || no_route()),
    };
    around(routes, cors(&options.allowed_origins), around_all)
}

fn console_pages(console: &Console, state: ApiState) -> Router {
    let pages = console.pages.clone().method_not_allowed_fallback(no_method);
    let pages = match console.people.as_slice() {
        [] => pages,
        _ => pages.layer(middleware::from_fn_with_state(state, dev::sign_in)),
    };
    pages.layer(middleware::from_fn(outside_of_the_api))
}

async fn outside_of_the_api(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let first = path.split('/').nth(1).unwrap_or_default();
    if RESERVED.contains(&first) {
        no_route()
    } else {
        next.run(request).await
    }
}

/// The routes of the private listener.
pub fn admin_router(service: IntegrationsService) -> Router {
    let around_all = AroundAll::of(&service);
    let routes = with_routes(Router::new(), private())
        .fallback(async || no_route())
        .method_not_allowed_fallback(no_method)
        .with_state(ApiState {
            service,
            people: Arc::default(),
        });
    around(routes, None, around_all)
}

/// A panic becomes a problem, CORS headers go on that too, and the outermost layer gives every
/// answer its request id.
fn around(routes: Router, cors: Option<CorsLayer>, around_all: AroundAll) -> Router {
    let routes = routes.layer(CatchPanicLayer::custom(panicked));
    let routes = if let Some(cors) = cors {
        routes.layer(cors)
    } else {
        routes
    };
    routes.layer(middleware::from_fn_with_state(around_all, request::around))
}

async fn ready(State(state): State<ApiState>) -> Response {
    let health = state.service.process().health().await;
    if health.is_good() {
        return Json(serde_json::json!({"status": "ok"})).into_response();
    }
    let database = match (health.answers, health.takes_writes) {
        (false, _) => "not answering",
        (true, false) => "taking no writes",
        (true, true) => "ok",
    };
    let degraded = serde_json::json!({"status": "degraded", "database": database, "pendingWrites": health.waiting_pairs});
    (StatusCode::SERVICE_UNAVAILABLE, Json(degraded)).into_response()
}

/// What is answered where there is nothing.
#[must_use]
pub fn no_route() -> Response {
    ApiError::new(
        ErrorCode::NotFound,
        "There is no such route; /docs lists them.",
    )
    .into_response()
}

async fn no_method() -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        "This route does not know that method; /docs lists them.",
    )
}

/// What a panic said is for the log alone, and only its place: it may hold what must not be seen.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::new(ErrorCode::InternalError, "A handler stopped in the middle.").into_response()
}

/// Off unless origins are named; then those alone, without credentials, since bearer tokens are
/// sent by hand.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<_> = origins
        .iter()
        .filter_map(|origin| exact_origin(origin))
        .collect();
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

/// The origin as browsers write it. `*`, `null` and whatever else is no scheme, host and port is
/// nobody's origin.
fn exact_origin(text: &str) -> Option<HeaderValue> {
    let origin = Url::parse(text).ok()?.origin();
    if origin.is_tuple() {
        HeaderValue::from_str(&origin.ascii_serialization()).ok()
    } else {
        None
    }
}
