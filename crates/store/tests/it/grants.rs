//! Storing what a consent gave: all of it with the flow's end, or nothing.

use evergrant_model::{EventKind, ProviderAccountId, StatusReason};
use evergrant_store::{FlowStatus, Grant, Store, StoreError, StoredGrant, StoredTokens};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{
    Consent, FlowSeed, again, at, connect, failure, new_user, sealed, text, trace, version,
};

on_both_databases!(
    a_grant_reads_back_as_it_was_given,
    a_grant_ends_its_flow,
    one_consent_may_reach_several_accounts,
    a_reconnect_keeps_number_and_refresh_token,
    a_reconnect_with_a_new_refresh_token_forgets_the_old_ones_end,
    a_reconnect_ends_the_trouble,
    an_account_of_another_user_leaves_everything_as_it_was,
    a_flow_that_is_over_stores_nothing,
    a_flow_of_another_status_than_seen_stores_nothing,
    a_user_who_is_gone_gets_nothing,
    connection_numbers_are_never_given_twice,
);

async fn a_grant_reads_back_as_it_was_given(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "reddit", "-000sim/Open Id%é");
    consent.metadata =
        json!({"username": "juniper", "karma": 12, "tags": ["a", null], "nested": {"ok": true}});
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    let (refresh_end, reason) = (Some(at(86_400)), Some(StatusReason::ScopeMissing));
    consent.tokens.grant_expires_at = refresh_end;
    let grant = Grant {
        reason,
        ..consent.grant()
    };
    let stored = store
        .connections()
        .store_grants(&[grant], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let held = store
        .connections()
        .owned(consent.user, &consent.provider, &consent.account)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored, StoredGrant::Stored(vec![held.id]));
    assert_eq!(
        text(held.tokens.access.as_ref()),
        text(consent.tokens.access.as_ref())
    );
    assert_eq!(
        text(held.tokens.refresh.as_ref()),
        text(consent.tokens.refresh.as_ref())
    );
    assert_eq!(
        (
            held.tokens.expires_at,
            held.tokens.issued_at,
            held.next_refresh_at
        ),
        (Some(at(3600)), Some(at(0)), Some(at(3000)))
    );
    assert_eq!(
        (held.tokens.grant_expires_at, held.last_refreshed_at),
        (refresh_end, None)
    );
    assert_eq!((held.created_at, held.updated_at), (at(0), at(0)));
    assert_eq!(
        (
            held.tokens.token_type.as_deref(),
            held.tokens.scope.as_deref()
        ),
        (Some("bearer"), Some("identity"))
    );
    assert_eq!(held.requested_scope.as_deref(), Some("identity read"));
    assert_eq!(
        (held.metadata, held.reason, held.lease.generation),
        (consent.metadata, reason, 1)
    );
    assert_eq!(held.correlation_id.as_deref(), Some("consented"));
}

async fn a_grant_ends_its_flow(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    store
        .connections()
        .store_grants(&[consent.grant()], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let ended = store
        .flows()
        .owned(&flow.id, consent.user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (ended.status, ended.account.as_deref()),
        (FlowStatus::Connected, Some("juniper"))
    );
    assert!(ended.grant.is_none());
}

async fn one_consent_may_reach_several_accounts(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let consents = ["abe", "kim", "zoe"].map(|name| Consent::of(user, "instagram", name));
    let flow = FlowSeed::of(user, "instagram").begin(&store).await;
    let grants = consents.each_ref().map(Consent::grant);
    let stored = store
        .connections()
        .store_grants(&grants, &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let listed = store.connections().of_user(user).await.unwrap().unwrap();
    let ids: Vec<_> = listed
        .connections
        .iter()
        .map(|connection| connection.id)
        .collect();
    assert_eq!(stored, StoredGrant::Stored(ids));
    assert_eq!(listed.version, 3, "one for each account");
    let events = store.events().after(0, 10).await.unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.version,
                event
                    .account
                    .as_ref()
                    .map(ProviderAccountId::as_str)
                    .unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(1, "abe"), (2, "kim"), (3, "zoe")]);
}

