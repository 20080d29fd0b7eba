//! The token endpoint, which exchanges codes for short-lived tokens and those for long-lived ones,
//! and `debug_token`.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evergrant_model::SignedDuration;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::profile::PROFILE;
use crate::faults::ConsentFault;
use crate::platforms::meta::{self, Caller, GraphCall, GraphError};
use crate::profile::Client;
use crate::world::grants::{Code, CodeLookup, GrantId, Grants, InvalidationReason, TokenRecord};

/// Lifetime of a token issued for a code: 90 minutes.
const SHORT_LIFETIME_SECONDS: i64 = 5400;

/// Responds to `GET` or `POST` of `oauth/access_token`.
pub(super) async fn access_token(call: &GraphCall) -> Response {
    let endpoint = match call.form.get("grant_type") {
        None | Some("authorization_code") => "token.authorization_code",
        Some("fb_exchange_token") => "token.fb_exchange_token",
        Some(_) => "token.other",
    };
    let work = async {
        let outcome = match endpoint {
            "token.authorization_code" => exchange_code(call).await,
            "token.fb_exchange_token" => exchange_token(call),
            _ => Err(GraphError::parameter("The grant type is not supported.")),
        };
        outcome.map_or_else(IntoResponse::into_response, |body| {
            meta::json(StatusCode::OK, &body)
        })
    };
    call.context.serve_endpoint(endpoint, work).await
}

/// Authenticates the calling app.
///
/// A wrong secret yields error code 1, which elsewhere means an unknown error.
fn client(call: &GraphCall) -> Result<&'static Client, GraphError> {
    let id = call
        .form
        .get("client_id")
        .ok_or_else(|| GraphError::new(101, "Missing client_id parameter."))?;
    let client = PROFILE.clients.iter().find(|client| client.id == id);
    let client = client.ok_or_else(|| {
        GraphError::new(
            101,
            "Error validating application. The application does not exist.",
        )
    })?;
    let secret = call.form.get("client_secret").unwrap_or_default();
    let matches_secret = bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes()));
    if matches_secret {
        Ok(client)
    } else {
        Err(GraphError::new(1, "Error validating client secret."))
    }
}

async fn exchange_code(call: &GraphCall) -> Result<Value, GraphError> {
    let client = client(call)?;
    let redirect_uri = call.form.get("redirect_uri");
    let redirect_uri =
        redirect_uri.ok_or_else(|| GraphError::new(191, "Missing redirect_uri parameter."))?;
    let code = call
        .form
        .get("code")
        .ok_or_else(|| GraphError::parameter("Missing authorization code"))?;
    let (body, consent_fault) = redeem(call, client, redirect_uri, code)?;
    if consent_fault == ConsentFault::SlowToken {
        tokio::time::sleep(Duration::from_secs(ConsentFault::SLOW_SECONDS)).await;
    }
    Ok(body)
}

/// Consumes the code and creates its grant. A mismatch is an error, and the code stays consumed.
fn redeem(
    call: &GraphCall,
    client: &Client,
    redirect_uri: &str,
    code: &str,
) -> Result<(Value, ConsentFault), GraphError> {
    let (now, token) = (call.now(), format!("EAAS{}", call.context.shared.random()));
    let mut world = call.context.shared.world();
    let consent = take_consent(&mut world.grants, client, code)?;
    if consent.redirect_uri != redirect_uri {
        let message = "Error validating verification code. The redirect_uri is not identical to the dialog's.";
        return Err(GraphError::code(36008, message));
    }
    if now >= consent.expires_at {
        let message = "This authorization code has expired.";
        return Err(GraphError::code(36007, message));
    }
    let consent_fault = consent.consent_fault;
    let id = world.grants.create_from_code(consent);
    let expires_at = now + SignedDuration::from_secs(SHORT_LIFETIME_SECONDS);
    world
        .grants
        .record_token(id, &token, "short", (now, Some(expires_at)));
    Ok((
        json!({ "access_token": token, "token_type": "bearer", "expires_in": SHORT_LIFETIME_SECONDS }),
        consent_fault,
    ))
}

/// Consumes the code and returns its consent. An injected error leaves the code unused.
fn take_consent(grants: &mut Grants, client: &Client, code: &str) -> Result<Code, GraphError> {
    if let Some(error) = grants
        .pending_code(code)
        .and_then(|pending| meta::injected_error(&mut pending.consent_fault))
    {
        return Err(error);
    }
    match grants.take_code(code) {
        CodeLookup::Unused(consent)
            if consent.platform == PROFILE.slug && consent.client == client.id =>
        {
            Ok(consent)
        }
        CodeLookup::Consumed => Err(GraphError::code(
            36009,
            "This authorization code has been used.",
        )),
        _ => Err(GraphError::parameter("Invalid verification code format.")),
    }
}

/// Exchanges a short-lived or long-lived token for a long-lived one: Facebook's substitute for a
/// refresh.
fn exchange_token(call: &GraphCall) -> Result<Value, GraphError> {
    let client = client(call)?;
    let presented = call.form.get("fb_exchange_token");
    let presented =
        presented.ok_or_else(|| GraphError::parameter("Missing fb_exchange_token parameter."))?;
    let holder = call
        .holder(presented)
        .ok()
        .filter(|holder| holder.client.id != client.id);
    if holder.is_some() {
        return Err(GraphError::new(
            190,
            "The access token belongs to another app.",
        ));
    }
    let Caller { id, kind, .. } = call.holder(presented)?;
    let refuses = call
        .context
        .shared
        .world()
        .grants
        .get(id)
        .is_some_and(|grant| grant.refuses_refresh);
    if refuses && kind == "long" {
        return Err(GraphError::invalidated(InvalidationReason::PasswordChanged));
    }
    let token = if kind == "long" && call.settings().same_token {
        presented.to_owned()
    } else {
        long_token(call)
    };
    Ok(issue_long_lived(call, id, &token))
}

