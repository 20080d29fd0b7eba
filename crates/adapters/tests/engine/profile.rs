//! Profile requests, and the account read from their responses.

use evergrant_model::{AccessToken, ScopeSet};

use crate::support::{FakePlatform, acme, reddit, response};

#[tokio::test]
async fn reddit_profile_request_carries_the_bearer_token() {
    let profile = r#"{"id":"sim9z","name":"juniper","total_karma":12,"created_utc":1767225600.0}"#;
    let platform = FakePlatform::responding_with(response(200, profile)).await;
    let accounts = reddit(&platform.base)
        .user_profile(&AccessToken::new("tok"), &ScopeSet::default())
        .await
        .unwrap();
    let request = platform.only_request();
    assert_eq!(
        (request.method.as_str(), request.uri.to_string().as_str()),
        ("GET", "/api/v1/me?raw_json=1")
    );
    assert_eq!(request.header("authorization"), "Bearer tok");
    assert_eq!(
        request.header("user-agent"),
        "web:evergrant-sim:0.1 (by /u/juniper)"
    );
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].id.as_str(), "sim9z");
    assert_eq!(accounts[0].metadata["karma"], 12);
}

#[tokio::test]
async fn custom_profile_is_read_from_openid_claims() {
    let profile = r#"{"sub":"248289761001","preferred_username":"j.doe","name":"Jane Doe","picture":"https://a.example/j.jpg"}"#;
    let platform = FakePlatform::responding_with(response(200, profile)).await;
    let accounts = acme(&platform.base, "")
        .user_profile(&AccessToken::new("tok"), &ScopeSet::default())
        .await
        .unwrap();
    assert_eq!(accounts[0].id.as_str(), "248289761001");
    assert_eq!(accounts[0].username.as_deref(), Some("j.doe"));
    assert_eq!(
        accounts[0].metadata["avatar_url"],
        "https://a.example/j.jpg"
    );
}