async fn a_reconnect_keeps_number_and_refresh_token(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    let with_end = StoredTokens {
        grant_expires_at: Some(at(86_400)),
        ..consent.tokens.clone()
    };
    let grant = Grant {
        tokens: &with_end,
        ..consent.grant()
    };
    store
        .connections()
        .store_grants(&[grant], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let first = store
        .connections()
        .owned(consent.user, &consent.provider, &consent.account)
        .await
        .unwrap()
        .unwrap();
    (consent.tokens.access, consent.tokens.refresh) = (Some(sealed("a newer access token")), None);
    consent.metadata = json!({"username": "juniper2"});
    let second = consent.store(&store).await;
    assert_eq!(
        (second.id, second.lease.generation, second.created_at),
        (first.id, 2, first.created_at)
    );
    assert_eq!(
        text(second.tokens.access.as_ref()),
        Some("a newer access token")
    );
    assert_eq!(
        text(second.tokens.refresh.as_ref()),
        Some("refresh of juniper")
    );
    assert_eq!(
        second.tokens.grant_expires_at,
        Some(at(86_400)),
        "its end is kept with it"
    );
    assert_eq!(second.metadata, consent.metadata);
    assert_eq!(version(&store, consent.user).await, 2);
}

async fn a_reconnect_with_a_new_refresh_token_forgets_the_old_ones_end(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    let with_end = StoredTokens {
        grant_expires_at: Some(at(86_400)),
        ..consent.tokens.clone()
    };
    let grant = Grant {
        tokens: &with_end,
        ..consent.grant()
    };
    store
        .connections()
        .store_grants(&[grant], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    assert_eq!(consent.store(&store).await.tokens.grant_expires_at, None);
}

async fn a_reconnect_ends_the_trouble(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        store
            .refreshes()
            .record_failed_check(&held, &failure(&trace("failed")))
            .await
            .unwrap()
    );
    let healed = Consent::of(held.user, "reddit", "juniper")
        .store(&store)
        .await;
    assert!(healed.status.is_connected());
    assert_eq!(
        (healed.reason, healed.failures, healed.last_outcome),
        (None, 0, None)
    );
    assert_eq!(healed.correlation_id.as_deref(), Some("consented"));
}

/// The flow that `consents` end does not end; nothing is written.
async fn assert_refused(
    database: &TestDatabase,
    store: &Store,
    consents: &[Consent],
    flow: &FlowSeed,
    seen: FlowStatus,
) -> StoredGrant {
    let before = database.contents().await;
    let grants: Vec<_> = consents.iter().map(Consent::grant).collect();
    let stored = store
        .connections()
        .store_grants(&grants, &flow.id, seen)
        .await
        .unwrap();
    assert_eq!(database.contents().await, before);
    stored
}

async fn an_account_of_another_user_leaves_everything_as_it_was(database: TestDatabase) {
    let store = database.store().await;
    let theirs = connect(&store, "reddit", "juniper").await;
    let user = new_user(&store).await;
    let consents = ["abe", "juniper", "zoe"].map(|name| Consent::of(user, "reddit", name));
    let flow = FlowSeed::of(user, "reddit").begin(&store).await;
    let stored = assert_refused(&database, &store, &consents, &flow, FlowStatus::Waiting).await;
    assert_eq!(stored, StoredGrant::OwnedByAnother);
    assert_eq!(
        (
            version(&store, user).await,
            version(&store, theirs.user).await
        ),
        (0, 1)
    );
    assert_eq!(again(&store, &theirs).await.user, theirs.user);
}

async fn a_flow_that_is_over_stores_nothing(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    store
        .connections()
        .store_grants(&[consent.grant()], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let stored = assert_refused(&database, &store, &[consent], &flow, FlowStatus::Waiting).await;
    assert_eq!(stored, StoredGrant::FlowOver);
}

async fn a_flow_of_another_status_than_seen_stores_nothing(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    let stored = assert_refused(&database, &store, &[consent], &flow, FlowStatus::Choose).await;
    assert_eq!(stored, StoredGrant::FlowOver);
}

async fn a_user_who_is_gone_gets_nothing(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowSeed::of(consent.user, "reddit").begin(&store).await;
    assert!(
        store
            .users()
            .delete(consent.user, &trace("delete"), at(0), |_, _| None)
            .await
            .unwrap()
    );
    let before = database.contents().await;
    let stored = store
        .connections()
        .store_grants(&[consent.grant()], &flow.id, FlowStatus::Waiting)
        .await;
    assert!(matches!(stored, Err(StoreError::Missing)), "{stored:?}");
    assert_eq!(database.contents().await, before);
}

async fn connection_numbers_are_never_given_twice(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        store
            .connections()
            .delete(&held, None, &trace("bye"), at(0))
            .await
            .unwrap()
    );
    let next = Consent::of(held.user, "reddit", "juniper")
        .store(&store)
        .await;
    assert!(next.id > held.id);
    assert_eq!(next.lease.generation, 1);
    let kinds = database
        .texts("SELECT kind FROM evergrant_events ORDER BY id")
        .await;
    let expected = [
        EventKind::Connected,
        EventKind::Disconnected,
        EventKind::Connected,
    ];
    assert_eq!(kinds, expected.map(EventKind::as_str));
}
