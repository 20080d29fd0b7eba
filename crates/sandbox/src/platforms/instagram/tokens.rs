//! The token endpoint, which turns codes into short tokens and tokens into long ones, and the one
//! that explains tokens.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::facts::PROFILE;
use crate::faults::Misbehaviour;
use crate::platforms::meta::{self, Caller, GraphCall, GraphError};
use crate::profile::Client;
use crate::world::grants::{GrantId, Presented, Remembered};

/// An hour and a half, the life of a token that a code buys.
const SHORT_LIFE_S: i64 = 5400;

/// Answers `GET` or `POST` of `oauth/access_token`.
pub(super) async fn access_token(call: &GraphCall) -> Response {
    let endpoint = match call.form.get("grant_type") {
        None | Some("authorization_code") => "token.authorization_code",
        Some("fb_exchange_token") => "token.fb_exchange_token",
        Some(_) => "token.other",
    };
    let work = async {
        let outcome = match endpoint {
            "token.authorization_code" => of_code(call).await,
            "token.fb_exchange_token" => of_token(call),
            _ => Err(GraphError::parameter(
                "The grant type is not one that exists.",
            )),
        };
        outcome.map_or_else(IntoResponse::into_response, |body| {
            meta::json(StatusCode::OK, &body)
        })
    };
    call.stage.attend(endpoint, work).await
}

/// The app that calls. A wrong secret has the code that elsewhere means an unknown trouble.
fn client(call: &GraphCall) -> Result<&'static Client, GraphError> {
    let id = call
        .form
        .get("client_id")
        .ok_or_else(|| GraphError::new(101, "Missing client_id parameter."))?;
    let client = PROFILE.clients.iter().find(|client| client.id == id);
    let client = client.ok_or_else(|| {
        GraphError::new(101, "Error validating application. There is no such app.")
    })?;
    let secret = call.form.get("client_secret").unwrap_or_default();
    let is_right = bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes()));
    if is_right {
        Ok(client)
    } else {
        Err(GraphError::new(1, "Error validating client secret."))
    }
}

async fn of_code(call: &GraphCall) -> Result<Value, GraphError> {
    let client = client(call)?;
    let redirect_uri = call.form.get("redirect_uri");
    let redirect_uri =
        redirect_uri.ok_or_else(|| GraphError::new(191, "Missing redirect_uri parameter."))?;
    let code = call
        .form
        .get("code")
        .ok_or_else(|| GraphError::parameter("Missing authorization code"))?;
    let (body, misbehaviour) = redeem(call, client, redirect_uri, code)?;
    if misbehaviour == Misbehaviour::SlowToken {
        tokio::time::sleep(Duration::from_secs(Misbehaviour::SLOW_S)).await;
    }
    Ok(body)
}

/// Burns the code, and opens a grant for it if everything fits.
fn redeem(
    call: &GraphCall,
    client: &Client,
    redirect_uri: &str,
    code: &str,
) -> Result<(Value, Misbehaviour), GraphError> {
    let (now, token) = (call.now(), format!("EAAS{}", call.stage.shared.random()));
    let mut world = call.stage.shared.world();
    if let Some(error) = world
        .grants
        .code(code)
        .and_then(|waiting| meta::once_refused(&mut waiting.misbehaviour))
    {
        return Err(error);
    }
    let consent = match world.grants.take_code(code) {
        Presented::Fresh(consent)
            if consent.platform == PROFILE.slug && consent.client == client.id =>
        {
            consent
        }
        Presented::Spent => {
            return Err(GraphError::code(
                36009,
                "This authorization code has been used.",
            ));
        }
        _ => return Err(GraphError::parameter("Invalid verification code format.")),
    };
    if consent.redirect_uri != redirect_uri {
        let message = "Error validating verification code. The redirect_uri is not identical to the dialog's.";
        return Err(GraphError::code(36008, message));
    }
    if now >= consent.expires_at {
        return Err(GraphError::code(
            36007,
            "This authorization code has expired.",
        ));
    }
    let misbehaviour = consent.misbehaviour;
    let id = world.grants.open_taken(consent);
    world.grants.remember(
        id,
        &token,
        "short",
        (now, Some(now.plus_seconds(SHORT_LIFE_S))),
    );
    Ok((
        json!({ "access_token": token, "token_type": "bearer", "expires_in": SHORT_LIFE_S }),
        misbehaviour,
    ))
}

/// A short or long token for a long one: what Facebook has in the place of a refresh.
fn of_token(call: &GraphCall) -> Result<Value, GraphError> {
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
        .stage
        .shared
        .world()
        .grants
        .get(id)
        .is_some_and(|grant| grant.refuses_refresh);
    if refuses && kind == "long" {
        return Err(GraphError::ended(
            crate::world::grants::Ending::PasswordChanged,
        ));
    }
    let token = if kind == "long" && call.settings().same_token {
        presented.to_owned()
    } else {
        long_token(call)
    };
    Ok(keep_long(call, id, &token))
}

