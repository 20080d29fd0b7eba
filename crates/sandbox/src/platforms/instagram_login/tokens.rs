//! Long-lived tokens of Instagram Login: a short token buys one, and one that is a day old renews
//! itself.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::facts::{HOST, PROFILE};
use crate::platforms::meta::{self, Caller, GraphCall, GraphError};
use crate::world::grants::{Ending, GrantId};

/// A token that is younger is not renewed.
const YOUNGEST_S: i64 = 86_400;

/// Answers `access_token`: a long token for a short one.
pub(super) async fn exchange(call: &GraphCall) -> Response {
    answer(call, "token.ig_exchange_token", exchanged).await
}

/// Answers `refresh_access_token`: a long token for itself.
pub(super) async fn refresh(call: &GraphCall) -> Response {
    answer(call, "token.ig_refresh_token", refreshed).await
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
    call.stage.attend(endpoint, work).await
}

fn exchanged(call: &GraphCall) -> Result<Value, GraphError> {
    if call.form.get("grant_type") != Some("ig_exchange_token") {
        return Err(GraphError::parameter(
            "The grant type must be ig_exchange_token.",
        ));
    }
    let secret = call.form.get("client_secret").unwrap_or_default();
    let is_right = |known: &str| bool::from(known.as_bytes().ct_eq(secret.as_bytes()));
    if !PROFILE.clients.iter().any(|client| is_right(client.secret)) {
        return Err(GraphError::new(1, "Error validating client secret."));
    }
    let holder = holder(call)?;
    if holder.kind != "short" || !is_right(holder.client.secret) {
        return Err(GraphError::unsupported("access_token"));
    }
    Ok(keep_long(call, holder.id, &long_token(call)))
}

fn refreshed(call: &GraphCall) -> Result<Value, GraphError> {
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
    let now = call.now();
    let (is_young, is_refused) = {
        let world = call.stage.shared.world();
        let issued_at = world
            .grants
            .recall(&holder.token, now)
            .map_or(now, |known| known.issued_at);
        let is_refused = world
            .grants
            .get(holder.id)
            .is_some_and(|grant| grant.refuses_refresh);
        (now.seconds_since(issued_at) < YOUNGEST_S, is_refused)
    };
    if is_refused {
        return Err(GraphError::ended(Ending::PasswordChanged));
    }
    if is_young {
        return Err(GraphError::parameter(
            "The access token is not yet 24 hours old and cannot be refreshed.",
        ));
    }
    let token = if call.settings().same_token {
        holder.token.clone()
    } else {
        long_token(call)
    };
    Ok(keep_long(call, holder.id, &token))
}

/// Whose token came. One that never was a token makes the request one that is not supported.
fn holder(call: &GraphCall) -> Result<Caller, GraphError> {
    let unusable = || GraphError::unsupported(&call.path.join("/"));
    let holder = call.holder(call.token().ok_or_else(unusable)?);
    holder.map_err(|error| {
        if error.subcode.is_none() {
            unusable()
        } else {
            error
        }
    })
}

fn long_token(call: &GraphCall) -> String {
    let parts: Vec<String> = (0..5).map(|_| call.stage.shared.random()).collect();
    format!("IGAAL{}", parts.concat())
}

fn keep_long(call: &GraphCall, id: GrantId, token: &str) -> Value {
    let (now, life_s) = (call.now(), call.stage.settings().expires_in);
    let expires_at = now.plus_seconds(i64::from(life_s));
    call.stage
        .shared
        .world()
        .grants
        .remember(id, token, "long", (now, Some(expires_at)));
    let mut body = json!({ "access_token": token, "token_type": "bearer" });
    if let Some(fields) = body
        .as_object_mut()
        .filter(|_| call.settings().expires_in_reply)
    {
        fields.insert("expires_in".into(), json!(life_s));
    }
    body
}
