//! Whose account it is.

use evergrant_model::{ErrorCode, UserId};
use evergrant_service::ServiceError;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{EXCHANGE, JUNIPER, REFRESH, Stand};
use crate::outcomes::{call, failed, finish, params, pending, read};

on_both_databases!(
    item_22_an_account_of_another_user_stays_theirs,
    item_22_the_same_goes_for_a_bound_flow,
    another_account_than_the_one_to_be_reconnected_is_refused,
    a_refused_persons_grant_is_given_up_unless_it_carries_another_connection,
    item_21_a_foreign_account_answers_as_an_unknown_one,
    a_user_who_does_not_exist_is_said_so,
);

async fn item_22_an_account_of_another_user_stays_theirs(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (ann, account) = stand.user_with("acme").await;
    let bob = stand.user().await;
    let (held, row) = (
        stand.read(ann, "acme", &account).await,
        stand.database.contents().await,
    );
    let flow = stand.begin(bob, "acme").await;
    let outcome = stand
        .callback("acme", stand.consent(&flow, "juniper"))
        .await
        .unwrap();
    assert_eq!(failed(&outcome), ErrorCode::AccountAlreadyConnected);

    let after = stand.database.contents().await;
    for table in [
        "oauth_accounts",
        "evergrant_connections",
        "evergrant_revocations",
    ] {
        assert_eq!(
            after[table], row[table],
            "nothing of Bob's is stored in {table}"
        );
    }
    assert_eq!(
        stand.events().await,
        ["connected"],
        "and nobody hears of an account but Ann"
    );
    assert_eq!(
        stand.calls("acme", "revoke"),
        2,
        "Bob's fresh grant is given up"
    );
    assert!(stand.works(&held.clone().unwrap()).await, "and not Ann's");
    assert_eq!(stand.read(ann, "acme", &account).await, held);
    assert!(stand.refresh(ann, "acme", &account).await.is_ok());
    assert_eq!(
        stand.read(bob, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
}

async fn item_22_the_same_goes_for_a_bound_flow(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (ann, account) = stand.user_with("acme").await;
    let bob = stand.user().await;
    let flow = stand.begin_bound(bob, "acme").await;
    let (id, receipt) = pending(
        &stand
            .callback("acme", stand.consent(&flow, "juniper"))
            .await
            .unwrap(),
    );
    let refused = stand
        .service
        .authorizations()
        .finish(&call(), bob, &id, finish(&receipt))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccountAlreadyConnected);
    let state = stand
        .service
        .authorizations()
        .state(&call(), bob, &id)
        .await
        .unwrap();
    assert_eq!(state.code, Some(ErrorCode::AccountAlreadyConnected));
    assert_eq!(
        stand.calls("acme", "revoke"),
        2,
        "Bob's fresh grant is given up"
    );
    assert!(stand.refresh(ann, "acme", &account).await.is_ok());
    assert_eq!(stand.events().await, ["connected", "refreshed"]);
}

async fn another_account_than_the_one_to_be_reconnected_is_refused(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let held = stand.read(user, "acme", &account).await;
    let flow = stand.begin_again(user, "acme", &account).await;
    let somebody_else = format!("{}&misbehave=wrong-account", flow.auth_url);
    let back = params(
        &stand
            .sandbox
            .approve(&somebody_else, "juniper", None)
            .unwrap(),
    );
    assert_eq!(
        failed(&stand.callback("acme", back).await.unwrap()),
        ErrorCode::AccountMismatch
    );
    assert_eq!(
        stand.sandbox.revoke_user("acme", "kiln").unwrap(),
        0,
        "the fresh grant is given up"
    );
    assert_eq!(stand.read(user, "acme", &account).await, held);
    assert!(
        stand.refresh(user, "acme", &account).await.is_ok(),
        "the old connection still works"
    );
    assert_eq!(
        stand
            .service
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .len(),
        1
    );
}

/// What each operation answers `user` about `account`.
async fn answers(stand: &Stand, user: UserId, account: &str) -> Vec<String> {
    let service = &stand.service;
    let told = |error: ServiceError| format!("{error:?}");
    let again = evergrant_service::ConnectRequest {
        account: Some(account.to_owned()),
        ..Default::default()
    };
    vec![
        told(
            service
                .access_token(&call(), user, "acme", account, 0)
                .await
                .unwrap_err(),
        ),
        told(
            service
                .refresh_token(&call(), user, "acme", account)
                .await
                .unwrap_err(),
        ),
        told(
            service
                .disconnect_integration(&call(), user, "acme", account)
                .await
                .unwrap_err(),
        ),
        told(
            service
                .initiate_oauth_flow(&call(), "acme", user, again)
                .await
                .unwrap_err(),
        ),
    ]
}

/// Instagram's revocation ends every grant of a person, so a refused one is given up only where it
/// carries nothing.
async fn a_refused_persons_grant_is_given_up_unless_it_carries_another_connection(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, juniper) = stand.user_with("instagram").await;
    let refuse_saffron = async || {
        let flow = stand.begin_again(user, "instagram", &juniper).await;
        let outcome = stand
            .callback("instagram", stand.consent(&flow, "saffron"))
            .await
            .unwrap();
        assert_eq!(failed(&outcome), ErrorCode::AccountMismatch);
        stand.calls("instagram", "revoke")
    };
    assert_eq!(refuse_saffron().await, 1, "nothing else here is Saffron's");
    stand.connect(user, "instagram", "saffron").await;
    assert_eq!(
        refuse_saffron().await,
        1,
        "Saffron's connection lives on this grant"
    );
}

async fn item_21_a_foreign_account_answers_as_an_unknown_one(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (ann, _) = stand.user_with("acme").await;
    let bob = stand.user().await;
    let held = stand.read(ann, "acme", JUNIPER).await;
    let foreign = answers(&stand, bob, JUNIPER).await;
    assert_eq!(foreign, answers(&stand, bob, "nobody").await);
    assert_eq!(foreign, answers(&stand, bob, &"x".repeat(300)).await);
    assert!(
        foreign.iter().all(|told| told.contains("AccountNotFound")),
        "{foreign:?}"
    );
    assert!(
        stand
            .service
            .connected_integrations(&call(), bob)
            .await
            .unwrap()
            .integrations
            .is_empty()
    );
    assert_eq!(
        stand.read(ann, "acme", JUNIPER).await,
        held,
        "nothing has happened to Ann's"
    );
    assert_eq!(
        stand.calls("acme", REFRESH) + stand.calls("acme", "revoke"),
        0
    );
}

async fn a_user_who_does_not_exist_is_said_so(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let nobody = UserId::try_from(i64::from(user.get()) + 1).unwrap();
    assert_eq!(
        read(&stand.service, nobody, "acme", &account).await,
        Err(ErrorCode::UserNotFound)
    );
    let listed = stand
        .service
        .connected_integrations(&call(), nobody)
        .await
        .unwrap_err();
    assert_eq!(listed.code(), ErrorCode::UserNotFound);
    assert_eq!(stand.calls("acme", EXCHANGE), 1);
}
