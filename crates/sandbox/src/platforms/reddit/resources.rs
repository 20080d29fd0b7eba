//! Reddit's data endpoints: who the bearer is, and what they posted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{any, get};
use evergrant_model::ScopeSet;
use serde_json::Value;

use super::account::Account;
use super::posts::{self, Kind};
use super::{answers, listing};
use crate::engine::Form;
use crate::platform::Stage;
use crate::world::grants::TokenKind;

type Accounts = Arc<BTreeMap<String, Account>>;

pub(super) fn routes(accounts: BTreeMap<String, Account>) -> Router<Stage> {
    let accounts: Accounts = Arc::new(accounts);
    let oauth = Router::new()
        .route("/api/v1/me", get(me))
        .route("/api/v1/me/karma", get(karma))
        .route("/user/{name}/submitted", get(submitted))
        .route("/user/{name}/comments", get(comments))
        .fallback(nothing_there);
    // This host looks for the cookie of a signed-in browser; a bearer token means nothing to it.
    let www = Router::new()
        .route("/api/v1/me", any(not_on_this_host))
        .route("/api/v1/me/karma", any(not_on_this_host));
    Router::new()
        .nest("/reddit/oauth", oauth)
        .nest("/reddit/www", www)
        .layer(axum::Extension(accounts))
}

async fn me(call: Call) -> Response {
    let body = |caller: &Caller| {
        let picture = call.picture(&caller.person, 256);
        Ok(caller
            .account
            .me(&caller.client, &picture, call.stage.shared.now()))
    };
    call.answer("me", "identity", body).await
}

async fn karma(call: Call) -> Response {
    let body = |caller: &Caller| Ok(caller.account.karma_list(call.stage.shared.now()));
    call.answer("karma", "mysubreddits", body).await
}

async fn submitted(Path(name): Path<String>, call: Call) -> Response {
    call.answer("submitted", "history", |_| call.listing(&name, Kind::Post))
        .await
}

async fn comments(Path(name): Path<String>, call: Call) -> Response {
    call.answer("comments", "history", |_| {
        call.listing(&name, Kind::Comment)
    })
    .await
}

async fn nothing_there(call: Call) -> Response {
    call.refuse(StatusCode::NOT_FOUND).await
}

async fn not_on_this_host(call: Call) -> Response {
    call.refuse(StatusCode::FORBIDDEN).await
}

/// A call to a data endpoint: all that an endpoint may look at.
struct Call {
    stage: Stage,
    accounts: Accounts,
    headers: HeaderMap,
    query: Form,
}

/// Whose token came with a call.
struct Caller {
    client: String,
    person: String,
    scopes: ScopeSet,
    account: Account,
}

impl FromRequestParts<Stage> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, stage: &Stage) -> Result<Self, Infallible> {
        let accounts = parts
            .extensions
            .get::<Accounts>()
            .cloned()
            .unwrap_or_default();
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            stage: stage.clone(),
            accounts,
            headers: parts.headers.clone(),
            query,
        })
    }
}

impl Call {
    /// Answers with `body`, if the caller may have it.
    async fn answer(
        &self,
        endpoint: &str,
        scope: &str,
        body: impl FnOnce(&Caller) -> Result<Value, StatusCode>,
    ) -> Response {
        let work = async {
            if let Some(away) = answers::block_page(&self.headers) {
                return away;
            }
            let Some(caller) = self.caller() else {
                return answers::bearer_error(StatusCode::UNAUTHORIZED, "invalid_token");
            };
            self.limited(&caller, || {
                if !caller.scopes.contains(scope) && !caller.scopes.contains("*") {
                    return answers::bearer_error(StatusCode::FORBIDDEN, "insufficient_scope");
                }
                body(&caller).map_or_else(answers::plain_error, |body| self.as_asked(body))
            })
        };
        self.stage.attend(endpoint, work).await
    }

    async fn refuse(&self, status: StatusCode) -> Response {
        let work = async {
            answers::block_page(&self.headers).unwrap_or_else(|| answers::plain_error(status))
        };
        self.stage.attend("other", work).await
    }

    fn caller(&self) -> Option<Caller> {
        let line = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, token) = line
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
        let now = self.stage.shared.now();
        let world = self.stage.shared.world();
        let (_, grant) = world.grants.find(TokenKind::Access, token.trim(), now)?;
        let account = self
            .accounts
            .get(&grant.person)
            .filter(|_| grant.platform == self.stage.slug())?;
        Some(Caller {
            client: grant.client.clone(),
            person: grant.person.clone(),
            scopes: grant.scopes.clone(),
            account: account.clone(),
        })
    }

    /// Counts the call in the window of this person and app, and tells how the window stands.
    fn limited(&self, caller: &Caller, answer: impl FnOnce() -> Response) -> Response {
        let settings = self.stage.settings();
        let window = self.stage.spend(
            &format!("data/{}/{}", caller.client, caller.person),
            settings.quota,
        );
        let mut response = if window.is_exceeded() {
            answers::too_many(window.reset_s, settings)
        } else {
            answer()
        };
        answers::state_limit(&mut response, window, &format!("{}.0", window.remaining()));
        response
    }

    fn as_asked(&self, mut body: Value) -> Response {
        if self.query.get("raw_json") != Some("1") {
            answers::escape(&mut body);
        }
        answers::json(StatusCode::OK, &body)
    }

    fn listing(&self, username: &str, kind: Kind) -> Result<Value, StatusCode> {
        let named = |account: &&Account| account.username.eq_ignore_ascii_case(username);
        let account = self
            .accounts
            .values()
            .find(named)
            .ok_or(StatusCode::NOT_FOUND)?;
        if account.suspended {
            return Err(StatusCode::FORBIDDEN);
        }
        let now = self.stage.shared.now();
        Ok(listing::page(
            posts::newest(account, kind, now),
            &self.query,
            self.stage.shared.base_url(),
            now,
        ))
    }

    /// A picture's address, signed as Reddit signs them: with a query that has an ampersand in it.
    fn picture(&self, person: &str, width: u32) -> String {
        format!(
            "{}/images/{person}.png?width={width}&s=sim{width}",
            self.stage.shared.base_url()
        )
    }
}
