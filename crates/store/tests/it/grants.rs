//! Storing the grants of a consent: all of them together with the end of the flow, or none.

use evergrant_model::{ConnectionStatus, EventKind, ProviderAccountId, StatusReason};
use evergrant_store::{
    FailedRefresh, FlowStatus, Grant, Store, StoreError, StoredGrant, StoredTokens,
};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{
    Consent, FlowFixture, at, connect, delete_connection, delete_user, encrypted, failure, find,
    new_user, record_failure, reload, text, trace, version,
};

on_both_databases!(
    stored_grant_is_read_back,
    storing_grant_ends_flow,
    consent_for_several_accounts_stores_all,
    reconnect_keeps_id_and_refresh_token,
    reconnect_drops_refresh_token_of_expired_connection,
    new_refresh_token_replaces_expiry_of_old_one,
    reconnect_clears_failure,
    account_of_another_user_stores_nothing,
    ended_flow_stores_nothing,
    flow_with_changed_status_stores_nothing,
    grant_of_deleted_user_is_not_stored,
    connection_ids_are_not_reused,
);

async fn stored_grant_is_read_back(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "reddit", "-000sim/Open Id%é");
    consent.metadata =
        json!({"username": "juniper", "karma": 12, "tags": ["a", null], "nested": {"ok": true}});
    let flow = FlowFixture::of(consent.user, "reddit").insert(&store).await;
    let (grant_end, reason) = (Some(at(86_400)), Some(StatusReason::ScopeMissing));
    consent.tokens.grant_expires_at = grant_end;
    let grant = Grant {
        reason,
        ..consent.grant()
    };
    let stored = store
        .connections()
        .store_grants(&[grant], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let read = find(&store, consent.user, "reddit", "-000sim/Open Id%é")
        .await
        .unwrap();
    assert_eq!(stored, StoredGrant::Stored(vec![read.id]));
    assert_tokens(&read.tokens, &consent.tokens);
    assert_eq!(
        (read.last_refreshed_at, read.next_refresh_at),
        (None, Some(at(3000)))
    );
    assert_eq!((read.created_at, read.updated_at), (at(0), at(0)));
    assert_eq!(read.requested_scope.as_deref(), Some("identity read"));
    assert_eq!(
        (read.metadata, read.reason, read.lease.generation),
        (consent.metadata, reason, 1)
    );
    assert_eq!(read.correlation_id.as_deref(), Some("consented"));
}

fn assert_tokens(read: &StoredTokens, expected: &StoredTokens) {
    assert_eq!(text(read.access.as_ref()), text(expected.access.as_ref()));
    assert_eq!(text(read.refresh.as_ref()), text(expected.refresh.as_ref()));
    assert_eq!(
        (read.expires_at, read.issued_at),
        (Some(at(3600)), Some(at(0)))
    );
    assert_eq!(read.grant_expires_at, expected.grant_expires_at);
    assert_eq!(
        (read.token_type.as_deref(), read.scope.as_deref()),
        (Some("bearer"), Some("identity"))
    );
}

async fn storing_grant_ends_flow(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowFixture::of(consent.user, "reddit").insert(&store).await;
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
        (ended.status, ended.connected_account.as_deref()),
        (FlowStatus::Connected, Some("juniper"))
    );
    assert!(ended.grant.is_none());
}

async fn consent_for_several_accounts_stores_all(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let consents = ["abe", "kim", "zoe"].map(|name| Consent::of(user, "instagram", name));
    let flow = FlowFixture::of(user, "instagram").insert(&store).await;
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
    assert_eq!(listed.version, 3, "one version for each account");
    let events = store.events().after(0, 10).await.unwrap();
    let accounts: Vec<_> = events
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
    assert_eq!(accounts, [(1, "abe"), (2, "kim"), (3, "zoe")]);
}

