//! Users, providers, accounts, flows and scopes in paths, queries and bodies.

use serde_json::json;

use crate::harness::{Harness, JUNIPER};

#[tokio::test]
async fn item_23_connect_takes_no_user_from_query_or_body() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let path = "/api/integrations/connect/reddit?userId=2&user=2&Evergrant-User=2";
    assert_eq!(app.post(path, json!({})).await.status, 200);
    let owners = harness
        .database
        .texts("SELECT CAST(user_id AS TEXT) FROM evergrant_flows")
        .await;
    assert_eq!(owners, ["1"]);
    for field in ["userId", "user", "id"] {
        assert_eq!(
            app.post("/api/integrations/connect/reddit", json!({field: 2}))
                .await
                .status,
            422,
            "{field}"
        );
    }
}

/// Path segments that must match nothing, percent-encoded where needed.
const HOSTILE_IDS: [&str; 24] = [
    "'",
    "'%20OR%20'1'='1",
    "%22",
    "%25",
    "%25%25",
    "%27;DROP%20TABLE%20users;--",
    "_",
    "sim9_",
    "sim9%25",
    "%00",
    "sim9z%00",
    "%0d%0aSet-Cookie:x",
    "%2f..%2f..%2fetc%2fpasswd",
    "..",
    "%2e%2e",
    "\\",
    "%E2%80%AE",
    "SIM9Z",
    "%20sim9z",
    "sim9z%20",
    "{{7*7}}",
    "%3Cscript%3E",
    "null",
    "%F0%9F%92%A9",
];

#[tokio::test]
async fn item_53_hostile_provider_or_account_id_is_404() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let (app, before, calls) = (
        harness.app_for(1).await,
        harness.stored().await,
        harness.provider_calls(),
    );
    let long = "x".repeat(5000);
    for id in HOSTILE_IDS.into_iter().chain([long.as_str()]) {
        for (path, code) in [
            (format!("reddit/{id}"), "ACCOUNT_NOT_FOUND"),
            (format!("{id}/sim9z"), "INVALID_PROVIDER"),
        ] {
            let responses = [
                app.get(&format!("/api/integrations/token/{path}")).await,
                app.post(&format!("/api/integrations/refresh/{path}"), json!({}))
                    .await,
                app.delete(&format!("/api/integrations/disconnect/{path}"))
                    .await,
            ];
            for response in responses {
                assert_eq!(response.problem(), format!("404 {code}"), "{path:.60}");
            }
        }
    }
    assert_eq!(
        (harness.stored().await, harness.provider_calls()),
        (before, calls)
    );
}

#[tokio::test]
async fn path_that_is_not_utf8_is_400() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    for path in [
        "/api/integrations/token/reddit/%ff",
        "/api/integrations/flows/%c3%28",
        "/api/users/%ff",
    ] {
        assert_eq!(
            app.get(path).await.problem(),
            "400 INVALID_REQUEST",
            "{path}"
        );
    }
}

#[tokio::test]
async fn account_id_may_contain_slash_and_any_script() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    for (id, encoded) in [
        ("-000/a b%é", "-000%2Fa%20b%25%C3%A9"),
        ("世界?&#", "%E4%B8%96%E7%95%8C%3F%26%23"),
        ("a+b", "a+b"),
    ] {
        harness
            .database
            .execute(&format!(
                "UPDATE oauth_accounts SET provider_account_id = '{id}'"
            ))
            .await;
        let response = app
            .get(&format!("/api/integrations/token/reddit/{encoded}"))
            .await;
        assert_eq!(response.status, 200, "{encoded}: {response}");
    }
}

#[tokio::test]
async fn hostile_flow_id_is_404() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    for id in ["x", "'", "%00", "..%2f", &"x".repeat(5000)] {
        let response = app.get(&format!("/api/integrations/flows/{id}")).await;
        assert_eq!(response.problem(), "404 FLOW_NOT_FOUND", "{id:.20}");
    }
}

#[tokio::test]
async fn malformed_scopes_are_rejected() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    let many: Vec<_> = (0..101).map(|number| format!("s{number}")).collect();
    for invalid in [
        json!([""]),
        json!(["a b"]),
        json!(["a,b"]),
        json!(["\r\n"]),
        json!(["é"]),
        json!(["x".repeat(256)]),
        json!(many),
    ] {
        let response = app
            .post(
                "/api/integrations/connect/reddit",
                json!({"scopes": invalid}),
            )
            .await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{invalid}");
        assert_eq!(response.json()["fields"][0]["field"], "scopes");
    }
    assert_eq!(harness.stored().await, before);
}

#[tokio::test]
async fn hostile_reconnect_account_id_is_404() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    for id in [
        "",
        "'",
        "%",
        "\0",
        "a\r\nb",
        &JUNIPER.to_uppercase(),
        &"x".repeat(5000),
    ] {
        let response = app
            .post("/api/integrations/connect/reddit", json!({"accountId": id}))
            .await;
        assert_eq!(response.problem(), "404 ACCOUNT_NOT_FOUND", "{id:?}");
    }
}
