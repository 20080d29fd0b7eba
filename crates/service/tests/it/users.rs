//! Users of the host application: creation, lookup and deletion.

use evergrant_model::{ErrorCode, ExternalId, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{NewUser, UserRef};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{JUNIPER, TestEnv, call, pending, run_housekeeping};

on_both_databases!(
    item_24_user_deletion_revokes_every_grant,
    item_24_user_deletion_does_not_wait_for_provider,
    creating_an_existing_user_changes_nothing,
    external_id_resolves_to_its_user,
);

async fn item_24_user_deletion_revokes_every_grant(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, other) = (env.user().await, env.user().await);
    env.connect(user, "acme", "juniper").await;
    env.connect(user, "reddit", "juniper").await;
    let flow = env.start_bound_flow(user, "acme").await;
    let outcome = env.callback("acme", env.consent(&flow, "kiln")).await;
    pending(&outcome.unwrap());
    let other_account = env.connect(other, "acme", "wren").await;

    env.service.users().delete(&call(), user).await.unwrap();
    assert_eq!(
        env.read(user, "acme", JUNIPER).await,
        Err(ErrorCode::UserNotFound),
        "the user is unknown at once"
    );
    env.service.process().drain().await;
    for (provider, person) in [("acme", "juniper"), ("reddit", "juniper"), ("acme", "kiln")] {
        assert_eq!(
            env.sandbox.revoke_user(provider, person).unwrap(),
            0,
            "no grant of {person} is left at {provider}"
        );
    }
    assert!(
        env.refresh(other, "acme", &other_account).await.is_ok(),
        "other users are unaffected"
    );
    let contents = env.database.contents().await;
    assert_eq!(
        (contents["users"].len(), contents["oauth_accounts"].len()),
        (1, 1)
    );
    assert!(contents["evergrant_revocations"].is_empty());
    let deleted_again = env.service.users().delete(&call(), user).await;
    assert_eq!(deleted_again.unwrap_err().code(), ErrorCode::UserNotFound);
}

async fn item_24_user_deletion_does_not_wait_for_provider(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, _) = env.connected_user("acme").await;
    env.force(Fault::new("acme", "revoke", FaultKind::Respond).status(500));
    env.service.users().delete(&call(), user).await.unwrap();
    env.service.process().drain().await;
    assert_eq!(env.calls("acme", "revoke"), 1);
    env.advance_seconds(60);
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(
        env.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "the queue revoked the grant"
    );
}

async fn creating_an_existing_user_changes_nothing(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let ann = NewUser {
        email: Some("ann@example.com".into()),
        name: Some("Ann".into()),
        ..NewUser::default()
    };
    let (first, is_new) = env.service.users().create(&call(), &ann).await.unwrap();
    assert!(is_new);
    let renamed = NewUser {
        id: Some(first.id),
        name: Some("Anna".into()),
        ..NewUser::default()
    };
    assert_eq!(
        env.service.users().create(&call(), &renamed).await.unwrap(),
        (first.clone(), false),
        "unchanged"
    );
    let other = env.user().await;
    let taken = NewUser {
        id: UserId::try_from(i64::from(other.get()) + 1).ok(),
        ..ann
    };
    let error = env
        .service
        .users()
        .create(&call(), &taken)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UserConflict);
    assert!(error.detail().contains("e-mail"), "{}", error.detail());
}

async fn external_id_resolves_to_its_user(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let external = ExternalId::new("7b1c-é/42").unwrap();
    let named = UserRef::External(external.clone());
    let unknown = env.service.users().resolve(&named).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::UserNotFound);
    let new = NewUser {
        external_id: Some(external),
        ..NewUser::default()
    };
    let (user, _) = env.service.users().create(&call(), &new).await.unwrap();
    for _ in 0..2 {
        assert_eq!(env.service.users().resolve(&named).await.unwrap(), user.id);
    }
    assert_eq!(
        env.service.users().get(&call(), &named).await.unwrap(),
        user
    );
    env.service.users().delete(&call(), user.id).await.unwrap();
    env.advance_seconds(1);
    assert_eq!(
        env.service
            .users()
            .resolve(&named)
            .await
            .unwrap_err()
            .code(),
        ErrorCode::UserNotFound
    );
}