/// Returns a new long-lived token, longer than 255 characters so that a `VARCHAR(255)` column
/// fails.
fn long_token(call: &GraphCall) -> String {
    let parts: Vec<String> = (0..7).map(|_| call.context.shared.random()).collect();
    format!("EAAL{}", parts.concat())
}

fn issue_long_lived(call: &GraphCall, id: GrantId, token: &str) -> Value {
    let now = call.now();
    let lifetime_seconds =
        Some(call.context.settings().expires_in).filter(|_| call.settings().expires_in_reply);
    let expires_at = lifetime_seconds
        .map(|lifetime_seconds| now + SignedDuration::from_secs(i64::from(lifetime_seconds)));
    call.context
        .shared
        .world()
        .grants
        .record_token(id, token, "long", (now, expires_at));
    let mut body = json!({ "access_token": token, "token_type": "bearer" });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(
            lifetime_seconds
                .map(|lifetime_seconds| ("expires_in".to_owned(), json!(lifetime_seconds))),
        );
    }
    body
}

/// Responds to `debug_token`. The caller presents an app access token or a user token of the same
/// app.
pub(super) async fn debug(call: &GraphCall) -> Response {
    let work = async {
        let outcome = debug_data(call);
        outcome.map_or_else(IntoResponse::into_response, |data| {
            meta::json(StatusCode::OK, &json!({ "data": data }))
        })
    };
    call.context.serve_endpoint("debug_token", work).await
}

fn debug_data(call: &GraphCall) -> Result<Value, GraphError> {
    let caller_token = call.token().ok_or_else(|| {
        GraphError::new(
            2500,
            "An access token is required to request this resource.",
        )
    })?;
    let client = match caller_token.split_once('|') {
        Some((id, secret)) => {
            let client = PROFILE.clients.iter().find(|client| client.id == id);
            let matches_secret =
                |client: &&Client| bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes()));
            client
                .filter(matches_secret)
                .ok_or_else(|| GraphError::new(190, "Invalid OAuth access token signature."))?
        }
        None => call.caller()?.client,
    };
    let input_token = call.form.get("input_token");
    let input_token = input_token
        .ok_or_else(|| GraphError::parameter("The parameter input_token is required"))?;
    let world = call.context.shared.world();
    let record = world
        .grants
        .token_record(input_token, call.now())
        .filter(|record| record.grant.platform == PROFILE.slug);
    let Some(record) = record.filter(|record| record.grant.client == client.id) else {
        let error = json!({ "code": 190, "message": "The access token could not be decrypted." });
        return Ok(json!({ "is_valid": false, "scopes": [], "error": error }));
    };
    Ok(token_details(call, client, &record))
}

/// Returns the `data` object of `debug_token`.
///
/// An invalid token is not an error of this call; its reason is in `error.subcode`, not
/// `error_subcode`.
fn token_details(call: &GraphCall, client: &Client, record: &TokenRecord<'_>) -> Value {
    let seconds = |at: evergrant_model::Timestamp| at.unix_ms() / 1000;
    let is_page = record.kind == "page";
    let mut data = json!({
        "app_id": client.id,
        "type": if is_page { "PAGE" } else { "USER" },
        "application": client.name,
        "issued_at": seconds(record.issued_at),
        "expires_at": record.expires_at.map_or(0, seconds),
        "data_access_expires_at": seconds(Caller::data_access_expires_at(&record.grant.selection)),
        "is_valid": record.invalid_reason.is_none(),
        "user_id": call.people.get(&record.grant.person).map(|person| &person.facebook_id),
        "scopes": record.grant.scopes.iter().collect::<Vec<_>>(),
        "granular_scopes": granular_scopes(call, record),
    });
    if let (Some(fields), Some(reason)) = (data.as_object_mut(), record.invalid_reason) {
        let message = format!(
            "The access token is no longer valid: {}.",
            reason.description()
        );
        fields.insert(
            "error".into(),
            json!({ "code": 190, "subcode": reason.subcode(), "message": message }),
        );
        fields.insert("scopes".into(), json!([]));
        fields.remove("granular_scopes");
    }
    data
}

/// Returns the Pages and Instagram accounts that each permission covers.
fn granular_scopes(call: &GraphCall, record: &TokenRecord<'_>) -> Vec<Value> {
    let pages = call
        .people
        .get(&record.grant.person)
        .into_iter()
        .flat_map(|person| &person.pages);
    let ids = |scope: &str| -> Vec<&str> {
        let is_instagram_scope = scope.starts_with("instagram_");
        let ids = pages.clone().filter_map(|page| {
            if is_instagram_scope {
                page.instagram.as_ref().map(|account| account.id.as_str())
            } else {
                Some(page.id.as_str())
            }
        });
        ids.filter(|id| record.grant.selection.has(id)).collect()
    };
    let asset_scopes = record
        .grant
        .scopes
        .iter()
        .filter(|id| id.starts_with("instagram_") || id.starts_with("pages_"));
    asset_scopes
        .map(|scope| json!({ "scope": scope, "target_ids": ids(scope) }))
        .collect()
}
