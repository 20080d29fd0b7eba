//! Two small platforms: one whose sessions are pasted, and Graph, where one consent reaches two
//! accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the owner of the one pasted session has.
pub(crate) const OWNER: &str = "900001";
pub(crate) const SESS: &str = "the-cookie-of-the-owner";
pub(crate) const X_BC: &str = "the-browser-token";
pub(crate) const USER_AGENT: &str = "Mozilla/5.0 (the owner's browser)";

/// The two accounts that every consent at Graph reaches.
pub(crate) const STUDIO: &str = "17840001";
pub(crate) const SHOP: &str = "17840002";

/// Where they are, and how they feel.
#[derive(Clone)]
pub(crate) struct Platforms {
    base: String,
    profile_status: Arc<AtomicU16>,
}

impl Platforms {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let platforms = Self {
            base,
            profile_status: Arc::new(AtomicU16::new(200)),
        };
        let router = Router::new().fallback(answer).with_state(platforms.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        platforms
    }

    /// Lets the page that says whose a session is answer with this status from now on.
    pub(crate) fn profile_answers(&self, status: u16) {
        self.profile_status.store(status, Ordering::Relaxed);
    }

    /// The settings that lead to them.
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

async fn answer(State(platforms): State<Platforms>, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() == "/profile" {
        let status =
            StatusCode::from_u16(platforms.profile_status.load(Ordering::Relaxed)).unwrap();
        return if status == 200 {
            axum::Json(profile(&headers)).into_response()
        } else {
            status.into_response()
        };
    }
    let page = |id, name, account, username| {
        let picture = "https://pictures.example/a?b=\"><script>";
        let account = json!({"id": account, "username": username, "name": name, "profile_picture_url": picture});
        json!({"id": id, "name": name, "instagram_business_account": account})
    };
    let scopes = [
        "instagram_basic",
        "instagram_manage_insights",
        "pages_show_list",
        "pages_read_engagement",
    ];
    let granted = scopes.map(|scope| json!({"permission": scope, "status": "granted"}));
    axum::Json(match uri.path().rsplit('/').next().unwrap() {
        "access_token" => {
            json!({"access_token": "graph-access-token", "token_type": "bearer", "expires_in": 5_184_000})
        }
        "permissions" => json!({"data": granted, "success": true}),
        "accounts" => {
            let pages = [page("1", "Juniper Studio", STUDIO, "juniper"), page("2", "<Shop>", SHOP, "juniper.shop")];
            json!({"data": pages})
        }
        "me" => json!({"id": "777", "name": "Juniper"}),
        _ => json!({"data": {}}),
    })
    .into_response()
}

/// Its owner's account for the whole session; what a stranger gets for anything else.
fn profile(headers: &HeaderMap) -> Value {
    let sent = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    };
    let whole = sent("cookie") == format!("sess={SESS}; auth_id={OWNER}")
        && (sent("x-bc"), sent("user-id"), sent("user-agent")) == (X_BC, OWNER, USER_AGENT);
    if whole {
        json!({"id": 900_001, "username": "simcreator", "name": "Sim", "isAuth": true})
    } else {
        json!({"isAuth": false})
    }
}
