//! A client of Meta's two logins, Facebook Login and Instagram Login, that calls them as Meta's
//! documentation requires.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::harness::{Harness, Response, path_of, query_param, url_with};

pub(crate) const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/instagram";
pub(crate) const FB_SCOPES: &str = "instagram_basic,instagram_manage_insights,pages_show_list,pages_read_engagement,business_management";
pub(crate) const IG_SCOPES: &str = "instagram_business_basic,instagram_business_manage_insights";
/// Id of Juniper's professional account.
pub(crate) const JUNIPER: &str = "17841400000000001";

/// Returns the URL of Facebook's login dialog. `overrides` as in [`url_with`].
pub(crate) fn dialog(overrides: &[(&str, &str)]) -> String {
    let defaults = [
        ("client_id", "1001"),
        ("redirect_uri", CALLBACK),
        ("state", "st&te=1"),
        ("scope", FB_SCOPES),
    ];
    url_with("/facebook/dialog/v25.0/dialog/oauth", &defaults, overrides)
}

/// Returns the authorization URL of Instagram Login. `overrides` as in [`url_with`].
pub(crate) fn login(overrides: &[(&str, &str)]) -> String {
    let defaults = [
        ("client_id", "2002"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("state", "st&te=1"),
        ("scope", IG_SCOPES),
    ];
    url_with("/instagram/auth/oauth/authorize", &defaults, overrides)
}

/// Returns code and subcode of a Graph API error; subcode 0 if there is none.
pub(crate) fn error_codes(response: &Response) -> (u64, u64) {
    let error = &response.json()["error"];
    (
        error["code"].as_u64().unwrap(),
        error["error_subcode"].as_u64().unwrap_or(0),
    )
}

impl Harness {
    /// Calls Facebook's Graph API.
    pub(crate) async fn graph(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let url = url_with(&format!("/facebook/graph{path}"), &[], fields);
        self.get(&path_of(&url), &[]).await
    }

    /// Calls Facebook's Graph API with an access token and no other parameter.
    pub(crate) async fn graph_with_token(&self, path: &str, token: &str) -> Response {
        self.graph(path, &[("access_token", token)]).await
    }

    /// Calls Instagram's Graph API.
    pub(crate) async fn ig_graph(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let url = url_with(&format!("/instagram/graph{path}"), &[], fields);
        self.get(&path_of(&url), &[]).await
    }

    /// Calls Instagram's Graph API with an access token and no other parameter.
    pub(crate) async fn ig_graph_with_token(&self, path: &str, token: &str) -> Response {
        self.ig_graph(path, &[("access_token", token)]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send(Request::delete(path).body(Body::empty()).unwrap())
            .await
    }

    /// Returns an authorization code of Facebook Login. `overrides` as in [`url_with`].
    pub(crate) fn fb_code(&self, person: &str, overrides: &[(&str, &str)]) -> String {
        let location = self
            .sandbox
            .approve(&dialog(overrides), person, None)
            .unwrap();
        query_param(&location, "code").unwrap()
    }

    /// Exchanges a code at Facebook Login for a short-lived token. `overrides` as in
    /// [`url_with`].
    pub(crate) async fn fb_exchange(&self, code: &str, overrides: &[(&str, &str)]) -> Response {
        let defaults = [
            ("client_id", "1001"),
            ("client_secret", "sim-app-secret"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let path = "/facebook/graph/v25.0/oauth/access_token";
        let url = url_with(path, &defaults, overrides);
        self.get(&path_of(&url), &[]).await
    }

    /// Exchanges a token of Facebook Login for a long-lived one.
    pub(crate) async fn fb_long_lived(&self, token: &str) -> Response {
        let fields = [
            ("grant_type", "fb_exchange_token"),
            ("client_id", "1001"),
            ("client_secret", "sim-app-secret"),
            ("fb_exchange_token", token),
        ];
        self.graph("/v25.0/oauth/access_token", &fields).await
    }

    /// Returns a long-lived token of Facebook Login.
    pub(crate) async fn fb_connect(&self, person: &str) -> String {
        self.fb_connect_with(&self.fb_code(person, &[])).await
    }

    /// Returns the long-lived token that `code` yields at Facebook Login.
    pub(crate) async fn fb_connect_with(&self, code: &str) -> String {
        let short = self.fb_exchange(code, &[]).await.text("access_token");
        self.fb_long_lived(&short).await.text("access_token")
    }

    /// Returns what `debug_token` reports about `token`.
    pub(crate) async fn debug_token(&self, token: &str) -> Value {
        let fields = [
            ("input_token", token),
            ("access_token", "1001|sim-app-secret"),
        ];
        let response = self.graph("/debug_token", &fields).await;
        assert_eq!(response.status, 200);
        response.json()["data"].clone()
    }

    /// Returns an authorization code of Instagram Login. `overrides` as in [`url_with`].
    pub(crate) fn ig_code(&self, person: &str, overrides: &[(&str, &str)]) -> String {
        let location = self
            .sandbox
            .approve(&login(overrides), person, None)
            .unwrap();
        query_param(&location, "code").unwrap()
    }

    /// Exchanges a code at Instagram Login for a short-lived token, with a URL-encoded form.
    /// `overrides` replaces default fields.
    pub(crate) async fn ig_exchange(&self, code: &str, overrides: &[(&str, &str)]) -> Response {
        let defaults = [
            ("client_id", "2002"),
            ("client_secret", "sim-instagram-secret"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let kept = defaults
            .iter()
            .filter(|(name, _)| overrides.iter().all(|(other, _)| other != name));
        let fields: Vec<_> = kept.chain(overrides).copied().collect();
        self.post("/instagram/api/oauth/access_token", &[], &fields)
            .await
    }

    /// Exchanges a token of Instagram Login for a long-lived one.
    pub(crate) async fn ig_long_lived(&self, token: &str) -> Response {
        let fields = [
            ("grant_type", "ig_exchange_token"),
            ("client_secret", "sim-instagram-secret"),
            ("access_token", token),
        ];
        self.ig_graph("/access_token", &fields).await
    }

    /// Returns a long-lived token of Instagram Login.
    pub(crate) async fn ig_connect(&self, person: &str) -> String {
        let short = self
            .ig_exchange(&self.ig_code(person, &[]), &[])
            .await
            .text("access_token");
        self.ig_long_lived(&short).await.text("access_token")
    }
}
