//! The site's internal API, as its pages call it: the signed-in account's profile and posts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::Value;

use super::account::Account;
use super::browser::Caller;
use super::profile::ME;
use super::{posts, responses};
use crate::engine::Form;
use crate::faults::ConsentFault;
use crate::platform::PlatformContext;
use crate::world::grants::GrantId;

type Accounts = Arc<BTreeMap<String, Account>>;

pub(super) fn routes(accounts: BTreeMap<String, Account>) -> Router<PlatformContext> {
    let accounts: Accounts = Arc::new(accounts);
    Router::new()
        .route(ME, get(me))
        .route("/onlyfans/api2/v2/users/{id}/posts", get(list_posts))
        .route("/onlyfans/api2/{*rest}", get(not_found))
        .layer(Extension(accounts))
}

async fn me(
    State(context): State<PlatformContext>,
    Extension(accounts): Extension<Accounts>,
    headers: HeaderMap,
) -> Response {
    let body = |person: &str, account: &Account| {
        let picture = format!("{}/images/{person}.png", context.shared.base_url());
        Some(account.me(&picture, context.shared.now()))
    };
    context
        .serve_endpoint("me", respond_to_owner(&context, &accounts, &headers, body))
        .await
}

async fn list_posts(
    State(context): State<PlatformContext>,
    Extension(accounts): Extension<Accounts>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let body = |_: &str, account: &Account| {
        let is_own = account.id.to_string() == id;
        is_own.then(|| {
            posts::page(
                account,
                &query,
                context.shared.base_url(),
                context.shared.now(),
            )
        })
    };
    context
        .serve_endpoint(
            "posts",
            respond_to_owner(&context, &accounts, &headers, body),
        )
        .await
}

async fn not_found(State(context): State<PlatformContext>) -> Response {
    context
        .serve_endpoint("other", async {
            responses::error(StatusCode::NOT_FOUND, "Not found.")
        })
        .await
}

/// Responds with `body` to the session's owner, and with a matching error to any other caller.
async fn respond_to_owner(
    context: &PlatformContext,
    accounts: &Accounts,
    headers: &HeaderMap,
    body: impl FnOnce(&str, &Account) -> Option<Value>,
) -> Response {
    let (id, person) = match Caller::from_headers(context, headers) {
        Caller::Anonymous => return responses::blocked(),
        Caller::Guest => return responses::guest(),
        Caller::Mismatched => {
            return responses::error(StatusCode::BAD_REQUEST, "Please sign in again.");
        }
        Caller::OtherBrowser => {
            return responses::error(
                StatusCode::UNAUTHORIZED,
                "This session belongs to another browser.",
            );
        }
        Caller::Owner(id, person) => (id, person),
    };
    let window = context.count_call(&format!("data/{person}"), context.settings().quota);
    if window.is_exceeded() {
        return responses::too_many(window.reset_seconds, context.settings());
    }
    if let Some(failure) = injected_failure(context, id).await {
        return failure;
    }
    let found = accounts
        .get(&person)
        .and_then(|account| body(&person, account));
    found.map_or_else(
        || responses::error(StatusCode::NOT_FOUND, "User not found."),
        |body| responses::json(StatusCode::OK, &body),
    )
}

/// Returns the failure that was selected at sign-in for the first call, and clears it.
async fn injected_failure(context: &PlatformContext, id: GrantId) -> Option<Response> {
    let fault = context.shared.world().grants.take_pending_fault(id);
    match fault {
        ConsentFault::SlowToken => {
            tokio::time::sleep(Duration::from_secs(ConsentFault::SLOW_SECONDS)).await;
            None
        }
        ConsentFault::RateLimited => Some(responses::too_many(
            ConsentFault::RETRY_AFTER_SECONDS,
            context.settings(),
        )),
        ConsentFault::ServerError => Some(responses::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "The site is down for maintenance.",
        )),
        _ => None,
    }
}
