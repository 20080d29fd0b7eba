//! Bound flows: whoever began one and whoever consented must be the same browser.

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{ErrorCode, FlowId, UserId};
use evergrant_service::{FinishRequest, FlowStatus};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{EXCHANGE, JUNIPER, Stand};
use crate::outcomes::{VERIFIER, again, call, connected, finish, housekeep, pending};

on_both_databases!(
    a_bound_flow_is_finished_by_verifier_and_receipt,
    item_5_neither_half_finishes_without_the_other,
    a_flow_is_finished_once,
    what_nobody_finishes_is_given_up_and_erased,
    the_receipt_cannot_be_made_from_what_is_stored,
    a_repeated_callback_brings_the_same_receipt,
    a_flow_that_is_not_bound_cannot_be_finished,
    accounts_that_the_consent_does_not_reach_cannot_be_chosen,
    what_is_finished_is_told_apart_by_platform,
);

/// A consented flow that waits to be finished: its id and receipt.
async fn consented(stand: &Stand, user: UserId) -> (String, String) {
    let flow = stand.begin_bound(user, "acme").await;
    pending(
        &stand
            .callback("acme", stand.consent(&flow, "juniper"))
            .await
            .unwrap(),
    )
}

async fn a_bound_flow_is_finished_by_verifier_and_receipt(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin_bound(user, "acme").await;
    let status = async || {
        stand
            .service
            .authorizations()
            .state(&call(), user, flow.flow_id.as_str())
            .await
            .unwrap()
            .status
    };
    assert_eq!(status().await, FlowStatus::Waiting);
    let (id, receipt) = pending(
        &stand
            .callback("acme", stand.consent(&flow, "juniper"))
            .await
            .unwrap(),
    );
    assert_eq!(status().await, FlowStatus::Pending);
    assert_eq!(
        stand.read(user, "acme", JUNIPER).await,
        Err(ErrorCode::AccountNotFound),
        "not before it is finished"
    );
    assert!(
        stand
            .service
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .is_empty()
    );

    let made = stand
        .service
        .authorizations()
        .finish(&call(), user, &id, finish(&receipt))
        .await
        .unwrap();
    assert_eq!(
        made.iter()
            .map(|one| one.provider_account_id.as_str())
            .collect::<Vec<_>>(),
        [JUNIPER]
    );
    assert_eq!(status().await, FlowStatus::Connected);
    assert!(stand.read(user, "acme", JUNIPER).await.is_ok());
    assert_eq!(stand.calls("acme", EXCHANGE), 1);
}

async fn item_5_neither_half_finishes_without_the_other(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, other) = (stand.user().await, stand.user().await);
    let (id, receipt) = consented(&stand, user).await;
    let wrong = [
        ("", ""),
        (VERIFIER, ""),
        ("", receipt.as_str()),
        ("another", &receipt),
        (VERIFIER, "another"),
    ];
    for (verifier, receipt) in wrong {
        let request = FinishRequest {
            verifier: Some(verifier.into()),
            receipt: receipt.into(),
            accounts: None,
        };
        let refused = stand
            .service
            .authorizations()
            .finish(&call(), user, &id, request)
            .await
            .unwrap_err();
        assert_eq!(
            refused.code(),
            ErrorCode::InvalidState,
            "{verifier:?} {receipt:?}"
        );
    }
    let foreign = stand
        .service
        .authorizations()
        .finish(&call(), other, &id, finish(&receipt))
        .await
        .unwrap_err();
    let unknown = stand
        .service
        .authorizations()
        .finish(&call(), other, "0123456789ab", finish(&receipt))
        .await
        .unwrap_err();
    assert_eq!(
        (foreign.code(), foreign.detail()),
        (ErrorCode::FlowNotFound, unknown.detail())
    );
    assert_eq!(
        stand
            .service
            .authorizations()
            .state(&call(), other, &id)
            .await
            .unwrap_err()
            .detail(),
        unknown.detail()
    );
    assert!(stand.events().await.is_empty(), "nothing was connected");
    stand
        .service
        .authorizations()
        .finish(&call(), user, &id, finish(&receipt))
        .await
        .unwrap();
}

async fn a_flow_is_finished_once(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let (id, receipt) = consented(&stand, user).await;
    let call = call();
    let attempt = || {
        stand
            .service
            .authorizations()
            .finish(&call, user, &id, finish(&receipt))
    };
    let (one, two) = tokio::join!(attempt(), attempt());
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    assert_eq!(attempt().await.unwrap_err().code(), ErrorCode::InvalidState);
    assert_eq!(stand.events().await, ["connected"]);
    assert!(
        stand.read(user, "acme", JUNIPER).await.is_ok(),
        "the second attempt has given nothing up"
    );
}

