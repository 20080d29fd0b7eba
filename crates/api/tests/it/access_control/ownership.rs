//! Accounts and flows of another user are indistinguishable from unknown ones.

use serde_json::json;

use crate::access_control::routes::{ROUTES, send};
use crate::harness::{Harness, JUNIPER};

/// Returns the stored connections and flows, and the number of requests that Reddit has received.
async fn effects(harness: &Harness) -> (Vec<String>, Vec<String>, u64) {
    let mut stored = harness.stored().await;
    let [accounts, flows] =
        ["oauth_accounts", "evergrant_flows"].map(|table| stored.remove(table).unwrap());
    (accounts, flows, harness.provider_calls())
}

#[tokio::test]
async fn account_of_another_user_looks_like_unknown_account() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let before = effects(&harness).await;
    let (app, browser) = (harness.app_for(2).await, harness.browser(2).await);
    for route in ROUTES
        .iter()
        .filter(|route| route.path.contains("{accountId}"))
    {
        let unknown = route.concrete().replace(JUNIPER, "unknown");
        let mut responses = vec![(
            send(&app, route, &route.concrete()).await,
            send(&app, route, &unknown).await,
        )];
        if route.browser {
            responses.push((
                send(&browser, route, &route.concrete()).await,
                send(&browser, route, &unknown).await,
            ));
        }
        for (other_user, unknown) in responses {
            assert_eq!(
                other_user.problem(),
                "404 ACCOUNT_NOT_FOUND",
                "{}",
                route.path
            );
            assert_eq!(
                other_user.without_request_id(),
                unknown.without_request_id(),
                "{}",
                route.path
            );
        }
    }
    assert_eq!(effects(&harness).await, before);
}

#[tokio::test]
async fn account_of_another_user_in_body_is_unknown() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let before = effects(&harness).await;
    let app = harness.app_for(2).await;
    let batch = app
        .post(
            "/api/integrations/tokens",
            json!({"accounts": [{"provider": "reddit", "accountId": JUNIPER}]}),
        )
        .await;
    assert_eq!(
        batch.json()["tokens"][0]["error"]["code"],
        "ACCOUNT_NOT_FOUND"
    );
    let report = json!({"provider": "reddit", "accountId": JUNIPER, "accessToken": "t"});
    let report = app.post("/api/integrations/report-401", report).await;
    assert_eq!(report.problem(), "404 ACCOUNT_NOT_FOUND");
    let reconnect = app
        .post(
            "/api/integrations/connect/reddit",
            json!({"accountId": JUNIPER}),
        )
        .await;
    assert_eq!(reconnect.problem(), "404 ACCOUNT_NOT_FOUND");
    assert_eq!(effects(&harness).await, before);
}

#[tokio::test]
async fn flow_of_another_user_looks_like_unknown_flow() {
    let harness = Harness::new().await;
    let flow = harness
        .start_flow(1, "reddit", json!({}))
        .await
        .text("flowId");
    let (app, browser) = (harness.app_for(2).await, harness.browser(2).await);
    for route in ROUTES
        .iter()
        .filter(|route| route.path.contains("{flowId}"))
    {
        let path = route.path.replace("{flowId}", &flow);
        for (other_user, unknown) in [
            (
                send(&app, route, &path).await,
                send(&app, route, &route.concrete()).await,
            ),
            (
                send(&browser, route, &path).await,
                send(&browser, route, &route.concrete()).await,
            ),
        ] {
            assert_eq!(other_user.problem(), "404 FLOW_NOT_FOUND", "{}", route.path);
            assert_eq!(
                other_user.without_request_id(),
                unknown.without_request_id(),
                "{}",
                route.path
            );
        }
    }
}
