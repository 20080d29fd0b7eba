//! Responses of `debug_token` to valid, invalid and permanent tokens.

use evergrant_sandbox::Switch;
use serde_json::json;

use crate::harness::{Harness, START_SECONDS};
use crate::meta::{JUNIPER, error_codes};

#[tokio::test]
async fn debug_token_describes_a_valid_token() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let data = harness.debug_token(&token).await;
    assert_eq!(data["app_id"], "1001");
    assert_eq!(
        (&data["type"], &data["is_valid"]),
        (&json!("USER"), &json!(true))
    );
    assert_eq!(data["user_id"], "10150000000000001");
    assert_eq!(data["expires_at"], START_SECONDS + 5_184_000);
    let granular = data["granular_scopes"].as_array().unwrap();
    assert!(
        granular.contains(&json!({ "scope": "instagram_basic", "target_ids": [JUNIPER] })),
        "{granular:?}"
    );
    assert!(
        granular.contains(&json!({ "scope": "pages_show_list", "target_ids": ["2001", "2002"] })),
        "{granular:?}"
    );
}

#[tokio::test]
async fn debug_token_gets_200_with_subcode_for_an_invalid_token() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    harness.sandbox.advance_seconds(5_184_000);
    let data = harness.debug_token(&token).await;
    assert_eq!(
        (&data["is_valid"], &data["scopes"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(
        (&data["error"]["code"], &data["error"]["subcode"]),
        (&json!(190), &json!(463))
    );
    assert_eq!(data["error"].get("error_subcode"), None);
    let unknown = harness.debug_token("nonsense").await;
    assert_eq!(
        (&unknown["is_valid"], &unknown["error"]["code"]),
        (&json!(false), &json!(190))
    );
    let unauthenticated = [
        ("input_token", token.as_str()),
        ("access_token", "1001|guess"),
    ];
    assert_eq!(
        error_codes(&harness.graph("/debug_token", &unauthenticated).await),
        (190, 0)
    );
}

#[tokio::test]
async fn token_without_expires_in_does_not_expire() {
    let harness = Harness::new();
    harness.set_switch("instagram", Switch::ExpiresInReply(false));
    let short = harness
        .fb_exchange(&harness.fb_code("juniper", &[]), &[])
        .await;
    assert_eq!(short.json()["expires_in"], 5400);
    let long = harness.fb_long_lived(&short.text("access_token")).await;
    assert_eq!(long.json().get("expires_in"), None);
    let data = harness.debug_token(&long.text("access_token")).await;
    assert_eq!(data["expires_at"], 0);
    assert_eq!(data["data_access_expires_at"], START_SECONDS + 90 * 86_400);
}

#[tokio::test]
async fn page_token_from_a_long_lived_token_does_not_expire() {
    let harness = Harness::new();
    let short = harness
        .fb_exchange(&harness.fb_code("juniper", &[]), &[])
        .await
        .text("access_token");
    let long = harness.fb_long_lived(&short).await.text("access_token");
    for (user, is_permanent) in [(short, false), (long, true)] {
        let fields = [("access_token", user.as_str()), ("fields", "access_token")];
        let list = || async { harness.graph("/v25.0/me/accounts", &fields).await.json() };
        let page = list().await["data"][0]["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            list().await["data"][0]["access_token"],
            page,
            "a repeated request returns the same token"
        );
        let data = harness.debug_token(&page).await;
        assert_eq!(
            (&data["type"], data["expires_at"] == 0),
            (&json!("PAGE"), is_permanent)
        );
    }
}
