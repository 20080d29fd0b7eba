//! Requests without a credential or with an invalid one.

use insta::assert_snapshot;
use secrecy::ExposeSecret;

use crate::access_control::routes::{ROUTES, send};
use crate::harness::{Harness, call};

#[tokio::test]
async fn missing_credential_gets_same_401_on_every_route() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let before = harness.stored().await;
    for route in &ROUTES {
        let response = send(&harness.anonymous(), route, &route.concrete()).await;
        insta::allow_duplicates! {
            assert_snapshot!(response, @r#"
            401 Unauthorized
            content-type: application/problem+json
            cache-control: no-store
            www-authenticate: Bearer

            {
              "code": "UNAUTHENTICATED",
              "correlationId": "[correlationId]",
              "detail": "Send a valid API key or session token.",
              "retryable": false,
              "status": 401,
              "title": "Unauthenticated",
              "type": "/errors#UNAUTHENTICATED"
            }
            "#);
        }
    }
    assert_eq!(harness.stored().await, before);
}

#[tokio::test]
async fn invalid_credential_gets_same_response_as_none() {
    let harness = Harness::new().await;
    let without_credential = harness
        .anonymous()
        .get("/api/integrations/status")
        .await
        .without_request_id();
    for credentials in invalid_credentials(&harness).await {
        for route in &ROUTES {
            let mut request = harness
                .anonymous()
                .request(route.method(), &route.concrete())
                .header("evergrant-user", "1");
            for credential in &credentials {
                request = request.header("authorization", credential);
            }
            let request = if route.body.is_empty() {
                request
            } else {
                request.json(route.body)
            };
            assert_eq!(
                request.send().await.without_request_id(),
                without_credential,
                "{credentials:?} on {}",
                route.path
            );
        }
    }
}

/// `Authorization` headers without a well-formed credential.
const MALFORMED_CREDENTIALS: [&str; 8] = [
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer evg_",
    "Bearer evs_",
    "Basic dXNlcjpwYXNz",
    "Bearer null",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
];

/// Creates an API key, revokes it and returns its secret.
async fn revoked_key(harness: &Harness) -> String {
    let api_keys = harness.service.api_keys();
    let key = api_keys.create(&call(), "revoked", &[]).await.unwrap();
    assert!(api_keys.revoke(&call(), &key.stored).await.unwrap());
    key.secret.expose_secret().to_owned()
}

/// Returns the `Authorization` headers of requests that must be rejected.
async fn invalid_credentials(harness: &Harness) -> Vec<Vec<String>> {
    let valid = harness.app().await.key().to_owned();
    let revoked = revoked_key(harness).await;
    let ended = harness.browser(1).await;
    assert_eq!(ended.delete("/api/sessions").await.status, 200);
    let expired = harness.browser(1).await;
    harness.clock.advance_seconds(901);
    let last = if valid.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{last}", &valid[..valid.len() - 1]);
    let mut all: Vec<_> = MALFORMED_CREDENTIALS
        .map(|text| vec![text.to_owned()])
        .to_vec();
    all.push(vec![valid.clone()]);
    all.push(vec![format!("Basic {valid}")]);
    all.push(vec![format!("Bearer {valid} {valid}")]);
    all.push(vec![format!("Bearer {}", valid.to_uppercase())]);
    for text in [&changed, &revoked, ended.session(), expired.session()] {
        all.push(vec![format!("Bearer {text}")]);
    }
    all.push(vec![format!("Bearer {valid}"), format!("Bearer {valid}")]);
    all
}
