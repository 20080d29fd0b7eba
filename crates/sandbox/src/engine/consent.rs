//! The consent: the page, the person's choice, and the way back to the app.
//!
//! The page carries the query it was opened with, and the answer reads that query again by the same
//! rules, so nothing has to be remembered between the two and nothing on the page has to be
//! believed.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use evergrant_model::ScopeSet;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{AuthorizationFault, AuthorizationRequest, Form};
use crate::faults::Misbehaviour;
use crate::pages;
use crate::platform::Stage;
use crate::world::grants::{Code, Selection};

/// The cookie that ties an answer to the browser that was shown the page. Cookies are shared
/// between the ports of a host, hence a name that nobody else will use.
pub(crate) const CSRF_COOKIE: &str = "evergrant_sandbox_csrf";

/// What the person decided.
pub(crate) enum Answer {
    Allow(Choice),
    Deny,
}

/// What the person allowed, and as whom.
pub(crate) struct Choice {
    pub(crate) person: String,
    pub(crate) scopes: ScopeSet,
    pub(crate) misbehaviour: Misbehaviour,
    /// Which of the person's assets were ticked; `None`: all of them.
    pub(crate) assets: Option<Vec<String>>,
}

/// `GET` of the authorization endpoint: the page, or an error page for a request that no person
/// should see.
pub(super) async fn show(
    State(stage): State<Stage>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let work = async {
        match AuthorizationRequest::read(&stage, &query) {
            Err(fault) => pages::refused(&stage, fault),
            Ok(request) => {
                let csrf = csrf_cookie(&headers).unwrap_or_else(|| stage.shared.random());
                let mut page = pages::consent(&stage, &request, &query, &csrf);
                let path = uri.path();
                let cookie = format!("{CSRF_COOKIE}={csrf}; Path={path}; HttpOnly; SameSite=Lax");
                if let Ok(cookie) = cookie.try_into() {
                    page.headers_mut().insert(header::SET_COOKIE, cookie);
                }
                page
            }
        }
    };
    stage.attend("authorize", work).await
}

/// `POST` of the authorization endpoint: the person's answer.
pub(super) async fn decide(
    State(stage): State<Stage>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::of_body(&headers, &body);
    if !is_from_our_page(&headers, &form) {
        return pages::foreign_answer(&stage).into_response();
    }
    let request = match AuthorizationRequest::read(&stage, form.get("request").unwrap_or_default())
    {
        Ok(request) => request,
        Err(fault) => return pages::refused(&stage, fault),
    };
    match redirect(&stage, request, answer(&form)) {
        Ok(location) => see_other(&location),
        Err(fault) => pages::refused(&stage, fault),
    }
}

fn see_other(location: &Url) -> Response {
    let back = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (StatusCode::SEE_OTHER, back, Redirect::to(location.as_str())).into_response()
}

/// Whether a form comes from the page that this browser was shown.
pub(crate) fn is_from_our_page(headers: &HeaderMap, form: &Form) -> bool {
    let sent = form.get("csrf").unwrap_or_default();
    csrf_cookie(headers).is_some_and(|kept| kept.as_bytes().ct_eq(sent.as_bytes()).into())
}

pub(crate) fn csrf_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == CSRF_COOKIE)?;
    let is_ours = value.len() == 43
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_ours.then(|| value.to_owned())
}

fn answer(form: &Form) -> Answer {
    if form.get("decision") != Some("allow") {
        return Answer::Deny;
    }
    Answer::Allow(Choice {
        person: form.get("person").unwrap_or_default().to_owned(),
        scopes: form.all("scope").collect(),
        misbehaviour: form
            .get("misbehave")
            .and_then(Misbehaviour::parse)
            .unwrap_or_default(),
        assets: form
            .get("assets")
            .map(|_| form.all("asset").map(str::to_owned).collect()),
    })
}

/// Carries out the person's decision, and tells where the browser goes with it.
pub(crate) fn redirect(
    stage: &Stage,
    request: AuthorizationRequest,
    answer: Answer,
) -> Result<Url, AuthorizationFault> {
    let (mut target, echoed) = (request.redirect_to.clone(), request.state.clone());
    let (result, misbehaviour) = match answer {
        Answer::Allow(choice) if choice.misbehaviour == Misbehaviour::DialogError => {
            let failure = stage.platform.dialog_failure().iter();
            (
                failure
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect(),
                choice.misbehaviour,
            )
        }
        // Nothing allowed is the same as not allowed.
        Answer::Allow(choice) if !choice.scopes.is_empty() => {
            let misbehaviour = choice.misbehaviour;
            let granted = stage
                .platform
                .profile()
                .granted_param
                .map(|name| (name, choice.scopes.join(",")));
            let mut result = stage.platform.callback_extras(&request, &choice.scopes);
            result.insert(0, ("code", issue_code(stage, request, choice)?));
            result.extend(granted);
            (result, misbehaviour)
        }
        Answer::Allow(_) | Answer::Deny => {
            let denial = stage.platform.profile().denial.iter();
            (
                denial
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect(),
                Misbehaviour::None,
            )
        }
    };
    let mut query = target.query_pairs_mut();
    if let Some(echoed) = echoed {
        let mangled = misbehaviour == Misbehaviour::StateMangled;
        query.append_pair(
            "state",
            &if mangled {
                format!("{echoed}-mangled")
            } else {
                echoed
            },
        );
    }
    let profile = stage.platform.profile();
    query.extend_pairs(
        profile
            .issuer
            .map(|path| ("iss", format!("{}{path}", stage.shared.base_url()))),
    );
    query.extend_pairs(result).finish();
    drop(query);
    target.set_fragment(profile.fragment);
    Ok(target)
}

fn issue_code(
    stage: &Stage,
    request: AuthorizationRequest,
    choice: Choice,
) -> Result<String, AuthorizationFault> {
    let people = stage.platform.cards();
    let chosen = people.iter().position(|card| card.person == choice.person);
    let chosen = chosen.ok_or(AuthorizationFault::UnknownPerson)?;
    if !choice.scopes.missing_from(&request.scopes).is_empty() {
        return Err(AuthorizationFault::UnaskedScope);
    }
    let next_one = (chosen + 1) % people.len();
    let who = if choice.misbehaviour == Misbehaviour::WrongAccount {
        next_one
    } else {
        chosen
    };
    let now = stage.shared.now();
    let profile = stage.platform.profile();
    let code = stage.shared.random() + profile.code_ending;
    let selection = Selection {
        assets: choice.assets,
        declined: request
            .scopes
            .missing_from(&choice.scopes)
            .into_iter()
            .collect(),
        consented_at: now,
    };
    let content = Code {
        platform: stage.slug(),
        client: request.client.id,
        redirect_uri: request.redirect_uri,
        person: people
            .get(who)
            .map(|card| card.person.clone())
            .ok_or(AuthorizationFault::UnknownPerson)?,
        scopes: choice.scopes,
        lasting: request.lasting,
        expires_at: if choice.misbehaviour == Misbehaviour::CodeExpired {
            now
        } else {
            now.plus_seconds(profile.code_life_s)
        },
        misbehaviour: choice.misbehaviour,
        challenge: request.challenge,
        selection,
    };
    stage.shared.world().grants.put_code(&code, content, now);
    Ok(code)
}
