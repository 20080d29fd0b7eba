//! TikTok's data endpoints: the account behind the token, and its videos.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use evergrant_model::ScopeSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::responses::{self, DataError};
use super::videos::{self, Video};
use super::{cover, user_info};
use crate::engine::Form;
use crate::platform::PlatformContext;
use crate::world::grants::TokenKind;

/// Length of the sliding rate limit window: one minute.
const RATE_LIMIT_WINDOW_SECONDS: i64 = 60;
const DEFAULT_PAGE_SIZE: usize = 10;
const MAX_PAGE_SIZE: usize = 20;

type Accounts = Arc<BTreeMap<String, Account>>;

pub(super) fn routes(accounts: BTreeMap<String, Account>) -> Router<PlatformContext> {
    let accounts: Accounts = Arc::new(accounts);
    let api = Router::new()
        .route("/v2/user/info/", get(user_info))
        .route("/v2/video/list/", post(video_list))
        .route("/v2/video/query/", post(video_query))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found);
    Router::new()
        .nest("/tiktok/api", api)
        .route(cover::PATH, get(cover::show))
        .layer(axum::Extension(accounts))
}

async fn user_info(call: Call) -> Response {
    let work = |caller: &Caller| {
        let requested = call.fields(&user_info::FIELDS.map(|(name, _)| name))?;
        let needs = |name: &&str| {
            user_info::FIELDS
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, scope)| *scope)
        };
        // One field without its scope fails the whole request.
        if !requested
            .iter()
            .filter_map(needs)
            .all(|scope| caller.scopes.contains(scope))
        {
            return Err(DataError::ScopeNotAuthorized);
        }
        let picture = format!(
            "{}/images/{}.png",
            call.context.shared.base_url(),
            caller.person
        );
        let now = call.context.shared.now();
        let value = |name: &str| caller.account.field(name, &caller.client, &picture, now);
        Ok(json!({ "user": object(&requested, value) }))
    };
    call.answer("user.info", work).await
}

async fn video_list(call: Call, body: Bytes) -> Response {
    #[derive(Deserialize)]
    struct Body {
        cursor: Option<i64>,
        max_count: Option<usize>,
    }
    let work = |caller: &Caller| {
        let requested = call.video_fields(caller)?;
        let Body { cursor, max_count } = read(&body)?;
        let max_count = max_count.unwrap_or(DEFAULT_PAGE_SIZE);
        if !(1..=MAX_PAGE_SIZE).contains(&max_count) {
            return Err(DataError::InvalidParams(
                "max_count must be between 1 and 20.",
            ));
        }
        let now = call.context.shared.now();
        // The cursor is in milliseconds, unlike `create_time`. Any time is a valid cursor.
        let before_ms = cursor
            .filter(|cursor| *cursor > 0)
            .unwrap_or(now.unix_ms() + 1);
        let mut older = videos::newest(&caller.account, now)
            .skip_while(|video| video.created_seconds * 1000 >= before_ms);
        let page: Vec<_> = older.by_ref().take(max_count).collect();
        // Videos that are not public are removed without replacement: a page can be short or empty.
        let shown = page
            .iter()
            .filter(|video| video.is_public(now))
            .map(|video| call.video(video, &requested));
        let next_cursor_ms = page
            .last()
            .map_or(before_ms, |last| last.created_seconds * 1000);
        Ok(json!({
            "videos": shown.collect::<Vec<_>>(),
            "cursor": next_cursor_ms,
            "has_more": older.next().is_some(),
        }))
    };
    call.answer("video.list", work).await
}

async fn video_query(call: Call, body: Bytes) -> Response {
    #[derive(Deserialize)]
    struct Body {
        filters: Filters,
    }
    #[derive(Deserialize)]
    struct Filters {
        video_ids: Vec<String>,
    }
    let work = |caller: &Caller| {
        let requested = call.video_fields(caller)?;
        let Body {
            filters: Filters { video_ids },
        } = read(&body)?;
        if !(1..=MAX_PAGE_SIZE).contains(&video_ids.len()) {
            return Err(DataError::InvalidParams(
                "video_ids must contain 1 to 20 ids.",
            ));
        }
        let now = call.context.shared.now();
        let seen = videos::newest(&caller.account, now).filter(|video| video.is_public(now));
        let found = seen
            .filter(|video| video_ids.contains(&video.id()))
            .map(|video| call.video(&video, &requested));
        Ok(json!({ "videos": found.collect::<Vec<_>>() }))
    };
    call.answer("video.query", work).await
}

