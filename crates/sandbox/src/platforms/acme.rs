//! Acme, a platform that does not exist and departs from nothing: OAuth 2.0 as RFC 9700 wants it,
//! to try an operator's own definition against. PKCE is demanded, callbacks name the issuer,
//! refresh tokens rotate, and a rotated one that comes a second time ends the grant.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::{Form, Refusal};
use crate::platform::Stage;
use crate::platform::{Card, Issued, Platform};
use crate::profile::{Client, Paths, Pkce, PlatformProfile, ReusedRefresh, RevokingAccess, Scope};
use crate::settings::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus, Settings,
};
use crate::world::Person;
use crate::world::grants::TokenKind;

const USERINFO: &str = "/acme/oauth/userinfo";
const ISSUER: &str = "/acme";

const PROFILE: PlatformProfile = PlatformProfile {
    slug: "acme",
    name: "Acme",
    mark: "<rect width=\"40\" height=\"40\" rx=\"10\" fill=\"#2f4b7c\"/>\
        <path d=\"M11 29l9-19 9 19M15 22h10\" fill=\"none\" stroke=\"#fff\" stroke-width=\"3\"/>",
    oauth: true,
    clients: &[
        Client {
            id: "simAcmeId",
            secret: "simAcmeSecret",
            name: "Evergrant",
        },
        Client {
            id: "simAcmeOther",
            secret: "simAcmeOtherSecret",
            name: "Another app",
        },
    ],
    paths: Paths {
        authorize: "/acme/oauth/authorize",
        token: "/acme/oauth/token",
        revoke: "/acme/oauth/revoke",
    },
    client_param: "client_id",
    required_params: &[],
    scopes: &[
        Scope {
            id: "openid",
            label: "know who you are",
        },
        Scope {
            id: "profile",
            label: "see your name and picture",
        },
        Scope {
            id: "offline_access",
            label: "do so while you are away",
        },
    ],
    scope_separators: &[' '],
    lasting_when: None,
    state_required: false,
    pkce: Pkce::S256,
    issuer: Some(ISSUER),
    personless_grants: &["client_credentials"],
    static_redirects: false,
    code_life_s: 60,
    code_ending: "",
    refresh_life_s: None,
    reused_refresh: ReusedRefresh::EndsGrant,
    revoking_access: RevokingAccess::EndsItself,
    granted_param: None,
    denial: &[("error", "access_denied")],
    fragment: None,
    endpoints: &[
        "authorize",
        "token.authorization_code",
        "token.refresh_token",
        "token.other",
        "revoke",
        "userinfo",
    ],
    settings: Settings {
        refresh_token: RefreshMode::RotateStrict,
        refresh_reply: RefreshReply::Repeat,
        refresh_expiry: RefreshExpiry::FromFirstIssue,
        client_kind: ClientKind::Web,
        oauth_errors_as_200: false,
        expires_in: 3600,
        revoke_status: RevokeStatus::Ok,
        retry_after: true,
        dead_refresh_body: DeadRefreshBody::Oauth,
        quota: 1000,
        token_quota: 300,
        meta: None,
    },
};

/// What an operator writes into `evergrant.toml`.
pub(crate) fn definition(base_url: &str) -> String {
    let (id, secret) = PROFILE
        .clients
        .first()
        .map_or(("", ""), |client| (client.id, client.secret));
    let Paths {
        authorize,
        token,
        revoke,
    } = PROFILE.paths;
    format!(
        r#"[providers.acme]
name = "Acme"
authorization_url = "{base_url}{authorize}"
token_url = "{base_url}{token}"
revocation_url = "{base_url}{revoke}"
userinfo_url = "{base_url}{USERINFO}"
client_id = "{id}"
client_secret = "{secret}"
scopes = ["openid", "profile", "offline_access"]
issuer = "{base_url}{ISSUER}"
allow_insecure = true
"#
    )
}

/// A person's account.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    username: String,
    about: String,
}

/// Acme with the accounts of the demo persons.
pub(super) struct Acme {
    cards: Vec<Card>,
    profiles: Profiles,
}

/// What the userinfo endpoint tells of each person, without the picture.
type Profiles = Arc<BTreeMap<String, Value>>;

