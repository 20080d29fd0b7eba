//! `POST /api/integrations/flows/{flowId}/credentials`: a session from the app's own dialog.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::platforms::{OWNER, SESS, USER_AGENT, X_BC};
use crate::stand::{CHALLENGE, Stand};

/// A flow that the browser of user 1 began, as the path to which its dialog posts.
async fn dialog(stand: &Stand, provider: &str) -> String {
    let path = format!("/api/integrations/connect/{provider}");
    let begun = stand
        .browser(1)
        .await
        .post(&path, json!({"challenge": CHALLENGE}))
        .await;
    format!(
        "/api/integrations/flows/{}/credentials",
        begun.text("flowId")
    )
}

fn values() -> Value {
    json!({"sess": SESS, "auth_id": OWNER, "user_agent": USER_AGENT, "x_bc": X_BC})
}

async fn send(stand: &Stand, path: &str, values: &Value) -> Answer {
    stand
        .browser(1)
        .await
        .post(path, json!({"values": values}))
        .await
}

#[tokio::test]
async fn connects_for_the_browser_that_began_it() {
    let stand = Stand::new().await;
    let path = dialog(&stand, "onlyfans").await;
    let made = send(&stand, &path, &values()).await;
    let listed = stand.browser(1).await.get("/api/integrations/status").await;
    assert_eq!(
        made.json(),
        json!({"integrations": listed.json()["integrations"]}),
        "{made}"
    );
    assert_eq!(made.json()["integrations"][0]["providerAccountId"], OWNER);
    assert!(!made.whole().contains(SESS) && !made.whole().contains(X_BC));
    let state = stand
        .browser(1)
        .await
        .get(path.trim_end_matches("/credentials"))
        .await;
    assert_eq!(
        state.json(),
        json!({"status": "connected", "accountId": OWNER})
    );
}

#[tokio::test]
async fn names_what_is_to_be_mended_as_the_body_has_it_and_stays_open() {
    let stand = Stand::new().await;
    let path = dialog(&stand, "onlyfans").await;
    assert_snapshot!(send(&stand, &path, &json!({"sess": SESS, "auth_id": "me", "user_agent": USER_AGENT})).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "values.auth_id",
          "message": "auth_id must be a number."
        },
        {
          "field": "values.x_bc",
          "message": "Please fill in x-bc."
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
    assert_eq!(send(&stand, &path, &values()).await.status, 200);
    assert_eq!(
        send(&stand, &path, &values()).await.refusal(),
        (400, "INVALID_STATE".to_owned()),
        "once"
    );
}

#[tokio::test]
async fn the_platforms_trouble_is_passed_on_and_the_flow_stays_open() {
    let stand = Stand::new().await;
    let path = dialog(&stand, "onlyfans").await;
    for (answered, refusal) in [
        (503, (503, "PROVIDER_UNAVAILABLE")),
        (429, (429, "RATE_LIMIT_ERROR")),
    ] {
        stand.platforms.profile_answers(answered);
        assert_eq!(
            send(&stand, &path, &values()).await.refusal(),
            (refusal.0, refusal.1.to_owned())
        );
    }
    stand.platforms.profile_answers(200);
    assert_eq!(send(&stand, &path, &values()).await.status, 200);
}

#[tokio::test]
async fn a_flow_that_is_over_takes_nothing() {
    let stand = Stand::new().await;
    let path = dialog(&stand, "onlyfans").await;
    stand.clock.advance_seconds(600);
    assert_eq!(
        send(&stand, &path, &values()).await.refusal(),
        (400, "INVALID_STATE".to_owned())
    );
}

#[tokio::test]
async fn an_account_of_another_user_stays_theirs() {
    let stand = Stand::new().await;
    assert_eq!(
        send(&stand, &dialog(&stand, "onlyfans").await, &values())
            .await
            .status,
        200
    );
    let begun = stand.begin(2, "onlyfans", json!({})).await;
    let path = format!(
        "/api/integrations/flows/{}/credentials",
        begun.text("flowId")
    );
    let answer = stand
        .app_for(2)
        .await
        .post(&path, json!({"values": values()}))
        .await;
    assert_eq!(
        answer.refusal(),
        (409, "ACCOUNT_ALREADY_CONNECTED".to_owned())
    );
}

#[tokio::test]
async fn a_platform_with_a_consent_page_takes_no_pasted_credentials() {
    let stand = Stand::new().await;
    let answer = send(
        &stand,
        &dialog(&stand, "reddit").await,
        &json!({"cookie": "hush"}),
    )
    .await;
    assert_snapshot!(answer, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "values",
          "message": "this platform is connected on its own consent page: send the user to authUrl"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
}
