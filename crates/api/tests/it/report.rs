//! `POST /api/integrations/report-401`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::stand::{JUNIPER, Stand};

const REPORT: &str = "/api/integrations/report-401";

async fn connected() -> (Stand, String) {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let token = stand
        .app_for(1)
        .await
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    (stand, token.text("accessToken"))
}

fn refused(token: &str) -> Value {
    json!({"provider": "reddit", "accountId": JUNIPER, "accessToken": token})
}

async fn report(stand: &Stand, token: &str) -> Answer {
    stand.app_for(1).await.post(REPORT, refused(token)).await
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_however_many_report_it() {
    let (stand, token) = connected().await;
    assert_eq!(report(&stand, &token).await.text("outcome"), "tooYoung");
    stand.clock.advance_seconds(60);
    assert_snapshot!(report(&stand, &token).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "expiresAt": "2026-01-02T00:01:00.000Z",
      "outcome": "renewed"
    }
    "#);
    for _ in 0..10 {
        assert_eq!(report(&stand, &token).await.text("outcome"), "superseded");
    }
    assert_eq!(
        stand.sandbox.calls().get("reddit", "token.refresh_token"),
        1
    );
    assert_eq!(
        report(&stand, "a token of another world")
            .await
            .text("outcome"),
        "superseded"
    );
}

#[tokio::test]
async fn a_grant_that_has_ended_is_said_so() {
    let (stand, token) = connected().await;
    stand.clock.advance_seconds(60);
    stand.sandbox.revoke_user("reddit", "juniper").unwrap();
    for _ in 0..2 {
        assert_eq!(
            report(&stand, &token).await.refusal(),
            (409, "RECONNECT_REQUIRED".to_owned())
        );
    }
}

#[tokio::test]
async fn bad_input_is_told_apart_and_the_token_never_repeated() {
    let (stand, token) = connected().await;
    let app = stand.app_for(1).await;
    for (body, code) in [
        (json!({}), "VALIDATION_ERROR"),
        (
            json!({"provider": "reddit", "accountId": JUNIPER, "accessToken": 7}),
            "VALIDATION_ERROR",
        ),
        (
            json!({"provider": "nowhere", "accountId": JUNIPER, "accessToken": token}),
            "INVALID_PROVIDER",
        ),
        (
            json!({"provider": "reddit", "accountId": "nobody", "accessToken": token}),
            "ACCOUNT_NOT_FOUND",
        ),
    ] {
        let answer = app.post(REPORT, body).await;
        assert_eq!(answer.code(), code);
        assert!(!answer.whole().contains(&token), "{answer}");
    }
}
