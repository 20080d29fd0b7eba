//! `GET /api/integrations/providers`

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Harness;

async fn provider(harness: &Harness, slug: &str) -> Value {
    let all = providers(harness).await;
    all.as_array()
        .unwrap()
        .iter()
        .find(|one| one["provider"] == slug)
        .unwrap()
        .clone()
}

async fn providers(harness: &Harness) -> Value {
    harness
        .browser(1)
        .await
        .get("/api/integrations/providers")
        .await
        .json()["providers"]
        .clone()
}

#[tokio::test]
async fn provider_has_kind_capabilities_and_scopes() {
    assert_snapshot!(format!("{:#}", provider(&Harness::new().await, "reddit").await), @r#"
    {
      "accountType": "Reddit User",
      "capabilities": [
        "refresh",
        "revoke",
        "profile"
      ],
      "configured": true,
      "kind": "oauth2",
      "multiAccount": false,
      "name": "Reddit",
      "provider": "reddit",
      "scopes": [
        {
          "id": "identity",
          "label": "See your name and karma",
          "required": true
        },
        {
          "id": "read",
          "label": "Read content you can access",
          "required": false
        },
        {
          "id": "history",
          "label": "See your posts and comments",
          "required": false
        },
        {
          "id": "mysubreddits",
          "label": "See your communities",
          "required": false
        }
      ],
      "tokenType": "Permanent (with refresh)"
    }
    "#);
}

#[tokio::test]
async fn sign_in_with_names_the_brand_of_another_sign_in() {
    let harness = Harness::new().await;
    let sign_in = async |slug| provider(&harness, slug).await["signInWith"].clone();
    assert_eq!(
        [sign_in("instagram").await, sign_in("instagram-login").await],
        ["Facebook".into(), Value::Null]
    );
}

#[tokio::test]
async fn two_ways_to_instagram_are_told_apart_in_words() {
    let harness = Harness::new().await;
    for (slug, word) in [
        ("instagram", "Via Facebook"),
        ("instagram-login", "no Facebook Page"),
    ] {
        let summary = provider(&harness, slug).await["accountSummary"].clone();
        assert!(summary.as_str().unwrap().contains(word), "{summary}");
    }
}

#[tokio::test]
async fn session_provider_lists_its_credential_fields() {
    let harness = Harness::new().await;
    let onlyfans = provider(&harness, "onlyfans").await;
    assert_eq!(onlyfans["kind"], "cookies");
    let line = |one: &Value| {
        format!(
            "{} secret {} required {}",
            one["name"], one["secret"], one["required"]
        )
    };
    let fields: Vec<_> = onlyfans["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect();
    assert_snapshot!(fields.join("\n"), @r#"
    "pasted" secret true required false
    "sess" secret true required true
    "auth_id" secret false required true
    "user_agent" secret false required true
    "x_bc" secret true required true
    "auth_uid_" secret true required false
    "#);
    assert!(provider(&harness, "reddit").await.get("fields").is_none());
}

#[tokio::test]
async fn custom_providers_follow_catalogue_even_if_not_configured() {
    let harness = Harness::new().await;
    let providers = providers(&harness).await;
    let line = |one: &Value| {
        format!(
            "{} {} {}",
            one["provider"], one["configured"], one["problem"]
        )
    };
    let lines: Vec<_> = providers.as_array().unwrap().iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    "instagram" true null
    "instagram-login" true null
    "tiktok" true null
    "reddit" true null
    "onlyfans" true null
    "acme" true null
    "later" false "set LATER_CLIENT_ID and LATER_CLIENT_SECRET"
    "named" true null
    "#);
}

#[tokio::test]
async fn api_key_needs_no_user() {
    let harness = Harness::new().await;
    assert_eq!(
        harness
            .app()
            .await
            .get("/api/integrations/providers")
            .await
            .status,
        200
    );
}
