//! Acme: a fictitious platform that follows OAuth 2.0 and RFC 9700 without deviations, for testing
//! custom provider definitions.
//!
//! PKCE is required, callbacks carry the issuer (RFC 9207), refresh tokens rotate, and reuse of a
//! rotated refresh token revokes the grant.

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

use crate::engine::{Form, OAuthError};
use crate::platform::PlatformContext;
use crate::platform::{Card, IssuedTokens, Platform};
use crate::profile::{
    AccessTokenRevocation, Client, Paths, Pkce, PlatformProfile, RefreshTokenReuse, Scope,
};
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
            label: "know your identity",
        },
        Scope {
            id: "profile",
            label: "see your name and picture",
        },
        Scope {
            id: "offline_access",
            label: "keep this access while you are offline",
        },
    ],
    scope_separators: &[' '],
    offline_access_param: None,
    state_required: false,
    pkce: Pkce::S256,
    issuer: Some(ISSUER),
    app_only_grants: &["client_credentials"],
    static_redirects: false,
    code_ttl_seconds: 60,
    code_suffix: "",
    refresh_ttl_seconds: None,
    refresh_token_reuse: RefreshTokenReuse::RevokesGrant,
    access_token_revocation: AccessTokenRevocation::RevokesToken,
    granted_scopes_param: None,
    denial_params: &[("error", "access_denied")],
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

/// Returns the `[providers.acme]` section of `evergrant.toml` for a sandbox at `base_url`.
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

/// An Acme account as listed in `people.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    username: String,
    about: String,
}

/// The simulated Acme platform with the accounts of the demo persons.
pub(super) struct Acme {
    cards: Vec<Card>,
    profiles: Profiles,
}

/// The userinfo claims of each person, by handle. The picture URL is added per request.
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

    /// Reads client credentials from the `Authorization` header or from the form (RFC 6749 §2.3.1).
    fn credentials(&self, headers: &HeaderMap, form: &Form) -> Option<(String, String)> {
        let Some(line) = headers.get(header::AUTHORIZATION) else {
            return Some((
                form.get("client_id")?.to_owned(),
                form.get("client_secret")?.to_owned(),
            ));
        };
        let encoded = line.to_str().ok()?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        decoded
            .split_once(':')
            .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    }

    fn token_response(&self, issued: IssuedTokens) -> Response {
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

    fn error_response(&self, error: OAuthError, settings: Settings) -> Response {
        let respond = |status, error: &str| answer(status, &json!({ "error": error }));
        match error {
            OAuthError::InvalidClient => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"acme\"")];
                (
                    challenge,
                    respond(StatusCode::UNAUTHORIZED, "invalid_client"),
                )
                    .into_response()
            }
            OAuthError::InvalidRequest => respond(StatusCode::BAD_REQUEST, "invalid_request"),
            OAuthError::InvalidGrant | OAuthError::InvalidRefreshToken => {
                respond(StatusCode::BAD_REQUEST, "invalid_grant")
            }
            OAuthError::UnsupportedGrantType => {
                respond(StatusCode::BAD_REQUEST, "unsupported_grant_type")
            }
            OAuthError::UnauthorizedClient | OAuthError::TokenOfOtherClient => {
                respond(StatusCode::BAD_REQUEST, "unauthorized_client")
            }
            OAuthError::InvalidScope => respond(StatusCode::BAD_REQUEST, "invalid_scope"),
            OAuthError::RateLimited {
                retry_after_seconds,
            } => {
                let mut response = respond(StatusCode::TOO_MANY_REQUESTS, "too_many_requests");
                if settings.retry_after {
                    response
                        .headers_mut()
                        .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
                }
                response
            }
            OAuthError::ServerError => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn routes(&self) -> Router<PlatformContext> {
        Router::new()
            .route(USERINFO, get(userinfo))
            .layer(axum::Extension(Arc::clone(&self.profiles)))
    }
}

async fn userinfo(
    State(context): State<PlatformContext>,
    axum::Extension(profiles): axum::Extension<Profiles>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let Some((person, mut profile)) = bearer(&context, &headers, &profiles) else {
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
                format!("{}/images/{person}.png", context.shared.base_url()).into(),
            );
        }
        answer(StatusCode::OK, &profile)
    };
    context.serve_endpoint("userinfo", work).await
}

/// Returns the handle and claims of the person whose valid access token the call carries.
fn bearer(
    context: &PlatformContext,
    headers: &HeaderMap,
    profiles: &Profiles,
) -> Option<(String, Value)> {
    let token = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    let world = context.shared.world();
    let (_, grant) = world
        .grants
        .find(TokenKind::Access, token, context.shared.now())?;
    let profile = profiles
        .get(&grant.person)
        .filter(|_| grant.platform == context.slug())?;
    Some((grant.person.clone(), profile.clone()))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}