impl Acme {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let (mut cards, mut profiles) = (Vec::new(), BTreeMap::new());
        for person in people {
            let Some(account) = person.account::<Account>(PROFILE.slug).transpose()? else {
                continue;
            };
            let profile = json!({ "sub": account.id, "preferred_username": account.username, "name": person.name });
            profiles.insert(person.handle.clone(), profile);
            cards.push(Card {
                person: person.handle.clone(),
                account_id: account.id,
                username: account.username,
                about: account.about,
            });
        }
        Ok(Self {
            cards,
            profiles: Arc::new(profiles),
        })
    }
}

impl Platform for Acme {
    fn profile(&self) -> &'static PlatformProfile {
        &PROFILE
    }

    fn cards(&self) -> &[Card] {
        &self.cards
    }

    fn token_prefix(&self, person: &str) -> String {
        format!("acme-{person}-")
    }

    /// In the header or in the form (RFC 6749 §2.3.1).
    fn credentials(&self, headers: &HeaderMap, form: &Form) -> Option<(String, String)> {
        let Some(line) = headers.get(header::AUTHORIZATION) else {
            return Some((
                form.get("client_id")?.to_owned(),
                form.get("client_secret")?.to_owned(),
            ));
        };
        let encoded = line.to_str().ok()?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        pair.split_once(':')
            .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    }

    fn issued(&self, issued: Issued) -> Response {
        let mut body = json!({
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "scope": issued.scopes.to_string(),
        });
        if let (Some(token), Some(fields)) = (issued.refresh_token, body.as_object_mut()) {
            fields.insert("refresh_token".into(), token.into());
        }
        answer(StatusCode::OK, &body)
    }

    fn refused(&self, refusal: Refusal, settings: Settings) -> Response {
        let refuse = |status, error: &str| answer(status, &json!({ "error": error }));
        match refusal {
            Refusal::InvalidClient => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"acme\"")];
                (
                    challenge,
                    refuse(StatusCode::UNAUTHORIZED, "invalid_client"),
                )
                    .into_response()
            }
            Refusal::InvalidRequest => refuse(StatusCode::BAD_REQUEST, "invalid_request"),
            Refusal::InvalidGrant | Refusal::DeadRefreshToken => {
                refuse(StatusCode::BAD_REQUEST, "invalid_grant")
            }
            Refusal::UnsupportedGrantType => {
                refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type")
            }
            Refusal::UnauthorizedClient | Refusal::ForeignToken => {
                refuse(StatusCode::BAD_REQUEST, "unauthorized_client")
            }
            Refusal::InvalidScope => refuse(StatusCode::BAD_REQUEST, "invalid_scope"),
            Refusal::RateLimited { retry_after_s } => {
                let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "too_many_requests");
                if settings.retry_after {
                    response
                        .headers_mut()
                        .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
                }
                response
            }
            Refusal::ServerError => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn routes(&self) -> Router<Stage> {
        Router::new()
            .route(USERINFO, get(userinfo))
            .layer(axum::Extension(Arc::clone(&self.profiles)))
    }
}

async fn userinfo(
    State(stage): State<Stage>,
    axum::Extension(profiles): axum::Extension<Profiles>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let Some((person, mut profile)) = bearer(&stage, &headers, &profiles) else {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
            return (
                challenge,
                answer(
                    StatusCode::UNAUTHORIZED,
                    &json!({ "error": "invalid_token" }),
                ),
            )
                .into_response();
        };
        if let Some(fields) = profile.as_object_mut() {
            fields.insert(
                "picture".into(),
                format!("{}/images/{person}.png", stage.shared.base_url()).into(),
            );
        }
        answer(StatusCode::OK, &profile)
    };
    stage.attend("userinfo", work).await
}

/// The person whose working access token came with a call, and what there is to tell of them.
fn bearer(stage: &Stage, headers: &HeaderMap, profiles: &Profiles) -> Option<(String, Value)> {
    let token = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    let world = stage.shared.world();
    let (_, grant) = world
        .grants
        .find(TokenKind::Access, token, stage.shared.now())?;
    let profile = profiles
        .get(&grant.person)
        .filter(|_| grant.platform == stage.slug())?;
    Some((grant.person.clone(), profile.clone()))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}