async fn what_nobody_finishes_is_given_up_and_erased(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let (id, receipt) = consented(&stand, user).await;
    stand.pass_seconds(599);
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.calls("acme", "revoke"), 0);
    stand.pass_seconds(1);
    let late = stand
        .service
        .authorizations()
        .finish(&call(), user, &id, finish(&receipt))
        .await
        .unwrap_err();
    assert_eq!(late.code(), ErrorCode::InvalidState);
    assert_eq!(
        stand
            .service
            .authorizations()
            .state(&call(), user, &id)
            .await
            .unwrap()
            .status,
        FlowStatus::Error
    );
    housekeep(&stand.service).await.unwrap();
    assert_eq!(
        stand.calls("acme", "revoke"),
        2,
        "the refresh token and the access token"
    );
    assert_eq!(
        stand.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the platform"
    );
    let flow = stand
        .store
        .flows()
        .owned(&FlowId::new(id).unwrap(), user)
        .await
        .unwrap()
        .unwrap();
    assert!(flow.grant.is_none(), "the tokens are erased");
    assert!(stand.database.contents().await["evergrant_revocations"].is_empty());
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.calls("acme", "revoke"), 2, "given up once");
}

/// Whoever reads the database finds the salt and the hashes of state, code and receipt, and must
/// not get a receipt out of them.
async fn the_receipt_cannot_be_made_from_what_is_stored(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin_bound(user, "acme").await;
    let back = stand.consent(&flow, "juniper");
    let (id, receipt) = pending(&stand.callback("acme", again(&back)).await.unwrap());
    assert_eq!(receipt.len(), 22, "128 bits as base64url");
    let stored = stand
        .store
        .flows()
        .owned(&FlowId::new(id).unwrap(), user)
        .await
        .unwrap()
        .unwrap();
    let [state, code] = [back.state.expose(), back.code.as_ref().unwrap().expose()]
        .map(|text| sha256(text).to_vec());
    assert_eq!(stored.code_hash, Some(code.clone()));
    let parts = [
        stored.receipt_salt,
        state,
        code,
        stored.receipt_hash.unwrap(),
        back.state.expose().into(),
        Vec::new(),
    ];
    for (one, two, three) in three_of(&parts) {
        let made = sha256([one, two, three].concat());
        assert_ne!(base64url(&made[..16]), receipt);
    }
}

/// Every three of the parts, in every order.
fn three_of(parts: &[Vec<u8>]) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
    let pairs = parts
        .iter()
        .flat_map(move |one| parts.iter().map(move |two| (one, two)));
    pairs.flat_map(move |(one, two)| {
        parts
            .iter()
            .map(move |three| (&one[..], &two[..], &three[..]))
    })
}

async fn a_repeated_callback_brings_the_same_receipt(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin_bound(user, "acme").await;
    let back = stand.consent(&flow, "juniper");
    let (first, second) = tokio::join!(
        stand.callback("acme", again(&back)),
        stand.callback("acme", again(&back))
    );
    let (id, receipt) = pending(&first.unwrap());
    assert_eq!(pending(&second.unwrap()), (id.clone(), receipt.clone()));
    stand
        .service
        .authorizations()
        .finish(&call(), user, &id, finish(&receipt))
        .await
        .unwrap();
    assert_eq!(
        connected(&stand.callback("acme", back).await.unwrap()),
        JUNIPER
    );
    assert_eq!(stand.calls("acme", EXCHANGE), 1);
}

async fn a_flow_that_is_not_bound_cannot_be_finished(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    for consented in [false, true] {
        let flow = stand.begin(user, "acme").await;
        if consented {
            stand
                .callback("acme", stand.consent(&flow, "juniper"))
                .await
                .unwrap();
        }
        let refused = stand
            .service
            .authorizations()
            .finish(&call(), user, flow.flow_id.as_str(), finish(""))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidState);
    }
}

async fn accounts_that_the_consent_does_not_reach_cannot_be_chosen(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let (id, receipt) = consented(&stand, user).await;
    for accounts in [
        vec![],
        vec!["ac-1002".to_owned()],
        vec![JUNIPER.to_owned(), "ac-1002".to_owned()],
    ] {
        let request = FinishRequest {
            accounts: Some(accounts),
            ..finish(&receipt)
        };
        let refused = stand
            .service
            .authorizations()
            .finish(&call(), user, &id, request)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ValidationError);
    }
    let request = FinishRequest {
        accounts: Some(vec![JUNIPER.to_owned()]),
        ..finish(&receipt)
    };
    assert_eq!(
        stand
            .service
            .authorizations()
            .finish(&call(), user, &id, request)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Two platforms may give two accounts the same id.
async fn what_is_finished_is_told_apart_by_platform(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    stand.connect(user, "reddit", "juniper").await;
    stand
        .database
        .execute(&format!(
            "UPDATE oauth_accounts SET provider_account_id = '{JUNIPER}'"
        ))
        .await;
    let (id, receipt) = consented(&stand, user).await;
    let made = stand
        .service
        .authorizations()
        .finish(&call(), user, &id, finish(&receipt))
        .await
        .unwrap();
    assert_eq!(
        made.iter()
            .map(|one| one.provider.as_str())
            .collect::<Vec<_>>(),
        ["acme"]
    );
}
