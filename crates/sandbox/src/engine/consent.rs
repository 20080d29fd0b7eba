//! The consent endpoint: shows the page, processes the person's decision and redirects to the app.
//!
//! The form carries the query of the page, and the query is validated again when the form is
//! submitted. The sandbox keeps no state between the two requests and trusts nothing on the page.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use evergrant_model::{ScopeSet, SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{AuthorizationRequest, AuthorizationRequestError, Form};
use crate::faults::ConsentFault;
use crate::pages;
use crate::platform::PlatformContext;
use crate::world::grants::{Code, Selection};

/// The cookie that binds a submitted form to the browser that loaded the page. Ports of one host
/// share cookies, so the name must be unique.
pub(crate) const CSRF_COOKIE: &str = "evergrant_sandbox_csrf";

/// Callback parameters: names and values.
type Params = Vec<(&'static str, String)>;

/// The person's decision on the consent page.
pub(crate) enum Decision {
    Allow(Approval),
    Deny,
}

/// The person who consents and the access they allow.
pub(crate) struct Approval {
    pub(crate) person: String,
    pub(crate) scopes: ScopeSet,
    pub(crate) consent_fault: ConsentFault,
    /// Ids of the selected assets. `None`: all.
    pub(crate) assets: Option<Vec<String>>,
}

/// Handles `GET` of the authorization endpoint: returns the consent page, or an error page for an
/// invalid request.
pub(super) async fn show(
    State(context): State<PlatformContext>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let work = async {
        match AuthorizationRequest::parse(&context, &query) {
            Err(error) => pages::authorization_error(&context, error),
            Ok(request) => {
                let csrf = csrf_cookie(&headers).unwrap_or_else(|| context.shared.random());
                let mut page = pages::consent(&context, &request, &query, &csrf);
                let path = uri.path();
                let cookie = format!("{CSRF_COOKIE}={csrf}; Path={path}; HttpOnly; SameSite=Lax");
                if let Ok(cookie) = cookie.try_into() {
                    page.headers_mut().insert(header::SET_COOKIE, cookie);
                }
                page
            }
        }
    };
    context.serve_endpoint("authorize", work).await
}

/// Handles `POST` of the authorization endpoint: the submitted consent form.
pub(super) async fn decide(
    State(context): State<PlatformContext>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::from_body(&headers, &body);
    if !csrf_token_matches(&headers, &form) {
        return pages::csrf_error(&context).into_response();
    }
    let query = form.get("request").unwrap_or_default();
    let location = AuthorizationRequest::parse(&context, query)
        .and_then(|request| complete(&context, request, decision(&form)));
    match location {
        Ok(location) => see_other(&location),
        Err(error) => pages::authorization_error(&context, error),
    }
}

fn see_other(location: &Url) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (
        StatusCode::SEE_OTHER,
        headers,
        Redirect::to(location.as_str()),
    )
        .into_response()
}

/// Returns whether the form was submitted by the browser that loaded the page.
pub(crate) fn csrf_token_matches(headers: &HeaderMap, form: &Form) -> bool {
    let submitted = form.get("csrf").unwrap_or_default();
    csrf_cookie(headers).is_some_and(|cookie| cookie.as_bytes().ct_eq(submitted.as_bytes()).into())
}

/// Returns the CSRF token from the cookie, if it has the format of the sandbox's tokens.
pub(crate) fn csrf_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == CSRF_COOKIE)?;
    let is_token = value.len() == 43
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_token.then(|| value.to_owned())
}

fn decision(form: &Form) -> Decision {
    if form.get("decision") != Some("allow") {
        return Decision::Deny;
    }
    Decision::Allow(Approval {
        person: form.get("person").unwrap_or_default().to_owned(),
        scopes: form.all("scope").collect(),
        consent_fault: ConsentFault::from_form(form),
        assets: form
            .get("assets")
            .map(|_| form.all("asset").map(str::to_owned).collect()),
    })
}

