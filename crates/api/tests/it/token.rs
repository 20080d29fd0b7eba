//! `GET /api/integrations/token/{provider}/{accountId}`

use insta::assert_snapshot;

use crate::harness::Harness;
use crate::response::TestResponse;

const TOKEN: &str = "/api/integrations/token/reddit/sim9z";
const DAY_SECONDS: i64 = 86_400;

async fn connected() -> Harness {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    harness
}

async fn token(harness: &Harness) -> TestResponse {
    harness.app_for(1).await.get(TOKEN).await
}

fn refreshes(harness: &Harness) -> u64 {
    harness.sandbox.calls().get("reddit", "token.refresh_token")
}

#[tokio::test]
async fn returns_valid_access_token() {
    let harness = connected().await;
    assert_snapshot!(token(&harness).await, @r#"
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
    assert_eq!(refreshes(&harness), 0);
}

#[tokio::test]
async fn expired_token_is_refreshed_first() {
    let harness = connected().await;
    let first = token(&harness).await.text("accessToken");
    harness.clock.advance_seconds(DAY_SECONDS);
    let second = token(&harness).await;
    assert_ne!(second.text("accessToken"), first);
    assert_eq!(
        (second.text("expiresAt").as_str(), refreshes(&harness)),
        ("2026-01-03T00:00:00.000Z", 1)
    );
}

#[tokio::test]
async fn longer_min_ttl_refreshes_earlier() {
    let harness = connected().await;
    let app = harness.app_for(1).await;
    harness.clock.advance_seconds(DAY_SECONDS - 7200);
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
    assert_eq!(refreshes(&harness), 1);
}

#[tokio::test]
async fn min_ttl_must_be_a_whole_number() {
    let harness = connected().await;
    let app = harness.app_for(1).await;
    for invalid in [
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
        let response = app.get(&format!("{TOKEN}?minTtlSeconds={invalid}")).await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{invalid}");
        assert_eq!(response.json()["fields"][0]["field"], "minTtlSeconds");
    }
    for valid in ["0", "60", "60.0", "315360000"] {
        assert_eq!(
            app.get(&format!("{TOKEN}?minTtlSeconds={valid}"))
                .await
                .status,
            200,
            "{valid}"
        );
    }
}

#[tokio::test]
async fn valid_token_is_returned_during_provider_outage() {
    let harness = connected().await;
    harness.clock.advance_seconds(DAY_SECONDS - 3600);
    harness.fail_next("token.refresh_token", 503, 100);
    let response = harness
        .app_for(1)
        .await
        .get(&format!("{TOKEN}?minTtlSeconds=7200"))
        .await;
    assert_eq!(
        (
            response.status.as_u16(),
            response.text("expiresAt").as_str()
        ),
        (200, "2026-01-02T00:00:00.000Z")
    );
}

#[tokio::test]
async fn expired_token_during_provider_outage_is_503() {
    let harness = connected().await;
    harness.clock.advance_seconds(DAY_SECONDS);
    harness.fail_next("token.refresh_token", 503, 100);
    assert_snapshot!(token(&harness).await.problem_summary(), @"
    503 PROVIDER_UNAVAILABLE
    retryable: true
    retry-after: 1
    detail: Reddit is temporarily unavailable. Please try again.
    ");
}

#[tokio::test]
async fn grant_revoked_by_user_is_409() {
    let harness = connected().await;
    harness.sandbox.revoke_user("reddit", "juniper").unwrap();
    harness.clock.advance_seconds(DAY_SECONDS);
    assert_snapshot!(token(&harness).await.problem_summary(), @"
    409 RECONNECT_REQUIRED
    retryable: false
    detail: Reddit no longer accepts this connection. Please reconnect the account.
    ");
}

#[tokio::test]
async fn expired_token_without_refresh_token_is_409() {
    let harness = connected().await;
    harness
        .database
        .execute("UPDATE oauth_accounts SET refresh_token = NULL")
        .await;
    harness.clock.advance_seconds(DAY_SECONDS);
    assert_snapshot!(token(&harness).await.problem_summary(), @"
    409 TOKEN_EXPIRED
    retryable: false
    detail: The Reddit access token has expired and cannot be refreshed. Please reconnect the account.
    ");
}

#[tokio::test]
async fn connection_without_token_is_409() {
    let harness = connected().await;
    harness
        .database
        .execute("UPDATE oauth_accounts SET access_token = NULL, refresh_token = NULL")
        .await;
    harness.clock.advance_seconds(60);
    assert_snapshot!(token(&harness).await.problem_summary(), @"
    409 NO_ACCESS_TOKEN
    retryable: false
    detail: This connection has no access token. Please reconnect the account.
    ");
}

#[tokio::test]
async fn undecryptable_token_is_500_without_detail() {
    let harness = connected().await;
    let other = "0".repeat(32);
    harness
        .database
        .execute(&format!(
            "UPDATE oauth_accounts SET access_token = '{other}:{other}:00'"
        ))
        .await;
    harness.clock.advance_seconds(60);
    assert_snapshot!(token(&harness).await.problem_summary(), @"
    500 DECRYPTION_ERROR
    retryable: false
    ");
}

#[tokio::test]
async fn rejected_query_is_500_without_internals() {
    let harness = connected().await;
    harness
        .database
        .execute("DROP TABLE evergrant_connections")
        .await;
    harness.clock.advance_seconds(60);
    assert_snapshot!(token(&harness).await.problem_summary(), @"
    500 INTERNAL_ERROR
    retryable: false
    ");
}

#[tokio::test]
async fn database_failure_is_503_without_internals() {
    let harness = connected().await;
    let app = harness.app_for(1).await;
    harness.service.process().close().await;
    harness.clock.advance_seconds(60);
    assert_snapshot!(app.get(TOKEN).await.problem_summary(), @"
    503 DATABASE_ERROR
    retryable: true
    retry-after: 1
    detail: The database is unavailable. Please try again in a moment.
    ");
}

#[tokio::test]
async fn unknown_provider_is_404() {
    let harness = Harness::new().await;
    let response = harness
        .app_for(1)
        .await
        .get("/api/integrations/token/nowhere/x")
        .await;
    assert_eq!(response.problem(), "404 INVALID_PROVIDER");
}
