//! The code exchange of Instagram Login: the only endpoint of its API host, with its own error
//! format.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use evergrant_model::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::profile::PROFILE;
use crate::engine::Form;
use crate::faults::ConsentFault;
use crate::platform::PlatformContext;
use crate::platforms::meta::{self, MetaPeople};
use crate::profile::Client;
use crate::settings::{MetaSettings, PermissionsForm, UserIdForm, Wrapping};
use crate::world::grants::{Code, CodeLookup, Grants};

/// Lifetime of a token issued for a code: one hour.
const SHORT_LIFETIME_SECONDS: i64 = 3600;
const REDIRECT_URI_MISMATCH: &str = "Error validating verification code: the redirect_uri differs.";

/// Why a code exchange failed.
enum ExchangeError {
    /// A client error with this message. The `code` member repeats the HTTP status, 400.
    Flat(&'static str),
    /// Status 429 with a flat error.
    TooManyRequests,
    /// Status 500 with an empty body.
    Unavailable,
}

/// Responds to `POST` of the token endpoint.
pub(super) async fn exchange_code(
    State(context): State<PlatformContext>,
    Extension(people): Extension<Arc<MetaPeople>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let settings = context.settings().meta.unwrap_or(MetaSettings::DEFAULT);
    let multipart = meta::multipart(&headers, &body);
    let urlencoded = Form::from_body(&headers, &body);
    // With the switch off, a URL-encoded form is misread, which surfaces as a redirect_uri error.
    let is_unsupported_form = !settings.urlencoded && urlencoded.pairs().next().is_some();
    let form = multipart.and(urlencoded);
    let is_code = form.get("grant_type") == Some("authorization_code");
    let work = async {
        if is_unsupported_form {
            return ExchangeError::Flat(REDIRECT_URI_MISMATCH).into_response();
        }
        match redeem(&context, &people, &form) {
            Err(error) => error.into_response(),
            Ok((body, consent_fault)) => {
                if consent_fault == ConsentFault::SlowToken {
                    tokio::time::sleep(Duration::from_secs(ConsentFault::SLOW_SECONDS)).await;
                }
                meta::json(StatusCode::OK, &body)
            }
        }
    };
    context
        .serve_endpoint(
            if is_code {
                "token.authorization_code"
            } else {
                "token.other"
            },
            work,
        )
        .await
}

impl IntoResponse for ExchangeError {
    fn into_response(self) -> Response {
        let flat = |status: StatusCode, kind: &str, message: &str| {
            let body =
                json!({ "error_type": kind, "code": status.as_u16(), "error_message": message });
            meta::json(status, &body)
        };
        match self {
            Self::Flat(message) => flat(StatusCode::BAD_REQUEST, "OAuthException", message),
            Self::TooManyRequests => flat(
                StatusCode::TOO_MANY_REQUESTS,
                "OAuthRateLimitException",
                "Too many calls.",
            ),
            Self::Unavailable => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Exchanges the code for a short-lived token. Returns the response body, and the fault that the
/// consent requested.
fn redeem(
    context: &PlatformContext,
    people: &MetaPeople,
    form: &Form,
) -> Result<(Value, ConsentFault), ExchangeError> {
    let client = authenticate(form)?;
    if form.get("grant_type") != Some("authorization_code") {
        return Err(ExchangeError::Flat(
            "Invalid grant_type: it must be authorization_code.",
        ));
    }
    let code = form
        .get("code")
        .ok_or(ExchangeError::Flat("Missing required field code"))?;
    let (now, token) = (
        context.shared.now(),
        format!("IGAAS{}", context.shared.random()),
    );
    let mut world = context.shared.world();
    let consent = take_consent(&mut world.grants, client, code)?;
    check_consent(&consent, form.get("redirect_uri"), now)?;
    let (consent_fault, person, scopes) = (
        consent.consent_fault,
        consent.person.clone(),
        consent.scopes.clone(),
    );
    let id = world.grants.create_from_code(consent);
    let expires_at = now + SignedDuration::from_secs(SHORT_LIFETIME_SECONDS);
    world
        .grants
        .record_token(id, &token, "short", (now, Some(expires_at)));
    drop(world);
    let account = people
        .get(&person)
        .and_then(|person| person.accounts().next());
    let user_id = account.map_or("", |account| account.id.as_str());
    let scopes: Vec<_> = scopes.iter().collect();
    Ok((body(context, &token, user_id, &scopes), consent_fault))
}

/// Returns the client whose id and secret the form contains.
fn authenticate(form: &Form) -> Result<&'static Client, ExchangeError> {
    let client = PROFILE
        .clients
        .iter()
        .find(|client| form.get("client_id") == Some(client.id));
    let client = client.ok_or(ExchangeError::Flat("Invalid platform app"))?;
    let secret = form.get("client_secret").unwrap_or_default();
    if bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes())) {
        Ok(client)
    } else {
        Err(ExchangeError::Flat("Error validating client secret."))
    }
}

/// Consumes the code and returns its consent. An injected error leaves the code unused.
fn take_consent(grants: &mut Grants, client: &Client, code: &str) -> Result<Code, ExchangeError> {
    if let Some(pending) = grants.pending_code(code) {
        injected_error(&mut pending.consent_fault)?;
    }
    match grants.take_code(code) {
        CodeLookup::Unused(consent)
            if consent.platform == PROFILE.slug && consent.client == client.id =>
        {
            Ok(consent)
        }
        CodeLookup::Consumed => Err(ExchangeError::Flat("This authorization code has been used")),
        _ => Err(ExchangeError::Flat("Invalid authorization code")),
    }
}

fn check_consent(
    consent: &Code,
    redirect_uri: Option<&str>,
    now: Timestamp,
) -> Result<(), ExchangeError> {
    if redirect_uri != Some(consent.redirect_uri.as_str()) {
        return Err(ExchangeError::Flat(REDIRECT_URI_MISMATCH));
    }
    if now >= consent.expires_at {
        return Err(ExchangeError::Flat("This authorization code has expired"));
    }
    Ok(())
}

/// Returns the error that the consent requested for the first exchange, and clears it.
fn injected_error(consent_fault: &mut ConsentFault) -> Result<(), ExchangeError> {
    let error = match consent_fault {
        ConsentFault::RateLimited => ExchangeError::TooManyRequests,
        ConsentFault::ServerError => ExchangeError::Unavailable,
        _ => return Ok(()),
    };
    *consent_fault = ConsentFault::None;
    Err(error)
}

/// Builds the token response in the variant that the platform's settings select.
fn body(context: &PlatformContext, token: &str, user_id: &str, scopes: &[&str]) -> Value {
    let settings = context.settings().meta.unwrap_or(MetaSettings::DEFAULT);
    let user_id = match settings.user_id {
        UserIdForm::String => json!(user_id),
        UserIdForm::Number => json!(user_id.parse::<u64>().ok()),
    };
    let permissions = match settings.permissions {
        PermissionsForm::Array => json!(scopes),
        PermissionsForm::Text => json!(scopes.join(",")),
    };
    let body = json!({ "access_token": token, "user_id": user_id, "permissions": permissions });
    if settings.wrapping == Wrapping::Data {
        json!({ "data": [body] })
    } else {
        body
    }
}
