//! Two minimal providers: one with session credentials, and the Facebook Graph API, where one
//! consent covers two Instagram accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Account id of the only valid session.
pub(crate) const OWNER: &str = "900001";
/// `sess` cookie of the only valid session.
pub(crate) const SESS: &str = "the-cookie-of-the-owner";
/// `x-bc` header of the only valid session.
pub(crate) const X_BC: &str = "the-browser-token";
/// User agent of the only valid session.
pub(crate) const USER_AGENT: &str = "Mozilla/5.0 (the owner's browser)";

/// First account that every consent covers.
pub(crate) const STUDIO: &str = "17840001";
/// Second account that every consent covers.
pub(crate) const SHOP: &str = "17840002";

/// The running providers, on one port.
#[derive(Clone)]
pub(crate) struct FakeProviders {
    base: String,
    profile_status: Arc<AtomicU16>,
}

impl FakeProviders {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let providers = Self {
            base,
            profile_status: Arc::new(AtomicU16::new(200)),
        };
        let router = Router::new()
            .fallback(respond)
            .with_state(providers.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        providers
    }

    /// Sets the status of all further responses of the profile endpoint.
    pub(crate) fn set_profile_status(&self, status: u16) {
        self.profile_status.store(status, Ordering::Relaxed);
    }

    /// Returns the settings that configure Evergrant to use these providers.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ONLYFANS_ENABLED", "true".to_owned()),
            ("ONLYFANS_PROFILE_URL", format!("{}/profile", self.base)),
            ("FACEBOOK_APP_ID", "simFacebookId".to_owned()),
            ("FACEBOOK_APP_SECRET", "simFacebookSecret".to_owned()),
            ("FACEBOOK_DIALOG_BASE", self.base.clone()),
            ("FACEBOOK_GRAPH_BASE", self.base.clone()),
        ]
    }
}

/// Responds as the provider that the path belongs to.
async fn respond(State(providers): State<FakeProviders>, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() != "/profile" {
        return axum::Json(graph_response(uri.path())).into_response();
    }
    let status = StatusCode::from_u16(providers.profile_status.load(Ordering::Relaxed)).unwrap();
    if status == 200 {
        axum::Json(profile(&headers)).into_response()
    } else {
        status.into_response()
    }
}

/// Returns the Graph API's response at this path: every consent covers the same two accounts.
fn graph_response(path: &str) -> Value {
    let page = |id, name, account, username| {
        let picture = "https://pictures.example/a?b=\"><script>";
        let account = json!({
            "id": account,
            "username": username,
            "name": name,
            "profile_picture_url": picture,
        });
        json!({"id": id, "name": name, "instagram_business_account": account})
    };
    let scopes = [
        "instagram_basic",
        "instagram_manage_insights",
        "pages_show_list",
        "pages_read_engagement",
    ];
    let granted = scopes.map(|scope| json!({"permission": scope, "status": "granted"}));
    match path.rsplit('/').next().unwrap() {
        "access_token" => {
            json!({
                "access_token": "graph-access-token",
                "token_type": "bearer",
                "expires_in": 5_184_000,
            })
        }
        "permissions" => json!({"data": granted, "success": true}),
        "accounts" => {
            let pages = [
                page("1", "Juniper Studio", STUDIO, "juniper"),
                page("2", "<Shop>", SHOP, "juniper.shop"),
            ];
            json!({"data": pages})
        }
        "me" => json!({"id": "777", "name": "Juniper"}),
        _ => json!({"data": {}}),
    }
}

/// Returns the account of the valid session, and an unauthenticated profile for any other.
fn profile(headers: &HeaderMap) -> Value {
    let sent = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    };
    let is_valid = sent("cookie") == format!("sess={SESS}; auth_id={OWNER}")
        && (sent("x-bc"), sent("user-id"), sent("user-agent")) == (X_BC, OWNER, USER_AGENT);
    if is_valid {
        json!({"id": 900_001, "username": "simcreator", "name": "Sim", "isAuth": true})
    } else {
        json!({"isAuth": false})
    }
}
