//! The code exchange of Instagram Login: the one endpoint of its API host, with errors of its own
//! form.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::facts::PROFILE;
use crate::engine::Form;
use crate::faults::Misbehaviour;
use crate::platform::Stage;
use crate::platforms::meta::{self, MetaPeople};
use crate::settings::{MetaSettings, PermissionsForm, UserIdForm, Wrapping};
use crate::world::grants::{GrantId, Presented};

/// An hour, the life of a token that a code buys.
const SHORT_LIFE_S: i64 = 3600;

/// Why a code bought nothing.
enum Refused {
    /// In words; the code of the error is always the status.
    Flat(&'static str),
    TooMany,
    Trouble,
}

/// `POST` of the code exchange.
pub(super) async fn answer(
    State(stage): State<Stage>,
    Extension(people): Extension<Arc<MetaPeople>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let settings = stage.settings().meta.unwrap_or(MetaSettings::USUAL);
    let multipart = meta::multipart(&headers, &body);
    let urlencoded = Form::of_body(&headers, &body);
    let is_misread = !settings.urlencoded && urlencoded.pairs().next().is_some();
    let form = multipart.and(urlencoded);
    let is_code = form.get("grant_type") == Some("authorization_code");
    let work = async {
        if is_misread {
            return refused(&Refused::Flat(
                "Error validating verification code: the redirect_uri differs.",
            ));
        }
        match redeem(&stage, &people, &form) {
            Err(why) => refused(&why),
            Ok((body, misbehaviour)) => {
                if misbehaviour == Misbehaviour::SlowToken {
                    tokio::time::sleep(Duration::from_secs(Misbehaviour::SLOW_S)).await;
                }
                meta::json(StatusCode::OK, &body)
            }
        }
    };
    stage
        .attend(
            if is_code {
                "token.authorization_code"
            } else {
                "token.other"
            },
            work,
        )
        .await
}

fn refused(why: &Refused) -> Response {
    let flat = |status: StatusCode, kind: &str, message: &str| {
        let body = json!({ "error_type": kind, "code": status.as_u16(), "error_message": message });
        meta::json(status, &body)
    };
    match why {
        Refused::Flat(message) => flat(StatusCode::BAD_REQUEST, "OAuthException", message),
        Refused::TooMany => flat(
            StatusCode::TOO_MANY_REQUESTS,
            "OAuthRateLimitException",
            "Too many calls.",
        ),
        Refused::Trouble => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn redeem(
    stage: &Stage,
    people: &MetaPeople,
    form: &Form,
) -> Result<(Value, Misbehaviour), Refused> {
    let client = PROFILE
        .clients
        .iter()
        .find(|client| form.get("client_id") == Some(client.id));
    let client = client.ok_or(Refused::Flat("Invalid platform app"))?;
    let secret = form.get("client_secret").unwrap_or_default();
    if !bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes())) {
        return Err(Refused::Flat("Error validating client secret."));
    }
    if form.get("grant_type") != Some("authorization_code") {
        return Err(Refused::Flat(
            "Invalid grant_type: it must be authorization_code.",
        ));
    }
    let code = form
        .get("code")
        .ok_or(Refused::Flat("Missing required field code"))?;
    let (now, token) = (
        stage.shared.now(),
        format!("IGAAS{}", stage.shared.random()),
    );
    let mut world = stage.shared.world();
    if let Some(waiting) = world.grants.code(code) {
        once_refused(&mut waiting.misbehaviour)?;
    }
    let consent = match world.grants.take_code(code) {
        Presented::Fresh(consent)
            if consent.platform == PROFILE.slug && consent.client == client.id =>
        {
            consent
        }
        Presented::Spent => return Err(Refused::Flat("This authorization code has been used")),
        _ => return Err(Refused::Flat("Invalid authorization code")),
    };
    if form.get("redirect_uri") != Some(consent.redirect_uri.as_str()) {
        return Err(Refused::Flat(
            "Error validating verification code: the redirect_uri differs.",
        ));
    }
    if now >= consent.expires_at {
        return Err(Refused::Flat("This authorization code has expired"));
    }
    let (misbehaviour, person, scopes) = (
        consent.misbehaviour,
        consent.person.clone(),
        consent.scopes.clone(),
    );
    let id: GrantId = world.grants.open_taken(consent);
    world.grants.remember(
        id,
        &token,
        "short",
        (now, Some(now.plus_seconds(SHORT_LIFE_S))),
    );
    drop(world);
    let account = people
        .get(&person)
        .and_then(|person| person.accounts().next());
    let user_id = account.map_or("", |account| account.id.as_str());
    Ok((
        body(stage, &token, user_id, &scopes.iter().collect::<Vec<_>>()),
        misbehaviour,
    ))
}

fn once_refused(misbehaviour: &mut Misbehaviour) -> Result<(), Refused> {
    let why = match misbehaviour {
        Misbehaviour::RateLimited => Refused::TooMany,
        Misbehaviour::ServerError => Refused::Trouble,
        _ => return Ok(()),
    };
    *misbehaviour = Misbehaviour::None;
    Err(why)
}

/// The same content in the forms that were seen of it.
fn body(stage: &Stage, token: &str, user_id: &str, scopes: &[&str]) -> Value {
    let settings = stage.settings().meta.unwrap_or(MetaSettings::USUAL);
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
