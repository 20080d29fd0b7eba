//! Profile, karma, and the access checks of data endpoints.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Harness, ME, USER_AGENT, auth_url, query_param};

#[tokio::test]
async fn me_is_a_flat_object_with_decimal_timestamps() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let response = harness.api_get(&format!("{ME}?raw_json=1"), &access).await;
    let me = response.json();
    assert!(
        me.as_object().unwrap().len() >= 60,
        "{}",
        me.as_object().unwrap().len()
    );
    assert_eq!(me.get("kind"), None);
    assert_eq!(
        (&me["id"], &me["name"]),
        (&json!("sim9z"), &json!("juniper_vale"))
    );
    assert!(me["created_utc"].is_f64() && response.body.contains("\"created_utc\":1583020800.0"));
    let sum = me["link_karma"].as_i64().unwrap() + me["comment_karma"].as_i64().unwrap();
    assert_eq!(me["total_karma"], sum);
    assert_eq!(me["oauth_client_id"], "simRedditId");
    assert_eq!(me["subreddit"]["display_name_prefixed"], "u/juniper_vale");
    assert_eq!(me["subreddit"]["subscribers"], 1284);
    assert_eq!(me["is_suspended"], false);
}

#[tokio::test]
async fn me_shows_missing_profile_page_and_suspension() {
    let harness = Harness::new();
    let (new, _) = harness.connect("kiln").await;
    assert_eq!(
        harness.api_get(ME, &new).await.json()["subreddit"],
        Value::Null
    );
    let (suspended, _) = harness.connect("saffron").await;
    assert_eq!(
        harness.api_get(ME, &suspended).await.json()["is_suspended"],
        true
    );
}

#[tokio::test]
async fn texts_are_html_escaped_without_raw_json() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let raw = harness
        .api_get(&format!("{ME}?raw_json=1"), &access)
        .await
        .text("icon_img");
    let escaped = harness.api_get(ME, &access).await.text("icon_img");
    assert!(raw.contains("?width=256&s="), "{raw}");
    assert_eq!(escaped, raw.replace('&', "&amp;"));
    let list = harness
        .api_get(
            "/reddit/oauth/user/juniper_vale/submitted?limit=100",
            &access,
        )
        .await
        .body;
    assert!(list.contains("Q &amp; A: what &lt;10 years"));
}

#[tokio::test]
async fn karma_grows_daily_and_is_the_sum_over_subreddits() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let karma = || async {
        harness.api_get(ME, &access).await.json()["total_karma"]
            .as_i64()
            .unwrap()
    };
    let before = karma().await;
    harness.sandbox.advance_seconds(40_000);
    assert_eq!(karma().await, before, "karma does not change within a day");
    let list = harness
        .api_get("/reddit/oauth/api/v1/me/karma", &access)
        .await
        .json();
    let parts = list["data"].as_array().unwrap().iter();
    let sum: i64 = parts
        .map(|part| part["link_karma"].as_i64().unwrap() + part["comment_karma"].as_i64().unwrap())
        .sum();
    assert_eq!((&list["kind"], sum), (&json!("KarmaList"), before));

    harness.sandbox.advance_seconds(30 * 86_400);
    let (later, _) = harness.connect("juniper").await;
    let grown = harness.api_get(ME, &later).await.json()["total_karma"]
        .as_i64()
        .unwrap();
    assert!(grown > before + 100, "{before} -> {grown}");
}

#[tokio::test]
async fn invalid_bearer_token_gets_401_with_a_challenge() {
    let harness = Harness::new();
    let (_, refresh) = harness.connect("juniper").await;
    for authorization in [
        "bearer unknown",
        "Bearer ",
        "Basic x",
        &format!("bearer {refresh}"),
    ] {
        let response = harness
            .get(
                ME,
                &[("user-agent", USER_AGENT), ("authorization", authorization)],
            )
            .await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(
            response.header("www-authenticate"),
            Some("Bearer realm=\"reddit\", error=\"invalid_token\"")
        );
        assert_eq!(
            response.json(),
            json!({ "message": "Unauthorized", "error": 401 })
        );
    }
}

#[tokio::test]
async fn missing_scope_gets_403_with_a_challenge() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&auth_url(&[]), "juniper", Some(&["history"]))
        .unwrap();
    let access = harness
        .exchange(&query_param(&location, "code").unwrap())
        .await
        .text("access_token");
    for path in [ME, "/reddit/oauth/api/v1/me/karma"] {
        let response = harness.api_get(path, &access).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN);
        assert_eq!(
            response.header("www-authenticate"),
            Some("Bearer realm=\"reddit\", error=\"insufficient_scope\"")
        );
        assert_eq!(
            response.json(),
            json!({ "message": "Forbidden", "error": 403 })
        );
    }
    assert_eq!(
        harness
            .api_get("/reddit/oauth/user/juniper_vale/submitted", &access)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn www_host_rejects_bearer_tokens() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let response = harness.api_get("/reddit/www/api/v1/me", &access).await;
    assert_eq!(
        (response.status, response.json()),
        (
            StatusCode::FORBIDDEN,
            json!({ "message": "Forbidden", "error": 403 })
        )
    );
}

#[tokio::test]
async fn unknown_resource_gets_404_and_suspended_user_403() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    for path in [
        "/reddit/oauth/r/simpottery/about/traffic",
        "/reddit/oauth/user/unknown_user/submitted",
    ] {
        let response = harness.api_get(path, &access).await;
        assert_eq!(
            (response.status, response.json()),
            (
                StatusCode::NOT_FOUND,
                json!({ "message": "Not Found", "error": 404 })
            )
        );
    }
    assert_eq!(
        harness
            .api_get("/reddit/oauth/user/saffron_lane/submitted", &access)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}
