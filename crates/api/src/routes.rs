//! The routers, and the layers that apply to every route.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router, middleware};
use evergrant_model::{ErrorCode, UserId};
use evergrant_service::IntegrationsService;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::console::{ConsoleCookie, dev, portal, session};
use crate::cors::Cors;
use crate::hosted::{account_choice, credential_form};
use crate::integrations::{
    callback, connect, disconnect, events, flows, providers, refresh, report, status, token, tokens,
};
use crate::openapi::{Deployment, Description, complete};
use crate::problem::ApiError;
use crate::public_path::{is_below, serve_below};
use crate::request::ResponseContext;
use crate::site::{App, LOGO_PATH, Site};
use crate::state::ApiState;
use crate::{docs, images, logo, pages, request, sessions, users};

/// HTTP settings of the operator.
#[derive(Debug, Clone, Default)]
pub struct ApiOptions {
    /// Origins whose pages may call the API from a browser (CORS), such as `https://app.example`.
    /// Empty: no CORS headers are sent.
    pub allowed_origins: Vec<String>,
    /// The name and logo of the app.
    pub app: App,
    /// The console. `None`: `/` answers a short page that links to `/docs/`.
    pub console: Option<Console>,
}

/// The console's pages.
#[derive(Debug, Clone, Default)]
pub struct Console {
    /// Serves every path that the API does not reserve.
    pub pages: Router,
    /// The users of `evergrant dev`: opening the console signs in the first one, and the console
    /// can switch to the others. Empty outside of `dev`, where nothing signs in automatically.
    pub dev_users: Vec<UserId>,
}

/// First path segments that belong to the API. The console's pages never serve paths below them.
const RESERVED: [&str; 9] = [
    "api",
    "app-logo",
    "connect",
    "console",
    "docs",
    "errors",
    "images",
    "openapi.json",
    "portal",
];

/// Returns the routes of the OpenAPI document.
fn documented_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::status))
        .routes(routes!(providers::providers))
        .routes(routes!(connect::connect))
        .routes(routes!(callback::by_browser, callback::by_post))
        .routes(routes!(credential_form::show, credential_form::submit))
        .routes(routes!(account_choice::choose))
        .routes(routes!(flows::flow))
        .routes(routes!(flows::accounts))
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

/// Returns the OpenAPI 3.1 document as indented JSON.
#[must_use]
pub fn openapi_json() -> String {
    complete(documented_routes().into_openapi(), &Deployment::default())
        .to_pretty_json()
        .unwrap_or_default()
}

