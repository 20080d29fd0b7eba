//! Reddit's data endpoints: the account behind the token, and its posts and comments.

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
use super::{listing, responses};
use crate::engine::Form;
use crate::platform::PlatformContext;
use crate::world::grants::TokenKind;

type Accounts = Arc<BTreeMap<String, Account>>;

pub(super) fn routes(accounts: BTreeMap<String, Account>) -> Router<PlatformContext> {
    let accounts: Accounts = Arc::new(accounts);
    let oauth = Router::new()
        .route("/api/v1/me", get(me))
        .route("/api/v1/me/karma", get(karma))
        .route("/user/{name}/submitted", get(submitted))
        .route("/user/{name}/comments", get(comments))
        .fallback(not_found);
    // This host expects a browser's session cookie and does not accept bearer tokens.
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
            .me(&caller.client, &picture, call.context.shared.now()))
    };
    call.answer("me", "identity", body).await
}

async fn karma(call: Call) -> Response {
    let body = |caller: &Caller| Ok(caller.account.karma_list(call.context.shared.now()));
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

async fn not_found(call: Call) -> Response {
    call.respond_with_error(StatusCode::NOT_FOUND).await
}

async fn not_on_this_host(call: Call) -> Response {
    call.respond_with_error(StatusCode::FORBIDDEN).await
}

/// A request to a data endpoint.
struct Call {
    context: PlatformContext,
    accounts: Accounts,
    headers: HeaderMap,
    query: Form,
}

/// The holder of the access token that a call carries.
struct Caller {
    client: String,
    person: String,
    scopes: ScopeSet,
    account: Account,
}

impl FromRequestParts<PlatformContext> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        context: &PlatformContext,
    ) -> Result<Self, Infallible> {
        let accounts = parts
            .extensions
            .get::<Accounts>()
            .cloned()
            .unwrap_or_default();
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            context: context.clone(),
            accounts,
            headers: parts.headers.clone(),
            query,
        })
    }
}

impl Call {
    /// Authenticates, rate-limits and authorizes the call, then responds with `body`.
    async fn answer(
        &self,
        endpoint: &str,
        scope: &str,
        body: impl FnOnce(&Caller) -> Result<Value, StatusCode>,
    ) -> Response {
        let work = async {
            if let Some(blocked) = responses::block_page(&self.headers) {
                return blocked;
            }
            let Some(caller) = self.caller() else {
                return responses::bearer_error(StatusCode::UNAUTHORIZED, "invalid_token");
            };
            self.rate_limited(&caller, || {
                if !caller.scopes.contains(scope) && !caller.scopes.contains("*") {
                    return responses::bearer_error(StatusCode::FORBIDDEN, "insufficient_scope");
                }
                body(&caller).map_or_else(responses::plain_error, |body| self.json_response(body))
            })
        };
        self.context.serve_endpoint(endpoint, work).await
    }

    async fn respond_with_error(&self, status: StatusCode) -> Response {
        let work = async {
            responses::block_page(&self.headers).unwrap_or_else(|| responses::plain_error(status))
        };
        self.context.serve_endpoint("other", work).await
    }

    fn caller(&self) -> Option<Caller> {
        let line = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, token) = line
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
        let now = self.context.shared.now();
        let world = self.context.shared.world();
        let (_, grant) = world.grants.find(TokenKind::Access, token.trim(), now)?;
        let account = self
            .accounts
            .get(&grant.person)
            .filter(|_| grant.platform == self.context.slug())?;
        Some(Caller {
            client: grant.client.clone(),
            person: grant.person.clone(),
            scopes: grant.scopes.clone(),
            account: account.clone(),
        })
    }

    /// Counts the call in the window of the person and app, and adds the rate limit headers.
    fn rate_limited(&self, caller: &Caller, answer: impl FnOnce() -> Response) -> Response {
        let settings = self.context.settings();
        let window = self.context.count_call(
            &format!("data/{}/{}", caller.client, caller.person),
            settings.quota,
        );
        let mut response = if window.is_exceeded() {
            responses::too_many(window.reset_seconds, settings)
        } else {
            answer()
        };
        responses::set_rate_limit_headers(
            &mut response,
            window,
            &format!("{}.0", window.remaining()),
        );
        response
    }

    fn json_response(&self, mut body: Value) -> Response {
        if self.query.get("raw_json") != Some("1") {
            responses::escape(&mut body);
        }
        responses::json(StatusCode::OK, &body)
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
        let now = self.context.shared.now();
        Ok(listing::page(
            posts::newest(account, kind, now),
            &self.query,
            self.context.shared.base_url(),
            now,
        ))
    }

    /// Returns a picture URL with an ampersand in its query, like Reddit's signed URLs.
    fn picture(&self, person: &str, width: u32) -> String {
        format!(
            "{}/images/{person}.png?width={width}&s=sim{width}",
            self.context.shared.base_url()
        )
    }
}
