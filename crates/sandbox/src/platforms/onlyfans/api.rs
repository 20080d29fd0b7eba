//! The site's own API, as its pages call it: the profile of whoever is signed in, and their posts.

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
use super::facts::ME;
use super::{answers, posts};
use crate::engine::Form;
use crate::faults::Misbehaviour;
use crate::platform::Stage;
use crate::world::grants::GrantId;

type Accounts = Arc<BTreeMap<String, Account>>;

pub(super) fn routes(accounts: BTreeMap<String, Account>) -> Router<Stage> {
    let accounts: Accounts = Arc::new(accounts);
    Router::new()
        .route(ME, get(me))
        .route("/onlyfans/api2/v2/users/{id}/posts", get(list))
        .route("/onlyfans/api2/{*rest}", get(nothing_there))
        .layer(Extension(accounts))
}

async fn me(
    State(stage): State<Stage>,
    Extension(accounts): Extension<Accounts>,
    headers: HeaderMap,
) -> Response {
    let body = |person: &str, account: &Account| {
        let picture = format!("{}/images/{person}.png", stage.shared.base_url());
        Some(account.me(&picture, stage.shared.now()))
    };
    stage
        .attend("me", for_owner(&stage, &accounts, &headers, body))
        .await
}

async fn list(
    State(stage): State<Stage>,
    Extension(accounts): Extension<Accounts>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let body = |_: &str, account: &Account| {
        let is_own = account.id.to_string() == id;
        is_own.then(|| posts::page(account, &query, stage.shared.base_url(), stage.shared.now()))
    };
    stage
        .attend("posts", for_owner(&stage, &accounts, &headers, body))
        .await
}

async fn nothing_there(State(stage): State<Stage>) -> Response {
    stage
        .attend("other", async {
            answers::error(StatusCode::NOT_FOUND, "There is nothing here.")
        })
        .await
}

/// What `body` makes for a session's owner; everybody else is told off in their own way.
async fn for_owner(
    stage: &Stage,
    accounts: &Accounts,
    headers: &HeaderMap,
    body: impl FnOnce(&str, &Account) -> Option<Value>,
) -> Response {
    let (id, person) = match Caller::of(stage, headers) {
        Caller::Program => return answers::blocked(),
        Caller::Guest => return answers::guest(),
        Caller::Confused => {
            return answers::error(StatusCode::BAD_REQUEST, "Please sign in again.");
        }
        Caller::Stranger => {
            return answers::error(
                StatusCode::UNAUTHORIZED,
                "This session is another browser's.",
            );
        }
        Caller::Owner(id, person) => (id, person),
    };
    let window = stage.spend(&format!("data/{person}"), stage.settings().quota);
    if window.is_exceeded() {
        return answers::too_many(window.reset_s, stage.settings());
    }
    if let Some(trouble) = trouble(stage, id).await {
        return trouble;
    }
    let found = accounts
        .get(&person)
        .and_then(|account| body(&person, account));
    found.map_or_else(
        || {
            answers::error(
                StatusCode::NOT_FOUND,
                "There is nobody of that number here.",
            )
        },
        |body| answers::json(StatusCode::OK, &body),
    )
}

/// What was asked for at sign-in to go wrong at the first call.
async fn trouble(stage: &Stage, id: GrantId) -> Option<Response> {
    let trouble = stage.shared.world().grants.take_trouble(id);
    match trouble {
        Misbehaviour::SlowToken => {
            tokio::time::sleep(Duration::from_secs(Misbehaviour::SLOW_S)).await;
            None
        }
        Misbehaviour::RateLimited => Some(answers::too_many(
            Misbehaviour::RETRY_AFTER_S,
            stage.settings(),
        )),
        Misbehaviour::ServerError => Some(answers::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "We are busy with maintenance.",
        )),
        _ => None,
    }
}
