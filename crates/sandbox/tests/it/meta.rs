//! Callers of Meta's two logins, as their documentation demands them.

use axum::http::Request;
use serde_json::Value;
use url::Url;

use crate::harness::{Answer, BASE, Stand, query};

pub(crate) const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/instagram";
pub(crate) const FB_SCOPES: &str = "instagram_basic,instagram_manage_insights,pages_show_list,pages_read_engagement,business_management";
pub(crate) const IG_SCOPES: &str = "instagram_business_basic,instagram_business_manage_insights";
/// Juniper's professional account.
pub(crate) const JUNIPER: &str = "17841400000000001";

/// An address; `extra` replaces parameters of the usual ones, and an empty value takes one out.
pub(crate) fn address(path: &str, usual: &[(&str, &str)], extra: &[(&str, &str)]) -> String {
    let kept = usual
        .iter()
        .filter(|(name, _)| extra.iter().all(|(other, _)| other != name));
    let pairs = kept.chain(extra).filter(|(_, value)| !value.is_empty());
    let mut url = Url::parse(&format!("{BASE}{path}")).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

pub(crate) fn dialog(extra: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "1001"),
        ("redirect_uri", CALLBACK),
        ("state", "st&te=1"),
        ("scope", FB_SCOPES),
    ];
    address("/facebook/dialog/v25.0/dialog/oauth", &usual, extra)
}

pub(crate) fn login(extra: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "2002"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("state", "st&te=1"),
        ("scope", IG_SCOPES),
    ];
    address("/instagram/auth/oauth/authorize", &usual, extra)
}

/// Code, subcode (0 for none) of a Graph error.
pub(crate) fn codes(answer: &Answer) -> (u64, u64) {
    let error = &answer.json()["error"];
    (
        error["code"].as_u64().unwrap(),
        error["error_subcode"].as_u64().unwrap_or(0),
    )
}

impl Stand {
    /// A call to Facebook's Graph.
    pub(crate) async fn graph(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let url = address(&format!("/facebook/graph{path}"), &[], fields);
        self.get(url.strip_prefix(BASE).unwrap(), &[]).await
    }

    /// The same at Instagram's.
    pub(crate) async fn ig_graph(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let url = address(&format!("/instagram/graph{path}"), &[], fields);
        self.get(url.strip_prefix(BASE).unwrap(), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(
            Request::delete(path)
                .body(axum::body::Body::empty())
                .unwrap(),
        )
        .await
    }

    pub(crate) fn fb_code(&self, person: &str, extra: &[(&str, &str)]) -> String {
        let location = self.sandbox.approve(&dialog(extra), person, None).unwrap();
        query(&location, "code").unwrap()
    }

    /// The exchange of a code; `extra` as above.
    pub(crate) async fn fb_exchange(&self, code: &str, extra: &[(&str, &str)]) -> Answer {
        let usual = [
            ("client_id", "1001"),
            ("client_secret", "sim-app-secret"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let url = address("/facebook/graph/v25.0/oauth/access_token", &usual, extra);
        self.get(url.strip_prefix(BASE).unwrap(), &[]).await
    }

    pub(crate) async fn fb_long(&self, token: &str) -> Answer {
        let fields = [
            ("grant_type", "fb_exchange_token"),
            ("client_id", "1001"),
            ("client_secret", "sim-app-secret"),
            ("fb_exchange_token", token),
        ];
        self.graph("/v25.0/oauth/access_token", &fields).await
    }

    /// A long-lived token of Facebook Login.
    pub(crate) async fn fb_connect(&self, person: &str) -> String {
        self.fb_connect_with(&self.fb_code(person, &[])).await
    }

    pub(crate) async fn fb_connect_with(&self, code: &str) -> String {
        let short = self.fb_exchange(code, &[]).await.text("access_token");
        self.fb_long(&short).await.text("access_token")
    }

    pub(crate) async fn debug(&self, token: &str) -> Value {
        let fields = [
            ("input_token", token),
            ("access_token", "1001|sim-app-secret"),
        ];
        let answer = self.graph("/debug_token", &fields).await;
        assert_eq!(answer.status, 200);
        answer.json()["data"].clone()
    }

    pub(crate) fn ig_code(&self, person: &str, extra: &[(&str, &str)]) -> String {
        let location = self.sandbox.approve(&login(extra), person, None).unwrap();
        query(&location, "code").unwrap()
    }

    /// The exchange of a code at Instagram Login, as a URL-encoded form.
    pub(crate) async fn ig_exchange(&self, code: &str, extra: &[(&str, &str)]) -> Answer {
        let usual = [
            ("client_id", "2002"),
            ("client_secret", "sim-instagram-secret"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| extra.iter().all(|(other, _)| other != name));
        let fields: Vec<_> = kept.chain(extra).copied().collect();
        self.post("/instagram/api/oauth/access_token", &[], &fields)
            .await
    }

    pub(crate) async fn ig_long(&self, token: &str) -> Answer {
        let fields = [
            ("grant_type", "ig_exchange_token"),
            ("client_secret", "sim-instagram-secret"),
            ("access_token", token),
        ];
        self.ig_graph("/access_token", &fields).await
    }

    pub(crate) async fn ig_connect(&self, person: &str) -> String {
        let short = self
            .ig_exchange(&self.ig_code(person, &[]), &[])
            .await
            .text("access_token");
        self.ig_long(&short).await.text("access_token")
    }
}
