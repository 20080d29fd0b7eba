//! The private listener: `/healthz` and `/readyz`.

use evergrant_api::admin_router;
use insta::assert_snapshot;

use crate::stand::Stand;

async fn admin() -> Stand {
    let mut stand = Stand::new().await;
    stand.router = admin_router(stand.service.clone());
    stand
}

#[tokio::test]
async fn lives_and_is_ready() {
    let stand = admin().await;
    for path in ["/healthz", "/readyz"] {
        let answer = stand.anonymous().get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, r#"{"status":"ok"}"#),
            "{path}"
        );
    }
}

#[tokio::test]
async fn lives_and_is_not_ready_without_a_database() {
    let stand = admin().await;
    stand.service.process().close().await;
    assert_eq!(stand.anonymous().get("/healthz").await.status, 200);
    let request = axum::http::Request::get("/readyz")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(stand.router.clone(), request)
        .await
        .unwrap();
    assert_eq!(response.status(), 503);
    let body = axum::body::to_bytes(response.into_body(), 4096)
        .await
        .unwrap();
    assert_eq!(
        body,
        r#"{"database":"not answering","status":"degraded","pendingWrites":0}"#
    );
}

#[tokio::test]
async fn the_public_listener_has_neither_and_the_private_one_nothing_else() {
    let (public, private) = (Stand::new().await, admin().await);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            public.anonymous().get(path).await.refusal(),
            (404, "NOT_FOUND".to_owned()),
            "{path}"
        );
    }
    let app = private.app_for(1).await;
    assert_snapshot!(app.get("/api/integrations/status").await, @r#"
    404 Not Found
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "NOT_FOUND",
      "correlationId": "[correlationId]",
      "detail": "There is no such route; /docs lists them.",
      "retryable": false,
      "status": 404,
      "title": "Not found",
      "type": "/errors#NOT_FOUND"
    }
    "#);
}