/// Longer than a column of 255 characters.
fn long_token(call: &GraphCall) -> String {
    let parts: Vec<String> = (0..7).map(|_| call.stage.shared.random()).collect();
    format!("EAAL{}", parts.concat())
}

fn keep_long(call: &GraphCall, id: GrantId, token: &str) -> Value {
    let now = call.now();
    let life_s =
        Some(call.stage.settings().expires_in).filter(|_| call.settings().expires_in_reply);
    let expires_at = life_s.map(|life_s| now.plus_seconds(i64::from(life_s)));
    call.stage
        .shared
        .world()
        .grants
        .remember(id, token, "long", (now, expires_at));
    let mut body = json!({ "access_token": token, "token_type": "bearer" });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(life_s.map(|life_s| ("expires_in".to_owned(), json!(life_s))));
    }
    body
}

/// Answers `debug_token`: for the app itself, or for whoever holds a token of the same app.
pub(super) async fn debug(call: &GraphCall) -> Response {
    let work = async {
        let outcome = explain(call);
        outcome.map_or_else(IntoResponse::into_response, |data| {
            meta::json(StatusCode::OK, &json!({ "data": data }))
        })
    };
    call.stage.attend("debug_token", work).await
}

fn explain(call: &GraphCall) -> Result<Value, GraphError> {
    let asks = call
        .token()
        .ok_or_else(|| GraphError::new(2500, "An access token is needed for this."))?;
    let client = match asks.split_once('|') {
        Some((id, secret)) => {
            let client = PROFILE.clients.iter().find(|client| client.id == id);
            let is_right =
                |client: &&Client| bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes()));
            client
                .filter(is_right)
                .ok_or_else(|| GraphError::new(190, "Invalid OAuth access token signature."))?
        }
        None => call.caller()?.client,
    };
    let input = call.form.get("input_token");
    let input =
        input.ok_or_else(|| GraphError::parameter("The parameter input_token is required"))?;
    let world = call.stage.shared.world();
    let known = world
        .grants
        .recall(input, call.now())
        .filter(|known| known.grant.platform == PROFILE.slug);
    let Some(known) = known.filter(|known| known.grant.client == client.id) else {
        let error = json!({ "code": 190, "message": "The access token could not be decrypted." });
        return Ok(json!({ "is_valid": false, "scopes": [], "error": error }));
    };
    Ok(explained(call, client, &known))
}

/// An invalid token is no error of this call, and its subcode has another name here.
fn explained(call: &GraphCall, client: &Client, known: &Remembered<'_>) -> Value {
    let seconds = |at: evergrant_model::Timestamp| at.unix_ms() / 1000;
    let is_page = known.kind == "page";
    let mut data = json!({
        "app_id": client.id,
        "type": if is_page { "PAGE" } else { "USER" },
        "application": client.name,
        "issued_at": seconds(known.issued_at),
        "expires_at": known.expires_at.map_or(0, seconds),
        "data_access_expires_at": seconds(Caller::data_ends_at(&known.grant.selection)),
        "is_valid": known.ending.is_none(),
        "user_id": call.people.get(&known.grant.person).map(|person| &person.facebook_id),
        "scopes": known.grant.scopes.iter().collect::<Vec<_>>(),
        "granular_scopes": granular(call, known),
    });
    if let (Some(fields), Some(ending)) = (data.as_object_mut(), known.ending) {
        let message = format!("The access token no longer works: {}.", ending.in_words());
        fields.insert(
            "error".into(),
            json!({ "code": 190, "subcode": ending.subcode(), "message": message }),
        );
        fields.insert("scopes".into(), json!([]));
        fields.remove("granular_scopes");
    }
    data
}

/// Which Pages and accounts each permission is for.
fn granular(call: &GraphCall, known: &Remembered<'_>) -> Vec<Value> {
    let pages = call
        .people
        .get(&known.grant.person)
        .into_iter()
        .flat_map(|person| &person.pages);
    let ids = |scope: &str| -> Vec<&str> {
        let of_instagram = scope.starts_with("instagram_");
        let ids = pages.clone().filter_map(|page| {
            if of_instagram {
                page.instagram.as_ref().map(|account| account.id.as_str())
            } else {
                Some(page.id.as_str())
            }
        });
        ids.filter(|id| known.grant.selection.has(id)).collect()
    };
    let for_some = known
        .grant
        .scopes
        .iter()
        .filter(|id| id.starts_with("instagram_") || id.starts_with("pages_"));
    for_some
        .map(|scope| json!({ "scope": scope, "target_ids": ids(scope) }))
        .collect()
}
