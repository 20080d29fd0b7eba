//! TikTok's data endpoints: who the bearer is, and what they published.

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
use super::answers::{self, Refused};
use super::videos::{self, Video};
use super::{cover, user_info};
use crate::engine::Form;
use crate::platform::Stage;
use crate::world::grants::TokenKind;

/// The limit counts the calls of the last minute.
const SPAN_S: i64 = 60;
const USUAL_PAGE: usize = 10;
const LONGEST_PAGE: usize = 20;

type Accounts = Arc<BTreeMap<String, Account>>;

pub(super) fn routes(accounts: BTreeMap<String, Account>) -> Router<Stage> {
    let accounts: Accounts = Arc::new(accounts);
    let api = Router::new()
        .route("/v2/user/info/", get(user_info))
        .route("/v2/video/list/", post(video_list))
        .route("/v2/video/query/", post(video_query))
        .fallback(nothing_there)
        .method_not_allowed_fallback(nothing_there);
    Router::new()
        .nest("/tiktok/api", api)
        .route(cover::PATH, get(cover::show))
        .layer(axum::Extension(accounts))
}

async fn user_info(call: Call) -> Response {
    let work = |caller: &Caller| {
        let asked = call.fields(&user_info::FIELDS.map(|(name, _)| name))?;
        let needs = |name: &&str| {
            user_info::FIELDS
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, scope)| *scope)
        };
        // One field too many, and there is no answer at all.
        if !asked
            .iter()
            .filter_map(needs)
            .all(|scope| caller.scopes.contains(scope))
        {
            return Err(Refused::ScopeNotAuthorized);
        }
        let picture = format!(
            "{}/images/{}.png",
            call.stage.shared.base_url(),
            caller.person
        );
        let now = call.stage.shared.now();
        let value = |name: &str| caller.account.field(name, &caller.client, &picture, now);
        Ok(json!({ "user": object(&asked, value) }))
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
        let asked = call.video_fields(caller)?;
        let Body { cursor, max_count } = read(&body)?;
        let max_count = max_count.unwrap_or(USUAL_PAGE);
        if !(1..=LONGEST_PAGE).contains(&max_count) {
            return Err(Refused::InvalidParams("max_count is from 1 to 20."));
        }
        let now = call.stage.shared.now();
        // Milliseconds, unlike `create_time`; the cursor of another list is as good as any other
        // moment.
        let before_ms = cursor
            .filter(|cursor| *cursor > 0)
            .unwrap_or(now.unix_ms() + 1);
        let mut older = videos::newest(&caller.account, now)
            .skip_while(|video| video.created_s * 1000 >= before_ms);
        let page: Vec<_> = older.by_ref().take(max_count).collect();
        // What nobody may see is taken out of the page, not made up for: pages come short, or
        // empty.
        let shown = page
            .iter()
            .filter(|video| video.is_public(now))
            .map(|video| call.video(video, &asked));
        let reached_ms = page.last().map_or(before_ms, |last| last.created_s * 1000);
        Ok(json!({
            "videos": shown.collect::<Vec<_>>(),
            "cursor": reached_ms,
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
        let asked = call.video_fields(caller)?;
        let Body {
            filters: Filters { video_ids },
        } = read(&body)?;
        if !(1..=LONGEST_PAGE).contains(&video_ids.len()) {
            return Err(Refused::InvalidParams("video_ids holds from 1 to 20 ids."));
        }
        let now = call.stage.shared.now();
        let seen = videos::newest(&caller.account, now).filter(|video| video.is_public(now));
        let found = seen
            .filter(|video| video_ids.contains(&video.id()))
            .map(|video| call.video(&video, &asked));
        Ok(json!({ "videos": found.collect::<Vec<_>>() }))
    };
    call.answer("video.query", work).await
}

async fn nothing_there(call: Call) -> Response {
    call.stage
        .attend("other", async { answers::nothing_there() })
        .await
}

/// A call to a data endpoint: all that an endpoint may look at, but for its body.
struct Call {
    stage: Stage,
    accounts: Accounts,
    bearer: Option<String>,
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

    async fn from_request_parts(parts: &mut Parts, stage: &Stage) -> Result<Self, Self::Rejection> {
        let line = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|line| line.to_str().ok());
        let scheme_and_token = line.and_then(|line| line.split_once(' '));
        let bearer = scheme_and_token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        Ok(Self {
            stage: stage.clone(),
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
    /// Who calls, whether they may call so often, and only then what they want.
    async fn answer(
        &self,
        endpoint: &str,
        work: impl FnOnce(&Caller) -> Result<Value, Refused>,
    ) -> Response {
        let work = async {
            let caller = self.caller().ok_or(Refused::AccessTokenInvalid)?;
            let quota = self.stage.settings().quota;
            if !self
                .stage
                .has_room(&format!("{endpoint}/{}", caller.client), quota, SPAN_S)
            {
                return Err(Refused::RateLimitExceeded);
            }
            work(&caller)
        };
        let answer = async {
            work.await
                .map_or_else(Refused::into_response, |data| answers::found(&data))
        };
        self.stage.attend(endpoint, answer).await
    }

    fn caller(&self) -> Option<Caller> {
        let now = self.stage.shared.now();
        let world = self.stage.shared.world();
        let (_, grant) = world
            .grants
            .find(TokenKind::Access, self.bearer.as_deref()?, now)?;
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

    /// What the query asks for, which must be something, and nothing but `known`.
    fn fields(&self, known: &[&'static str]) -> Result<Vec<&'static str>, Refused> {
        let asked = self
            .query
            .get("fields")
            .ok_or(Refused::InvalidParams("fields is missing in the query."))?;
        let find = |name: &str| known.iter().find(|field| **field == name.trim()).copied();
        let found: Option<Vec<_>> = asked.split(',').map(find).collect();
        found.ok_or(Refused::InvalidParams(
            "fields names one that does not exist.",
        ))
    }

    fn video_fields(&self, caller: &Caller) -> Result<Vec<&'static str>, Refused> {
        let granted = caller.scopes.contains("video.list");
        if granted {
            self.fields(&videos::FIELDS)
        } else {
            Err(Refused::ScopeNotAuthorized)
        }
    }

    fn video(&self, video: &Video<'_>, asked: &[&str]) -> Value {
        let (base_url, now) = (self.stage.shared.base_url(), self.stage.shared.now());
        object(asked, |name| video.field(name, base_url, now))
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

/// Reads a body in JSON; none at all is an empty object.
fn read<B: DeserializeOwned>(body: &[u8]) -> Result<B, Refused> {
    let body = if body.is_empty() {
        b"{}".as_slice()
    } else {
        body
    };
    serde_json::from_slice(body).map_err(|_| Refused::InvalidParams("The body does not read."))
}
