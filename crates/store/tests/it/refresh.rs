//! Storing a renewed pair: over the generation it was bought with, in the columns of the
//! credentials, or not at all.

use evergrant_model::{ConnectionStatus, ProviderAccountId, ProviderSlug, StatusReason};
use evergrant_store::{RefreshedGrant, StoredTokens};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{
    Consent, RefreshedTokens, account, again, at, bearing, connect, failure, new_user, slug, text,
    trace, version,
};

on_both_databases!(
    a_renewed_pair_replaces_the_old_one,
    what_the_platform_left_out_is_kept,
    only_the_credentials_change,
    a_lost_swap_writes_and_announces_nothing,
    of_twenty_renewals_of_one_generation_one_is_stored,
    a_reconnect_outruns_a_renewal,
    a_renewal_of_a_connection_that_is_gone_is_not_stored,
    a_row_of_another_program_can_be_renewed,
    a_success_ends_the_trouble,
);

async fn a_renewed_pair_replaces_the_old_one(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let renewal = RefreshedTokens::new("second access", Some("second refresh"));
    let tokens = StoredTokens {
        grant_expires_at: Some(at(90_000)),
        token_type: Some("Bearer".to_owned()),
        scope: Some("identity read".to_owned()),
        ..renewal.tokens.clone()
    };
    let row = RefreshedGrant {
        tokens: &tokens,
        reason: Some(StatusReason::ScopeMissing),
        ..renewal.row()
    };
    assert!(
        store
            .refreshes()
            .store(&bearing(&held), &row)
            .await
            .unwrap()
            .is_some()
    );
    let new = again(&store, &held).await;
    assert_eq!(text(new.tokens.access.as_ref()), Some("second access"));
    assert_eq!(text(new.tokens.refresh.as_ref()), Some("second refresh"));
    assert_eq!(
        (new.tokens.expires_at, new.tokens.issued_at),
        (Some(at(7200)), Some(at(3600)))
    );
    assert_eq!(
        (new.last_refreshed_at, new.next_refresh_at),
        (Some(at(3600)), Some(at(6600)))
    );
    assert_eq!(
        (new.updated_at, new.tokens.grant_expires_at),
        (at(3600), Some(at(90_000)))
    );
    assert_eq!(
        (
            new.tokens.token_type.as_deref(),
            new.tokens.scope.as_deref()
        ),
        (Some("Bearer"), Some("identity read"))
    );
    assert_eq!(
        (new.lease.generation, new.reason),
        (2, Some(StatusReason::ScopeMissing))
    );
    assert_eq!(new.correlation_id.as_deref(), Some("renewed"));
    let event = store.events().after(0, 10).await.unwrap().pop().unwrap();
    assert_eq!(
        (event.user, event.version),
        (Some(held.user), version(&store, held.user).await)
    );
    assert_eq!(
        (
            event.provider.as_ref().map(ProviderSlug::as_str),
            event.account.as_ref().map(ProviderAccountId::as_str)
        ),
        (Some("reddit"), Some("juniper"))
    );
}

async fn what_the_platform_left_out_is_kept(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let first = RefreshedTokens::new("second access", Some("second refresh"));
    let tokens = StoredTokens {
        grant_expires_at: Some(at(90_000)),
        ..first.tokens.clone()
    };
    let with_end = RefreshedGrant {
        tokens: &tokens,
        ..first.row()
    };
    assert!(
        store
            .refreshes()
            .store(&bearing(&held), &with_end)
            .await
            .unwrap()
            .is_some()
    );
    let held = again(&store, &held).await;
    let mut bare = RefreshedTokens::new("third access", None);
    bare.tokens.expires_at = None;
    assert!(
        store
            .refreshes()
            .store(&bearing(&held), &bare.row())
            .await
            .unwrap()
            .is_some()
    );
    let new = again(&store, &held).await;
    assert_eq!(text(new.tokens.access.as_ref()), Some("third access"));
    assert_eq!(text(new.tokens.refresh.as_ref()), Some("second refresh"));
    assert_eq!(
        (
            new.tokens.grant_expires_at,
            new.tokens.token_type,
            new.tokens.scope
        ),
        (Some(at(90_000)), held.tokens.token_type, held.tokens.scope)
    );
    assert_eq!(
        new.tokens.expires_at, None,
        "an old end says nothing of a new token"
    );
}

