//! Item 10: who answers must be who was asked (RFC 9207).

use evergrant_model::ErrorCode;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{EXCHANGE, Stand};
use crate::outcomes::{connected, failed, params};

on_both_databases!(
    item_10_another_issuer_or_none_is_refused_before_the_code_is_spent,
    item_10_the_right_issuer_passes,
    item_10_a_denial_need_not_name_its_issuer_but_must_not_name_another,
);

async fn item_10_another_issuer_or_none_is_refused_before_the_code_is_spent(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let right = format!("{}/acme", stand.platforms_at);
    let wrong = [
        String::new(),
        "https://evil.example".into(),
        format!("{right}/"),
        right.to_uppercase(),
    ];
    for issuer in wrong.into_iter().map(Some).chain([None]) {
        let flow = stand.begin(user, "acme").await;
        let mut back = stand.consent(&flow, "juniper");
        back.issuer = issuer;
        assert_eq!(
            failed(&stand.callback("acme", back).await.unwrap()),
            ErrorCode::OauthCallbackError
        );
    }
    assert_eq!(stand.calls("acme", EXCHANGE), 0);
}

async fn item_10_the_right_issuer_passes(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let back = stand.consent(&flow, "juniper");
    assert_eq!(back.issuer, Some(format!("{}/acme", stand.platforms_at)));
    connected(&stand.callback("acme", back).await.unwrap());
}

async fn item_10_a_denial_need_not_name_its_issuer_but_must_not_name_another(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let nobody = (None, ErrorCode::OauthDenied);
    let another = (
        Some("https://evil.example".to_owned()),
        ErrorCode::OauthCallbackError,
    );
    for (issuer, code) in [nobody, another] {
        let flow = stand.begin(user, "acme").await;
        let mut back = params(&stand.sandbox.deny(&flow.auth_url).unwrap());
        back.issuer = issuer;
        assert_eq!(failed(&stand.callback("acme", back).await.unwrap()), code);
    }
}
