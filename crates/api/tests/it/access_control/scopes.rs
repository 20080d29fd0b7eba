//! Scopes of API keys, and routes that reject session tokens.

use evergrant_service::KeyScope;
use insta::assert_snapshot;

use crate::access_control::routes::{ROUTES, send};
use crate::harness::Harness;

/// Returns every scope except `scope`.
fn all_but(scope: KeyScope) -> Vec<KeyScope> {
    KeyScope::ALL
        .iter()
        .copied()
        .filter(|other| *other != scope)
        .collect()
}

#[tokio::test]
async fn missing_scope_and_session_token_on_api_key_route_get_same_403() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let before = harness.stored().await;
    let browser = harness.browser(1).await;
    for route in &ROUTES {
        let app = harness.app_with(&all_but(route.scope)).await.for_user("1");
        let mut responses = vec![send(&app, route, &route.concrete()).await];
        if !route.browser {
            responses.push(send(&browser, route, &route.concrete()).await);
        }
        for response in responses {
            insta::allow_duplicates! {
                assert_snapshot!(response.problem_summary(), @"
                403 FORBIDDEN
                retryable: false
                detail: This credential does not allow this request.
                ");
            }
        }
    }
    let after = harness.stored().await;
    assert_eq!(after["oauth_accounts"], before["oauth_accounts"]);
    assert_eq!(after["evergrant_flows"], before["evergrant_flows"]);
    assert_eq!(after["users"], before["users"]);
}

#[tokio::test]
async fn required_scope_is_sufficient() {
    for route in &ROUTES {
        let harness = Harness::new().await;
        harness.connect(1, "juniper").await;
        let response = send(
            &harness.app_with(&[route.scope]).await.for_user("1"),
            route,
            &route.concrete(),
        )
        .await;
        assert!(
            ![401, 403].contains(&response.status.as_u16()),
            "{}: {response}",
            route.path
        );
        if route.browser {
            let response = send(&harness.browser(1).await, route, &route.concrete()).await;
            assert!(
                ![401, 403].contains(&response.status.as_u16()),
                "{}: {response}",
                route.path
            );
        }
    }
}

#[tokio::test]
async fn admin_scope_grants_no_api_route() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let admin = harness.app_with(&[KeyScope::Admin]).await.for_user("1");
    for route in &ROUTES {
        assert_eq!(
            send(&admin, route, &route.concrete()).await.problem(),
            "403 FORBIDDEN"
        );
    }
}
