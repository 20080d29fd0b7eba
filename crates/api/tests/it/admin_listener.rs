//! The admin listener: `GET /healthz` and `GET /readyz`.

use evergrant_api::admin_router;
use insta::assert_snapshot;

use crate::harness::Harness;

async fn admin() -> Harness {
    let mut harness = Harness::new().await;
    harness.router = admin_router(harness.service.clone());
    harness
}

#[tokio::test]
async fn healthy_process_is_live_and_ready() {
    let harness = admin().await;
    for path in ["/healthz", "/readyz"] {
        let response = harness.anonymous().get(path).await;
        assert_eq!(
            (response.status.as_u16(), response.body.as_str()),
            (200, r#"{"status":"ok"}"#),
            "{path}"
        );
    }
}

#[tokio::test]
async fn process_without_database_is_live_but_not_ready() {
    let harness = admin().await;
    harness.service.process().close().await;
    assert_eq!(harness.anonymous().get("/healthz").await.status, 200);
    let request = axum::http::Request::get("/readyz")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(harness.router.clone(), request)
        .await
        .unwrap();
    assert_eq!(response.status(), 503);
    let body = axum::body::to_bytes(response.into_body(), 4096)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["status"], &body["database"], &body["pendingWrites"]),
        (&"degraded".into(), &"not answering".into(), &0.into())
    );
    assert!(
        body["reasons"][0]
            .as_str()
            .unwrap()
            .starts_with("the database does not answer")
    );
}

#[tokio::test]
async fn process_with_a_wrong_clock_is_ready_and_degraded() {
    let harness = admin().await;
    harness.machine.set_ahead(6);
    let response = harness.anonymous().get("/readyz").await;
    assert_eq!(response.status, 200);
    assert_snapshot!(response.body, @r#"{"database":"ok","pendingWrites":0,"reasons":["the clock of this machine is wrong; this process changes no status, deletes nothing that has expired and blocks no provider"],"status":"degraded"}"#);
    harness.machine.set_ahead(5);
    let response = harness.anonymous().get("/readyz").await;
    assert_eq!(response.body, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn health_routes_are_on_admin_listener_only() {
    let (public, admin) = (Harness::new().await, admin().await);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            public.anonymous().get(path).await.problem(),
            "404 NOT_FOUND",
            "{path}"
        );
    }
    let app = admin.app_for(1).await;
    assert_snapshot!(app.get("/api/integrations/status").await.problem_summary(), @"
    404 NOT_FOUND
    retryable: false
    detail: No such route. The OpenAPI document lists all routes.
    ");
}