/// Paths with their handlers of GET requests.
type GetRoutes<S, const N: usize> = [(&'static str, MethodRouter<S>); N];

/// Returns the public routes that the OpenAPI document omits: the document itself and the pages
/// about it.
fn undocumented_routes(document: Arc<utoipa::openapi::OpenApi>) -> GetRoutes<ApiState, 6> {
    [
        (
            "/openapi.json",
            get(async move || Json(document.as_ref().clone())),
        ),
        ("/errors", get(async || pages::error_codes())),
        (LOGO_PATH, get(logo::show)),
        ("/docs", get(docs::redirect_to_index)),
        ("/docs/", get(docs::index)),
        ("/docs/{*file}", get(docs::asset)),
    ]
}

/// Returns the routes of the private listener: the probes for liveness and readiness.
fn private_routes() -> GetRoutes<ApiState, 2> {
    [
        (
            "/healthz",
            get(async || Json(serde_json::json!({"status": "ok"}))),
        ),
        ("/readyz", get(readiness)),
    ]
}

fn add_routes<S: Clone + Send + Sync + 'static, const N: usize>(
    router: Router<S>,
    added: GetRoutes<S, N>,
) -> Router<S> {
    added.into_iter().fold(router, |router, (path, handler)| {
        router.route(path, handler)
    })
}

/// Returns the paths that answer GET requests and are not in the OpenAPI document: first those of
/// the public listener, then those of the private one.
#[must_use]
pub fn undocumented_paths() -> (Vec<&'static str>, Vec<&'static str>) {
    let public = undocumented_routes(Arc::default())
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    (
        public,
        private_routes().into_iter().map(|(path, _)| path).collect(),
    )
}

/// Returns the public routes: the API, its OpenAPI document, `/docs`, and the console.
pub fn router(service: IntegrationsService, options: &ApiOptions) -> Router {
    let context = ResponseContext::new(&service);
    let dev_users = options
        .console
        .iter()
        .flat_map(|console| &console.dev_users)
        .copied()
        .collect();
    let public_url = service.settings().public_url.clone();
    let deployment = Deployment {
        server: public_url.root_path().to_owned(),
        cookie_name: ConsoleCookie::new(&service).name().to_owned(),
    };
    let site = Site::new(options.app.clone(), service.settings());
    let state = ApiState {
        service,
        dev_users,
        site: Arc::new(site),
    };
    let (api, document) = documented_routes().split_for_parts();
    let document = Arc::new(complete(document, &deployment));
    let routes = add_routes(api, undocumented_routes(document)).with_state(state.clone());
    let routes = routes.method_not_allowed_fallback(method_not_allowed);
    let routes = match &options.console {
        Some(console) => routes.fallback_service(console_pages(console, state)),
        None => routes
            .route("/", get(landing_page).with_state(state))
            .fallback(async || route_not_found()),
    };
    let routes = with_common_layers(routes, Some(Cors::new(&options.allowed_origins)), context);
    serve_below(public_url, routes)
}

/// Returns a route of the API at or below `path`; `None` if `path` can be that of the public URL.
#[must_use]
pub fn route_at_or_below(path: &str) -> Option<String> {
    let documented = documented_routes().into_openapi().paths.paths;
    let (undocumented, _) = undocumented_paths();
    let mut routes = documented
        .into_keys()
        .chain(undocumented.into_iter().map(str::to_owned));
    routes.find(|route| is_below(route, path))
}

async fn landing_page(State(state): State<ApiState>) -> Response {
    pages::landing_page(state.public_url())
}

fn console_pages(console: &Console, state: ApiState) -> Router {
    let pages = console
        .pages
        .clone()
        .method_not_allowed_fallback(method_not_allowed);
    let pages = match console.dev_users.as_slice() {
        [] => pages,
        _ => pages.layer(middleware::from_fn_with_state(state, dev::sign_in)),
    };
    pages.layer(middleware::from_fn(reject_reserved_paths))
}

/// Answers 404 for paths that the API reserves, and passes others on.
async fn reject_reserved_paths(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let first = path.split('/').nth(1).unwrap_or_default();
    if RESERVED.contains(&first) {
        route_not_found()
    } else {
        next.run(request).await
    }
}

/// Returns the routes of the private listener: `/healthz` and `/readyz`.
pub fn admin_router(service: IntegrationsService) -> Router {
    let context = ResponseContext::new(&service);
    let site = Site::new(App::default(), service.settings());
    let routes = add_routes(Router::new(), private_routes())
        .fallback(async || route_not_found())
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(ApiState {
            service,
            dev_users: Arc::default(),
            site: Arc::new(site),
        });
    with_common_layers(routes, None, context)
}

/// Adds the layers of every route. The order matters: a panic becomes a problem document, CORS
/// headers are added to that too, and the outermost layer gives every response its request id.
fn with_common_layers(routes: Router, cors: Option<Cors>, context: ResponseContext) -> Router {
    let routes = routes.layer(CatchPanicLayer::custom(panic_response));
    let routes = match cors {
        Some(cors) => cors.add_to(routes),
        None => routes,
    };
    routes.layer(middleware::from_fn_with_state(context, request::handle))
}

/// 200 if this process can serve requests; 503 with the reasons otherwise. One row that the
/// database refuses to write, by a trigger of the app, is not a reason. The status is `degraded`
/// with 200, too, if the process leaves some background work to others because its clock is wrong.
async fn readiness(State(state): State<ApiState>) -> Response {
    let health = state.service.process().health().await;
    let restrictions = health.restrictions();
    if health.is_healthy() && restrictions.is_empty() {
        return Json(serde_json::json!({"status": "ok"})).into_response();
    }
    let reasons = [health.problems(), restrictions].concat();
    let degraded = serde_json::json!({
        "status": "degraded",
        "database": health.database(),
        "pendingWrites": health.pending_writes,
        "reasons": reasons,
    });
    let status = if health.is_healthy() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(degraded)).into_response()
}

/// Returns the 404 response of paths without a route.
#[must_use]
pub fn route_not_found() -> Response {
    ApiError::new(
        ErrorCode::NotFound,
        "No such route. The OpenAPI document lists all routes.",
    )
    .into_response()
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        "This route does not support the method. See the Allow header for those it supports.",
    )
}

/// Returns the 500 response of a handler that panicked. The response omits the panic's message,
/// which may contain a secret.
fn panic_response(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::new(ErrorCode::InternalError, "Internal error.").into_response()
}
