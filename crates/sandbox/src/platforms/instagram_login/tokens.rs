//! Long-lived tokens of Instagram Login: issued for a short-lived token, and refreshed with
//! themselves.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evergrant_model::SignedDuration;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::profile::{HOST, PROFILE};
use crate::platforms::meta::{self, Caller, GraphCall, GraphError};
use crate::world::grants::{GrantId, InvalidationReason};

/// Minimum age of a token before it can be refreshed: 24 hours.
const MIN_AGE_SECONDS: i64 = 86_400;

/// Responds to `access_token`: exchanges a short-lived token for a long-lived one.
pub(super) async fn exchange(call: &GraphCall) -> Response {
    answer(call, "token.ig_exchange_token", exchange_token).await
}

/// Responds to `refresh_access_token`: refreshes a long-lived token with itself.
pub(super) async fn refresh(call: &GraphCall) -> Response {
    answer(call, "token.ig_refresh_token", refresh_token).await
}

async fn answer(
    call: &GraphCall,
    endpoint: &str,
    outcome: impl Fn(&GraphCall) -> Result<Value, GraphError>,
) -> Response {
    let work = async {
        let outcome = outcome(call);
        outcome.map_or_else(IntoResponse::into_response, |body| {
            meta::json(StatusCode::OK, &body)
        })
    };
    call.context.serve_endpoint(endpoint, work).await
}

fn exchange_token(call: &GraphCall) -> Result<Value, GraphError> {
    if call.form.get("grant_type") != Some("ig_exchange_token") {
        return Err(GraphError::parameter(
            "The grant type must be ig_exchange_token.",
        ));
    }
    let secret = call.form.get("client_secret").unwrap_or_default();
    let matches_secret = |known: &str| bool::from(known.as_bytes().ct_eq(secret.as_bytes()));
    if !PROFILE
        .clients
        .iter()
        .any(|client| matches_secret(client.secret))
    {
        return Err(GraphError::new(1, "Error validating client secret."));
    }
    let holder = holder(call)?;
    if holder.kind != "short" || !matches_secret(holder.client.secret) {
        return Err(GraphError::unsupported("access_token"));
    }
    Ok(issue_long_lived(call, holder.id, &long_token(call)))
}

fn refresh_token(call: &GraphCall) -> Result<Value, GraphError> {
    if call.form.get("grant_type") != Some("ig_refresh_token") {
        return Err(GraphError::parameter(
            "The grant type must be ig_refresh_token.",
        ));
    }
    let holder = holder(call)?;
    if holder.kind != "long" {
        return Err(GraphError::unsupported("refresh_access_token"));
    }
    if !holder.scopes.contains(HOST.basic) {
        return Err(GraphError::permission(format!(
            "The app does not have the permission {}.",
            HOST.basic
        )));
    }
    check_refreshable(call, &holder)?;
    let token = if call.settings().same_token {
        holder.token.clone()
    } else {
        long_token(call)
    };
    Ok(issue_long_lived(call, holder.id, &token))
}

/// Checks that the grant permits a refresh and that the token is old enough.
fn check_refreshable(call: &GraphCall, holder: &Caller) -> Result<(), GraphError> {
    let now = call.now();
    let world = call.context.shared.world();
    let refuses_refresh = world
        .grants
        .get(holder.id)
        .is_some_and(|grant| grant.refuses_refresh);
    if refuses_refresh {
        return Err(GraphError::invalidated(InvalidationReason::PasswordChanged));
    }
    let issued_at = world
        .grants
        .token_record(&holder.token, now)
        .map_or(now, |record| record.issued_at);
    if now.since(issued_at).as_secs() < MIN_AGE_SECONDS {
        return Err(GraphError::parameter(
            "The access token is not yet 24 hours old and cannot be refreshed.",
        ));
    }
    Ok(())
}

/// Returns the holder of the token that the call carries.
///
/// A missing or unknown token yields "unsupported request" instead of error 190.
fn holder(call: &GraphCall) -> Result<Caller, GraphError> {
    let unsupported = || GraphError::unsupported(&call.path.join("/"));
    let holder = call.holder(call.token().ok_or_else(unsupported)?);
    holder.map_err(|error| {
        if error.subcode.is_none() {
            unsupported()
        } else {
            error
        }
    })
}

fn long_token(call: &GraphCall) -> String {
    let parts: Vec<String> = (0..5).map(|_| call.context.shared.random()).collect();
    format!("IGAAL{}", parts.concat())
}

fn issue_long_lived(call: &GraphCall, id: GrantId, token: &str) -> Value {
    let (now, lifetime_seconds) = (call.now(), call.context.settings().expires_in);
    let expires_at = now + SignedDuration::from_secs(i64::from(lifetime_seconds));
    call.context
        .shared
        .world()
        .grants
        .record_token(id, token, "long", (now, Some(expires_at)));
    let mut body = json!({ "access_token": token, "token_type": "bearer" });
    if let Some(fields) = body
        .as_object_mut()
        .filter(|_| call.settings().expires_in_reply)
    {
        fields.insert("expires_in".into(), json!(lifetime_seconds));
    }
    body
}