/// Stores the grant of the consent with a known end of the grant.
async fn store_with_end(store: &Store, consent: &Consent) {
    let flow = FlowFixture::of(consent.user, "reddit").insert(store).await;
    let tokens = StoredTokens {
        grant_expires_at: Some(at(86_400)),
        ..consent.tokens.clone()
    };
    let grant = Grant {
        tokens: &tokens,
        ..consent.grant()
    };
    store
        .connections()
        .store_grants(&[grant], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
}

async fn reconnect_keeps_id_and_refresh_token(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    store_with_end(&store, &consent).await;
    let first = find(&store, consent.user, "reddit", "juniper")
        .await
        .unwrap();
    (consent.tokens.access, consent.tokens.refresh) =
        (Some(encrypted("a newer access token")), None);
    consent.metadata = json!({"username": "juniper2"});
    let second = consent.store(&store).await;
    assert_eq!(
        (second.id, second.lease.generation, second.created_at),
        (first.id, 2, first.created_at)
    );
    let tokens = &second.tokens;
    assert_eq!(text(tokens.access.as_ref()), Some("a newer access token"));
    assert_eq!(text(tokens.refresh.as_ref()), Some("refresh of juniper"));
    assert_eq!(
        tokens.grant_expires_at,
        Some(at(86_400)),
        "the end of the grant is kept with the refresh token"
    );
    assert_eq!(second.metadata, consent.metadata);
    assert_eq!(version(&store, consent.user).await, 2);
}

async fn reconnect_drops_refresh_token_of_expired_connection(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let connection = consent.store(&store).await;
    let trace = trace("rejected");
    let expired = FailedRefresh {
        status: ConnectionStatus::Expired,
        ..failure(&trace)
    };
    assert!(record_failure(&store, &connection, &expired).await);
    consent.tokens.refresh = None;
    let reconnected = consent.store(&store).await;
    assert_eq!(text(reconnected.tokens.refresh.as_ref()), None);
}

async fn new_refresh_token_replaces_expiry_of_old_one(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    store_with_end(&store, &consent).await;
    assert_eq!(consent.store(&store).await.tokens.grant_expires_at, None);
}

async fn reconnect_clears_failure(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(record_failure(&store, &connection, &failure(&trace("failed"))).await);
    let reconnected = Consent::of(connection.user, "reddit", "juniper")
        .store(&store)
        .await;
    assert!(reconnected.status.is_connected());
    assert_eq!(
        (
            reconnected.reason,
            reconnected.failures,
            reconnected.last_outcome
        ),
        (None, 0, None)
    );
    assert_eq!(reconnected.correlation_id.as_deref(), Some("consented"));
}

/// Stores `consents` and asserts that nothing was written.
async fn store_without_effect(
    database: &TestDatabase,
    store: &Store,
    consents: &[Consent],
    flow: &FlowFixture,
    known_status: FlowStatus,
) -> StoredGrant {
    let before = database.contents().await;
    let grants: Vec<_> = consents.iter().map(Consent::grant).collect();
    let stored = store
        .connections()
        .store_grants(&grants, &flow.id, known_status)
        .await
        .unwrap();
    assert_eq!(database.contents().await, before);
    stored
}

async fn account_of_another_user_stores_nothing(database: TestDatabase) {
    let store = database.store().await;
    let other = connect(&store, "reddit", "juniper").await;
    let user = new_user(&store).await;
    let consents = ["abe", "juniper", "zoe"].map(|name| Consent::of(user, "reddit", name));
    let flow = FlowFixture::of(user, "reddit").insert(&store).await;
    let stored =
        store_without_effect(&database, &store, &consents, &flow, FlowStatus::Waiting).await;
    assert_eq!(stored, StoredGrant::OwnedByAnother);
    assert_eq!(
        (
            version(&store, user).await,
            version(&store, other.user).await
        ),
        (0, 1)
    );
    assert_eq!(reload(&store, &other).await.user, other.user);
}

async fn ended_flow_stores_nothing(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowFixture::of(consent.user, "reddit").insert(&store).await;
    store
        .connections()
        .store_grants(&[consent.grant()], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
    let stored =
        store_without_effect(&database, &store, &[consent], &flow, FlowStatus::Waiting).await;
    assert_eq!(stored, StoredGrant::FlowEnded);
}

async fn flow_with_changed_status_stores_nothing(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowFixture::of(consent.user, "reddit").insert(&store).await;
    let stored =
        store_without_effect(&database, &store, &[consent], &flow, FlowStatus::Choose).await;
    assert_eq!(stored, StoredGrant::FlowEnded);
}

async fn grant_of_deleted_user_is_not_stored(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = FlowFixture::of(consent.user, "reddit").insert(&store).await;
    assert!(delete_user(&store, consent.user).await);
    let before = database.contents().await;
    let stored = store
        .connections()
        .store_grants(&[consent.grant()], &flow.id, FlowStatus::Waiting)
        .await;
    assert!(matches!(stored, Err(StoreError::Missing)), "{stored:?}");
    assert_eq!(database.contents().await, before);
}

async fn connection_ids_are_not_reused(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(delete_connection(&store, &connection).await);
    let next = Consent::of(connection.user, "reddit", "juniper")
        .store(&store)
        .await;
    assert!(next.id > connection.id);
    assert_eq!(
        next.lease.generation, 2,
        "a late refresh of the deleted one is not stored"
    );
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
