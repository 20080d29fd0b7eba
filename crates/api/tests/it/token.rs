//! `GET /api/integrations/token/{provider}/{accountId}`

use insta::assert_snapshot;

use crate::answer::Answer;
use crate::stand::Stand;

const TOKEN: &str = "/api/integrations/token/reddit/sim9z";
const DAY_SECONDS: i64 = 86_400;

async fn connected() -> Stand {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    stand
}

async fn token(stand: &Stand) -> Answer {
    stand.app_for(1).await.get(TOKEN).await
}

fn refreshes(stand: &Stand) -> u64 {
    stand.sandbox.calls().get("reddit", "token.refresh_token")
}

#[tokio::test]
async fn answers_a_token_that_works() {
    let stand = connected().await;
    assert_snapshot!(token(&stand).await, @r#"
    200 OK
    content-type: application/json
    cache-control: private, no-store

    {
      "accessToken": "[accessToken]",
      "expiresAt": "2026-01-02T00:00:00.000Z",
      "scope": "history identity mysubreddits read",
      "tokenType": "bearer"
    }
    "#);
    assert_eq!(refreshes(&stand), 0);
}

#[tokio::test]
async fn renews_one_that_has_ended_first() {
    let stand = connected().await;
    let first = token(&stand).await.text("accessToken");
    stand.clock.advance_seconds(DAY_SECONDS);
    let second = token(&stand).await;
    assert_ne!(second.text("accessToken"), first);
    assert_eq!(
        (second.text("expiresAt").as_str(), refreshes(&stand)),
        ("2026-01-03T00:00:00.000Z", 1)
    );
}

#[tokio::test]
async fn a_wish_for_a_longer_life_renews_sooner() {
    let stand = connected().await;
    let app = stand.app_for(1).await;
    stand.clock.advance_seconds(DAY_SECONDS - 7200);
    assert_eq!(
        app.get(&format!("{TOKEN}?minTtlSeconds=3600"))
            .await
            .text("expiresAt"),
        "2026-01-02T00:00:00.000Z"
    );
    assert_eq!(
        app.get(&format!("{TOKEN}?minTtlSeconds=10800"))
            .await
            .text("expiresAt"),
        "2026-01-02T22:00:00.000Z"
    );
    assert_eq!(refreshes(&stand), 1);
}

#[tokio::test]
async fn a_wish_is_a_whole_number() {
    let stand = connected().await;
    let app = stand.app_for(1).await;
    for bad in [
        "-1",
        "1.5",
        "1e3",
        "",
        "ten",
        "+5",
        "%2B5",
        "99999999999999999999",
        "315360001",
        "1&minTtlSeconds=1",
    ] {
        let answer = app.get(&format!("{TOKEN}?minTtlSeconds={bad}")).await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "minTtlSeconds");
    }
    for good in ["0", "60", "315360000"] {
        assert_eq!(
            app.get(&format!("{TOKEN}?minTtlSeconds={good}"))
                .await
                .status,
            200,
            "{good}"
        );
    }
}

#[tokio::test]
async fn while_it_works_no_outage_keeps_it_back() {
    let stand = connected().await;
    stand.clock.advance_seconds(DAY_SECONDS - 3600);
    stand.fails("token.refresh_token", 503, 100);
    let answer = stand
        .app_for(1)
        .await
        .get(&format!("{TOKEN}?minTtlSeconds=7200"))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.text("expiresAt").as_str()),
        (200, "2026-01-02T00:00:00.000Z")
    );
}

#[tokio::test]
async fn once_it_has_ended_an_outage_is_503() {
    let stand = connected().await;
    stand.clock.advance_seconds(DAY_SECONDS);
    stand.fails("token.refresh_token", 503, 100);
    assert_snapshot!(token(&stand).await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 20

    {
      "code": "PROVIDER_UNAVAILABLE",
      "correlationId": "[correlationId]",
      "detail": "Reddit is not available at the moment. Nothing is lost; please try again.",
      "retryAfterSeconds": 20,
      "retryable": true,
      "status": 503,
      "title": "Provider unavailable",
      "type": "/errors#PROVIDER_UNAVAILABLE"
    }
    "#);
}

#[tokio::test]
async fn a_grant_that_the_user_withdrew_is_409() {
    let stand = connected().await;
    stand.sandbox.revoke_user("reddit", "juniper").unwrap();
    stand.clock.advance_seconds(DAY_SECONDS);
    assert_snapshot!(token(&stand).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "RECONNECT_REQUIRED",
      "correlationId": "[correlationId]",
      "detail": "Reddit no longer accepts this connection. Please connect the account again.",
      "retryable": false,
      "status": 409,
      "title": "Reconnect required",
      "type": "/errors#RECONNECT_REQUIRED"
    }
    "#);
}

#[tokio::test]
async fn a_token_that_nothing_can_renew_is_409_once_it_has_ended() {
    let stand = connected().await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET refresh_token = NULL")
        .await;
    stand.clock.advance_seconds(DAY_SECONDS);
    assert_snapshot!(token(&stand).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "TOKEN_EXPIRED",
      "correlationId": "[correlationId]",
      "detail": "The token has ended and Reddit gives nothing to renew it with.",
      "retryable": false,
      "status": 409,
      "title": "Token expired",
      "type": "/errors#TOKEN_EXPIRED"
    }
    "#);
}

#[tokio::test]
async fn a_connection_without_any_token_is_409() {
    let stand = connected().await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET access_token = NULL, refresh_token = NULL")
        .await;
    stand.clock.advance_seconds(60);
    assert_snapshot!(token(&stand).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "NO_ACCESS_TOKEN",
      "correlationId": "[correlationId]",
      "detail": "This connection holds no access token.",
      "retryable": false,
      "status": 409,
      "title": "No access token",
      "type": "/errors#NO_ACCESS_TOKEN"
    }
    "#);
}

#[tokio::test]
async fn a_token_that_opens_under_no_key_is_500_and_says_nothing() {
    let stand = connected().await;
    let other = "0".repeat(32);
    stand
        .database
        .execute(&format!(
            "UPDATE oauth_accounts SET access_token = '{other}:{other}:00'"
        ))
        .await;
    stand.clock.advance_seconds(60);
    assert_snapshot!(token(&stand).await, @r#"
    500 Internal Server Error
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "DECRYPTION_ERROR",
      "correlationId": "[correlationId]",
      "retryable": false,
      "status": 500,
      "title": "Decryption error",
      "type": "/errors#DECRYPTION_ERROR"
    }
    "#);
}

#[tokio::test]
async fn a_database_that_fails_is_503_and_says_nothing_of_itself() {
    let stand = connected().await;
    stand
        .database
        .execute("DROP TABLE evergrant_connections")
        .await;
    stand.clock.advance_seconds(60);
    assert_snapshot!(token(&stand).await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 1

    {
      "code": "DATABASE_ERROR",
      "correlationId": "[correlationId]",
      "detail": "The database is not answering. Nothing is lost; please try again.",
      "retryAfterSeconds": 1,
      "retryable": true,
      "status": 503,
      "title": "Database error",
      "type": "/errors#DATABASE_ERROR"
    }
    "#);
}

#[tokio::test]
async fn names_an_unknown_platform() {
    let stand = Stand::new().await;
    let answer = stand
        .app_for(1)
        .await
        .get("/api/integrations/token/nowhere/x")
        .await;
    assert_eq!(answer.refusal(), (404, "INVALID_PROVIDER".to_owned()));
}