async fn not_found(call: Call) -> Response {
    call.context
        .serve_endpoint("other", async { responses::not_found() })
        .await
}

/// A request to a data endpoint, without its body.
struct Call {
    context: PlatformContext,
    accounts: Accounts,
    bearer: Option<String>,
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
    ) -> Result<Self, Self::Rejection> {
        let line = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|line| line.to_str().ok());
        let scheme_and_token = line.and_then(|line| line.split_once(' '));
        let bearer = scheme_and_token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        Ok(Self {
            context: context.clone(),
            accounts: parts
                .extensions
                .get::<Accounts>()
                .cloned()
                .unwrap_or_default(),
            bearer: bearer.map(|(_, token)| token.trim().to_owned()),
            query: Form::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        })
    }
}

impl Call {
    /// Authenticates the call, applies the rate limit, then responds with the result of `work`.
    async fn answer(
        &self,
        endpoint: &str,
        work: impl FnOnce(&Caller) -> Result<Value, DataError>,
    ) -> Response {
        let work = async {
            let caller = self.caller().ok_or(DataError::AccessTokenInvalid)?;
            let quota = self.context.settings().quota;
            if !self.context.within_limit(
                &format!("{endpoint}/{}", caller.client),
                quota,
                RATE_LIMIT_WINDOW_SECONDS,
            ) {
                return Err(DataError::RateLimitExceeded);
            }
            work(&caller)
        };
        let answer = async {
            work.await
                .map_or_else(DataError::into_response, |data| responses::success(&data))
        };
        self.context.serve_endpoint(endpoint, answer).await
    }

    fn caller(&self) -> Option<Caller> {
        let now = self.context.shared.now();
        let world = self.context.shared.world();
        let (_, grant) = world
            .grants
            .find(TokenKind::Access, self.bearer.as_deref()?, now)?;
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

    /// Returns the requested fields.
    ///
    /// # Errors
    /// Returns `InvalidParams` if `fields` is missing or contains a field that is not `known`.
    fn fields(&self, known: &[&'static str]) -> Result<Vec<&'static str>, DataError> {
        let requested = self.query.get("fields").ok_or(DataError::InvalidParams(
            "The query parameter fields is required.",
        ))?;
        let find = |name: &str| known.iter().find(|field| **field == name.trim()).copied();
        let found: Option<Vec<_>> = requested.split(',').map(find).collect();
        found.ok_or(DataError::InvalidParams(
            "fields contains a field that does not exist.",
        ))
    }

    fn video_fields(&self, caller: &Caller) -> Result<Vec<&'static str>, DataError> {
        let granted = caller.scopes.contains("video.list");
        if granted {
            self.fields(&videos::FIELDS)
        } else {
            Err(DataError::ScopeNotAuthorized)
        }
    }

    fn video(&self, video: &Video<'_>, requested: &[&str]) -> Value {
        let (base_url, now) = (self.context.shared.base_url(), self.context.shared.now());
        object(requested, |name| video.field(name, base_url, now))
    }
}

fn object(names: &[&str], value: impl Fn(&str) -> Value) -> Value {
    Value::Object(
        names
            .iter()
            .map(|name| ((*name).to_owned(), value(name)))
            .collect::<Map<_, _>>(),
    )
}

/// Parses a JSON body. An empty body counts as an empty object.
fn read<B: DeserializeOwned>(body: &[u8]) -> Result<B, DataError> {
    let body = if body.is_empty() {
        b"{}".as_slice()
    } else {
        body
    };
    serde_json::from_slice(body)
        .map_err(|_| DataError::InvalidParams("The body is not valid JSON."))
}
