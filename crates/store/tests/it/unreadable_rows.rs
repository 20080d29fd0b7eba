//! Batch reads skip rows that this version cannot read.

use evergrant_model::{FlowId, ProviderAccountId};
use evergrant_store::{
    Connection, FlowOutcome, FlowStatus, NewApiKey, PendingGrant, ProviderBlock, Store, StoreError,
};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{
    FlowFixture, at, connect, encrypted, literal_time, new_user, revocation, slug, tokens,
};

on_both_databases!(
    unknown_flow_status_does_not_hide_other_flows,
    unreadable_flows_do_not_count_towards_limit,
    unreadable_connections_do_not_count_towards_limits,
    unreadable_users_do_not_count_towards_page,
    unreadable_revocations_are_skipped,
    unreadable_keys_and_blocks_are_skipped,
);

/// Inserts a flow that can be finished until this many seconds after the start of 2026.
async fn parked(store: &Store, finish_expires_at: i64) -> FlowId {
    let fixture = FlowFixture::of(new_user(store).await, "reddit")
        .insert(store)
        .await;
    let grant = PendingGrant {
        access_token: encrypted("access"),
        refresh_token: None,
        token_details: json!({}),
        accounts: json!([]),
    };
    let outcome = FlowOutcome::Pending {
        status: FlowStatus::Pending,
        grant: &grant,
        receipt_hash: b"receipt",
        finish_expires_at: at(finish_expires_at),
    };
    assert!(
        store
            .flows()
            .record_outcome(&fixture.flow(store).await, &outcome, at(1))
            .await
            .unwrap()
    );
    fixture.id
}

async fn unfinished(store: &Store, limit: i64) -> Vec<FlowId> {
    let flows = store
        .flows()
        .unfinished(at(100), None, limit)
        .await
        .unwrap();
    flows.into_iter().map(|flow| flow.id).collect()
}

async fn unknown_flow_status_does_not_hide_other_flows(database: TestDatabase) {
    let store = database.store().await;
    let (unknown, known) = (parked(&store, 10).await, parked(&store, 20).await);
    let id = unknown.as_str();
    database
        .execute(&format!(
            "UPDATE evergrant_flows SET status = 'paused' WHERE id = '{id}'"
        ))
        .await;
    assert_eq!(unfinished(&store, 1).await, [known]);
    let single = store.flows().by_id(&unknown).await;
    assert!(
        matches!(single, Err(StoreError::Inconsistent("status"))),
        "{single:?}"
    );
}

async fn unreadable_flows_do_not_count_towards_limit(database: TestDatabase) {
    let store = database.store().await;
    for finish_expires_at in [10, 10, 11] {
        let id = parked(&store, finish_expires_at).await;
        let change = format!(
            "UPDATE evergrant_flows SET provider = 'Not A Slug!' WHERE id = '{}'",
            id.as_str()
        );
        database.execute(&change).await;
    }
    let readable = [
        parked(&store, 10).await,
        parked(&store, 12).await,
        parked(&store, 13).await,
    ];
    let mut found = unfinished(&store, 2).await;
    found.sort();
    let mut expected = readable[..2].to_vec();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(unfinished(&store, 100).await.len(), 3);
}

/// Makes the connection unreadable, in a column that only [`Connection`] reads.
async fn make_unreadable(database: &TestDatabase, connection: &Connection) {
    let id = connection.id.get();
    let change = format!("UPDATE oauth_accounts SET provider_account_id = '' WHERE id = {id}");
    database.execute(&change).await;
}

fn accounts(connections: &[Connection]) -> Vec<&str> {
    connections
        .iter()
        .map(|connection| ProviderAccountId::as_str(&connection.account))
        .collect()
}

async fn unreadable_connections_do_not_count_towards_limits(database: TestDatabase) {
    let store = database.store().await;
    let unreadable = connect(&store, "reddit", "unreadable").await;
    for name in ["a", "b"] {
        connect(&store, "reddit", name).await;
    }
    make_unreadable(&database, &unreadable).await;
    let due = literal_time(&database, 50);
    let end = format!(
        "UPDATE evergrant_connections
        SET status = 'expired', next_status_at = {due}, rejected_at = {due}"
    );
    database.execute(&end).await;
    let (reddit, rejections) = (slug("reddit"), store.rejections());
    for (since, limit, expected) in [(50, 1, &["a"][..]), (0, 9, &["a", "b"])] {
        let ended = rejections.ended_since(&reddit, at(since), limit).await;
        assert_eq!(accounts(&ended.unwrap()), expected);
    }
    database
        .execute("UPDATE evergrant_connections SET status = 'connected'")
        .await;
    for (limit, expected) in [(1, &["a"][..]), (9, &["a", "b"])] {
        let due = store.status_transitions().due(at(50), None, limit).await;
        assert_eq!(accounts(&due.unwrap()), expected);
    }
    let page = store.connections().page(0, 1).await;
    assert_eq!(accounts(&page.unwrap()), ["a"]);
    database
        .execute("UPDATE oauth_accounts SET access_token = 'external'")
        .await;
    let external = store.external_rows().in_range(0, i32::MAX).await;
    assert_eq!(accounts(&external.unwrap()), ["a", "b"]);
}

async fn unreadable_users_do_not_count_towards_page(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    database
        .execute("INSERT INTO users (id, name) VALUES (-2, 'a'), (-1, 'b')")
        .await;
    let page = store.users().page(i32::MIN, 1).await.unwrap();
    assert_eq!(
        page.iter().map(|found| found.id).collect::<Vec<_>>(),
        [user]
    );
}

async fn unreadable_revocations_are_skipped(database: TestDatabase) {
    let store = database.store().await;
    for id in ["a", "b", "c"] {
        store
            .revocations()
            .queue(&revocation(id, "reddit"), &tokens("access", None))
            .await
            .unwrap();
    }
    database
        .execute("UPDATE evergrant_revocations SET provider = 'Not A Slug!' WHERE id <> 'c'")
        .await;
    let due = store.revocations().due_providers(at(60)).await.unwrap();
    assert_eq!(due, [slug("reddit")]);
    let claimed = store
        .revocations()
        .claim(&slug("reddit"), at(60), at(120))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.id, "c");
    assert!(
        store
            .revocations()
            .claim(&slug("reddit"), at(60), at(120))
            .await
            .unwrap()
            .is_none()
    );
}

async fn unreadable_keys_and_blocks_are_skipped(database: TestDatabase) {
    let store = database.store().await;
    let id = "readable".parse().unwrap();
    let key = NewApiKey {
        id: &id,
        name: "app",
        secret_hash: b"hash",
        scopes: "admin",
        created_at: at(0),
    };
    assert!(store.api_keys().insert(&key).await.unwrap());
    let copy = "INSERT INTO evergrant_api_keys (id, name, secret_hash, scopes, created_at)
        SELECT 'not an id', name, secret_hash, scopes, created_at FROM evergrant_api_keys";
    database.execute(copy).await;
    assert_eq!(store.api_keys().all().await.unwrap().len(), 1);
    for provider in ["reddit", "tiktok"] {
        let block = ProviderBlock {
            provider: slug(provider),
            scope: "token host".to_owned(),
            kind: "breaker".to_owned(),
            blocked_at: at(0),
            blocked_until: at(30),
            consecutive_trips: 1,
        };
        assert!(store.provider_blocks().block(&block).await.unwrap());
    }
    database
        .execute("UPDATE evergrant_provider_blocks SET provider = 'Not A Slug!' WHERE provider = 'reddit'")
        .await;
    assert_eq!(store.provider_blocks().all().await.unwrap().len(), 1);
}
