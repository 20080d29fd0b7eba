//! Item 10: the `iss` parameter of a callback must name the provider of the flow (RFC 9207).

use evergrant_model::ErrorCode;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{EXCHANGE, TestEnv, connected, failed, params};

on_both_databases!(
    item_10_wrong_or_missing_issuer_is_rejected_before_exchange,
    item_10_expected_issuer_is_accepted,
    item_10_denial_may_omit_issuer_but_not_name_another,
);

async fn item_10_wrong_or_missing_issuer_is_rejected_before_exchange(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let expected = format!("{}/acme", env.sandbox_url);
    let wrong = [
        String::new(),
        "https://evil.example".into(),
        format!("{expected}/"),
        expected.to_uppercase(),
    ];
    for issuer in wrong.into_iter().map(Some).chain([None]) {
        let flow = env.start_flow(user, "acme").await;
        let mut redirect = env.consent(&flow, "juniper");
        redirect.issuer = issuer;
        assert_eq!(
            failed(&env.callback("acme", redirect).await.unwrap()),
            ErrorCode::OauthCallbackError
        );
    }
    assert_eq!(env.calls("acme", EXCHANGE), 0);
}

async fn item_10_expected_issuer_is_accepted(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    assert_eq!(redirect.issuer, Some(format!("{}/acme", env.sandbox_url)));
    connected(&env.callback("acme", redirect).await.unwrap());
}

async fn item_10_denial_may_omit_issuer_but_not_name_another(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let missing = (None, ErrorCode::OauthDenied);
    let another = (
        Some("https://evil.example".to_owned()),
        ErrorCode::OauthCallbackError,
    );
    for (issuer, code) in [missing, another] {
        let flow = env.start_flow(user, "acme").await;
        let mut redirect = params(&env.sandbox.deny(&flow.auth_url).unwrap());
        redirect.issuer = issuer;
        assert_eq!(failed(&env.callback("acme", redirect).await.unwrap()), code);
    }
}
