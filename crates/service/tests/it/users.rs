use evergrant_model::{ErrorCode, ExternalId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{NewUser, UserRef};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{JUNIPER, Stand};
use crate::outcomes::{call, housekeep, pending};

on_both_databases!(
    item_24_deleting_a_user_gives_up_every_grant,
    item_24_deleting_a_user_does_not_wait_for_the_platform,
    a_user_is_made_once,
    an_external_id_names_its_user,
);

async fn item_24_deleting_a_user_gives_up_every_grant(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, other) = (stand.user().await, stand.user().await);
    stand.connect(user, "acme", "juniper").await;
    stand.connect(user, "reddit", "juniper").await;
    let flow = stand.begin_bound(user, "acme").await;
    pending(
        &stand
            .callback("acme", stand.consent(&flow, "kiln"))
            .await
            .unwrap(),
    );
    let theirs = stand.connect(other, "acme", "wren").await;

    stand.service.users().delete(&call(), user).await.unwrap();
    assert_eq!(
        stand.read(user, "acme", JUNIPER).await,
        Err(ErrorCode::UserNotFound),
        "from the very moment"
    );
    stand.service.process().drain().await;
    for (platform, person) in [("acme", "juniper"), ("reddit", "juniper"), ("acme", "kiln")] {
        assert_eq!(
            stand.sandbox.revoke_user(platform, person).unwrap(),
            0,
            "{person} at {platform}"
        );
    }
    assert!(
        stand.refresh(other, "acme", &theirs).await.is_ok(),
        "others are unharmed"
    );
    let contents = stand.database.contents().await;
    assert_eq!(
        (contents["users"].len(), contents["oauth_accounts"].len()),
        (1, 1)
    );
    assert!(contents["evergrant_revocations"].is_empty());
    let again = stand
        .service
        .users()
        .delete(&call(), user)
        .await
        .unwrap_err();
    assert_eq!(again.code(), ErrorCode::UserNotFound);
}

async fn item_24_deleting_a_user_does_not_wait_for_the_platform(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, _) = stand.user_with("acme").await;
    stand.force(Fault::new("acme", "revoke", FaultKind::Respond).status(500));
    stand.service.users().delete(&call(), user).await.unwrap();
    stand.service.process().drain().await;
    assert_eq!(stand.calls("acme", "revoke"), 1);
    stand.pass_seconds(60);
    housekeep(&stand.service).await.unwrap();
    assert_eq!(
        stand.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "the queue has seen to it"
    );
}

async fn a_user_is_made_once(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let ann = NewUser {
        email: Some("ann@example.com".into()),
        name: Some("Ann".into()),
        ..NewUser::default()
    };
    let (first, is_new) = stand.service.users().create(&call(), &ann).await.unwrap();
    assert!(is_new);
    let renamed = NewUser {
        id: Some(first.id),
        name: Some("Anna".into()),
        ..NewUser::default()
    };
    assert_eq!(
        stand
            .service
            .users()
            .create(&call(), &renamed)
            .await
            .unwrap(),
        (first.clone(), false),
        "unchanged"
    );
    let other = stand.user().await;
    let taken = NewUser {
        id: evergrant_model::UserId::try_from(i64::from(other.get()) + 1).ok(),
        ..ann
    };
    let refused = stand
        .service
        .users()
        .create(&call(), &taken)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ValidationError);
    assert_eq!(refused.field_faults()[0].field, "email");
}

async fn an_external_id_names_its_user(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let external = ExternalId::new("7b1c-é/42").unwrap();
    let named = UserRef::External(external.clone());
    let unknown = stand.service.users().resolve(&named).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::UserNotFound);
    let new = NewUser {
        external_id: Some(external),
        ..NewUser::default()
    };
    let (user, _) = stand.service.users().create(&call(), &new).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            stand.service.users().resolve(&named).await.unwrap(),
            user.id
        );
    }
    assert_eq!(
        stand.service.users().get(&call(), &named).await.unwrap(),
        user
    );
    stand
        .service
        .users()
        .delete(&call(), user.id)
        .await
        .unwrap();
    stand.pass_seconds(1);
    assert_eq!(
        stand
            .service
            .users()
            .resolve(&named)
            .await
            .unwrap_err()
            .code(),
        ErrorCode::UserNotFound
    );
}
