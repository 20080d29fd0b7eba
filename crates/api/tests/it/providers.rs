//! `GET /api/integrations/providers`

use insta::assert_snapshot;
use serde_json::Value;

use crate::stand::Stand;

async fn provider(stand: &Stand, slug: &str) -> Value {
    let all = providers(stand).await;
    all.as_array()
        .unwrap()
        .iter()
        .find(|one| one["provider"] == slug)
        .unwrap()
        .clone()
}

async fn providers(stand: &Stand) -> Value {
    stand
        .browser(1)
        .await
        .get("/api/integrations/providers")
        .await
        .json()["providers"]
        .clone()
}

#[tokio::test]
async fn says_of_each_what_it_is_and_what_it_will_ask_for() {
    let stand = Stand::new().await;
    assert_snapshot!(format!("{:#}", provider(&stand, "reddit").await), @r#"
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
          "label": "Read as you do",
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
async fn says_whose_sign_in_it_is_where_that_is_not_its_own() {
    let stand = Stand::new().await;
    let sign_in = async |slug| provider(&stand, slug).await["signInWith"].clone();
    assert_eq!(
        [sign_in("instagram").await, sign_in("instagram-login").await],
        ["Facebook".into(), Value::Null]
    );
}

#[tokio::test]
async fn says_what_is_filled_in_where_a_session_is_pasted() {
    let stand = Stand::new().await;
    let onlyfans = provider(&stand, "onlyfans").await;
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
    assert!(provider(&stand, "reddit").await.get("fields").is_none());
}

#[tokio::test]
async fn lists_the_operators_own_after_the_catalogue_whether_set_up_or_not() {
    let stand = Stand::new().await;
    let providers = providers(&stand).await;
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
async fn an_api_key_need_name_nobody() {
    let stand = Stand::new().await;
    assert_eq!(
        stand
            .app()
            .await
            .get("/api/integrations/providers")
            .await
            .status,
        200
    );
}