/// Applies the person's decision and returns the callback URL that the browser is redirected to.
///
/// # Errors
///
/// `UnknownPerson` or `UnrequestedScope` if the form was tampered with.
pub(crate) fn complete(
    context: &PlatformContext,
    request: AuthorizationRequest,
    decision: Decision,
) -> Result<Url, AuthorizationRequestError> {
    let profile = context.platform.profile();
    let (mut callback, state) = (request.redirect_to.clone(), request.state.clone());
    let mangles_state = matches!(&decision, Decision::Allow(approval)
        if approval.consent_fault == ConsentFault::StateMangled && !approval.scopes.is_empty());
    let state = state.map(|state| {
        if mangles_state {
            format!("{state}-mangled")
        } else {
            state
        }
    });
    let result = result_params(context, request, decision)?;
    let issuer = profile
        .issuer
        .map(|path| format!("{}{path}", context.shared.base_url()));
    callback
        .query_pairs_mut()
        .extend_pairs(state.map(|state| ("state", state)))
        .extend_pairs(issuer.map(|issuer| ("iss", issuer)))
        .extend_pairs(result);
    callback.set_fragment(profile.fragment);
    Ok(callback)
}

/// Returns the callback parameters that report the outcome: a code, a denial or an error. An
/// approval without any scope is a denial.
fn result_params(
    context: &PlatformContext,
    request: AuthorizationRequest,
    decision: Decision,
) -> Result<Params, AuthorizationRequestError> {
    let profile = context.platform.profile();
    match decision {
        Decision::Allow(approval) if approval.consent_fault == ConsentFault::DialogError => {
            Ok(owned(context.platform.dialog_error_params()))
        }
        Decision::Allow(approval) if !approval.scopes.is_empty() => {
            let granted = profile
                .granted_scopes_param
                .map(|name| (name, approval.scopes.join(",")));
            let mut params = context
                .platform
                .extra_callback_params(&request, &approval.scopes);
            params.insert(0, ("code", issue_code(context, request, approval)?));
            params.extend(granted);
            Ok(params)
        }
        Decision::Allow(_) | Decision::Deny => Ok(owned(profile.denial_params)),
    }
}

fn owned(params: &[(&'static str, &'static str)]) -> Params {
    params
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

/// Issues an authorization code for the approved scopes.
fn issue_code(
    context: &PlatformContext,
    request: AuthorizationRequest,
    approval: Approval,
) -> Result<String, AuthorizationRequestError> {
    let person = signed_in_person(context, &approval)?;
    if !approval.scopes.missing_from(&request.scopes).is_empty() {
        return Err(AuthorizationRequestError::UnrequestedScope);
    }
    let now = context.shared.now();
    let declined = request.scopes.missing_from(&approval.scopes);
    let code = context.shared.random() + context.platform.profile().code_suffix;
    let consent = Code {
        platform: context.slug(),
        client: request.client.id,
        redirect_uri: request.redirect_uri,
        person,
        scopes: approval.scopes,
        offline_access: request.offline_access,
        expires_at: code_expiry(context, approval.consent_fault, now),
        consent_fault: approval.consent_fault,
        challenge: request.challenge,
        selection: Selection {
            assets: approval.assets,
            declined: declined.into_iter().collect(),
            consented_at: now,
        },
    };
    context
        .shared
        .world()
        .grants
        .store_code(&code, consent, now);
    Ok(code)
}

/// Returns the selected person, or the next one in the list for the fault `wrong-account`.
fn signed_in_person(
    context: &PlatformContext,
    approval: &Approval,
) -> Result<String, AuthorizationRequestError> {
    let cards = context.platform.cards();
    let selected = cards.iter().position(|card| card.person == approval.person);
    let selected = selected.ok_or(AuthorizationRequestError::UnknownPerson)?;
    let index = if approval.consent_fault == ConsentFault::WrongAccount {
        (selected + 1) % cards.len()
    } else {
        selected
    };
    cards
        .get(index)
        .map(|card| card.person.clone())
        .ok_or(AuthorizationRequestError::UnknownPerson)
}

fn code_expiry(context: &PlatformContext, fault: ConsentFault, now: Timestamp) -> Timestamp {
    match fault {
        ConsentFault::CodeExpired => now,
        _ => now + SignedDuration::from_secs(context.platform.profile().code_ttl_seconds),
    }
}