async fn only_the_credentials_change(database: TestDatabase) {
    const REST: &str =
        "SELECT provider || provider_account_id || CAST(user_id AS TEXT) || CAST(metadata AS TEXT)
        || CAST(created_at AS TEXT) || token_binding || their_note FROM oauth_accounts";
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    database
        .execute("ALTER TABLE oauth_accounts ADD COLUMN their_note text")
        .await;
    database
        .execute("UPDATE oauth_accounts SET their_note = 'of the app', token_binding = 'bound'")
        .await;
    let before = database.texts(REST).await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &held)
            .await
    );
    assert!(
        store
            .refreshes()
            .record_failed_check(&again(&store, &held).await, &failure(&trace("failed")))
            .await
            .unwrap()
    );
    assert_eq!(database.texts(REST).await, before);
    Consent::of(held.user, "reddit", "juniper")
        .store(&store)
        .await;
    assert_eq!(
        database.texts(REST).await,
        before,
        "a reconnect that learns nothing new changes no more"
    );
}

async fn a_lost_swap_writes_and_announces_nothing(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second access", Some("second refresh"))
            .store(&store, &held)
            .await
    );
    let before = database.contents().await;
    assert!(
        !RefreshedTokens::new("late access", Some("late refresh"))
            .store(&store, &held)
            .await
    );
    assert_eq!(database.contents().await, before);
}

async fn of_twenty_renewals_of_one_generation_one_is_stored(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (store, held) = (store.clone(), held.clone());
        let renewal = RefreshedTokens::new(&format!("access {n}"), Some(&format!("refresh {n}")));
        tasks.spawn(async move { renewal.store(&store, &held).await.then_some(n) });
    }
    let stored: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let [n] = stored[..] else {
        panic!("stored: {stored:?}")
    };
    let new = again(&store, &held).await;
    assert_eq!(
        text(new.tokens.access.as_ref()),
        Some(&*format!("access {n}"))
    );
    assert_eq!(
        text(new.tokens.refresh.as_ref()),
        Some(&*format!("refresh {n}"))
    );
    assert_eq!(
        (new.lease.generation, version(&store, held.user).await),
        (2, 2)
    );
    assert_eq!(store.events().after(0, 100).await.unwrap().len(), 2);
}

async fn a_reconnect_outruns_a_renewal(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    Consent::of(held.user, "reddit", "juniper")
        .store(&store)
        .await;
    let before = database.contents().await;
    assert!(
        !RefreshedTokens::new("late access", Some("late refresh"))
            .store(&store, &held)
            .await
    );
    assert_eq!(database.contents().await, before);
}

async fn a_renewal_of_a_connection_that_is_gone_is_not_stored(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let renewal = RefreshedTokens::new("late access", Some("late refresh"));
    assert!(
        store
            .connections()
            .delete(&held, None, &trace("bye"), at(0))
            .await
            .unwrap()
    );
    let before = database.contents().await;
    assert!(!renewal.store(&store, &held).await);
    assert_eq!(database.contents().await, before);
    assert!(
        store
            .users()
            .delete(held.user, &trace("bye"), at(0), |_, _| None)
            .await
            .unwrap()
    );
    let before = database.contents().await;
    assert!(!renewal.store(&store, &held).await);
    assert_eq!(database.contents().await, before);
}

async fn a_row_of_another_program_can_be_renewed(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let row = format!(
        "{}, 'reddit', 'juniper', 'their access', 'their refresh'",
        user.get()
    );
    let columns = "user_id, provider, provider_account_id, access_token, refresh_token";
    database
        .execute(&format!(
            "INSERT INTO oauth_accounts ({columns}) VALUES ({row})"
        ))
        .await;
    let held = store
        .connections()
        .owned(user, &slug("reddit"), &account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert!(
        RefreshedTokens::new("our access", None)
            .store_leased(&store, &held)
            .await
    );
    let new = again(&store, &held).await;
    assert_eq!(
        (new.lease.generation, text(new.tokens.refresh.as_ref())),
        (1, Some("their refresh"))
    );
    assert!(
        !RefreshedTokens::new("late access", None)
            .store(&store, &held)
            .await
    );
    assert_eq!(version(&store, user).await, 1);
}

async fn a_success_ends_the_trouble(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        store
            .refreshes()
            .record_failed_check(&held, &failure(&trace("failed")))
            .await
            .unwrap()
    );
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &held)
            .await,
        "a failure raises no generation"
    );
    let new = again(&store, &held).await;
    assert_eq!(
        (new.status, new.reason),
        (ConnectionStatus::Connected, None)
    );
    assert_eq!((new.failures, new.last_outcome), (0, None));
}
