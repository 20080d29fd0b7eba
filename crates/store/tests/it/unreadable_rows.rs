//! A row that this version cannot read is skipped by every batch read and does not hide the rows
//! behind it.

use evergrant_model::{FlowId, ProviderAccountId};
use evergrant_store::{
    Connection, FlowEnd, FlowStatus, NewApiKey, PendingGrant, ProviderBlock, Store, StoreError,
};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{
    FlowSeed, at, connect, literal_time, new_user, revocation, sealed, slug, tokens,
};

on_both_databases!(
    unknown_flow_status_does_not_hide_other_flows,
    unreadable_flows_do_not_fill_a_limited_read,
    unreadable_connections_do_not_fill_limited_reads,
    unreadable_users_do_not_fill_a_page,
    unreadable_revocations_are_passed_by,
    unreadable_keys_and_blocks_are_skipped,
);

/// A flow that waits to be finished until so many seconds into the year.
async fn parked(store: &Store, finish_by: i64) -> FlowId {
    let seed = FlowSeed::of(new_user(store).await, "reddit")
        .begin(store)
        .await;
    let grant = PendingGrant {
        access_token: sealed("access"),
        refresh_token: None,
        facts: json!({}),
        accounts: json!([]),
    };
    let end = FlowEnd::Pending {
        status: FlowStatus::Pending,
        grant: &grant,
        receipt_hash: b"receipt",
        finish_by: at(finish_by),
    };
    assert!(
        store
            .flows()
            .settle(&seed.flow(store).await, &end, at(1))
            .await
            .unwrap()
    );
    seed.id
}

async fn unfinished(store: &Store, limit: i64) -> Vec<FlowId> {
    let flows = store.flows().unfinished(at(100), limit).await.unwrap();
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

async fn unreadable_flows_do_not_fill_a_limited_read(database: TestDatabase) {
    let store = database.store().await;
    for finish_by in [10, 10, 11] {
        let id = parked(&store, finish_by).await;
        let spoil = format!(
            "UPDATE evergrant_flows SET provider = 'No Platform!' WHERE id = '{}'",
            id.as_str()
        );
        database.execute(&spoil).await;
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

/// Makes the row unreadable in a column that only a whole row needs.
async fn spoil(database: &TestDatabase, held: &Connection) {
    let id = held.id.get();
    let change = format!("UPDATE oauth_accounts SET provider_account_id = '' WHERE id = {id}");
    database.execute(&change).await;
}

fn accounts(connections: &[Connection]) -> Vec<&str> {
    connections
        .iter()
        .map(|held| ProviderAccountId::as_str(&held.account))
        .collect()
}

async fn unreadable_connections_do_not_fill_limited_reads(database: TestDatabase) {
    let store = database.store().await;
    let unreadable = connect(&store, "reddit", "unreadable").await;
    for name in ["a", "b"] {
        connect(&store, "reddit", name).await;
    }
    spoil(&database, &unreadable).await;
    let due = literal_time(&database, 50);
    database
        .execute(&format!("UPDATE evergrant_connections SET status = 'expired', turns_at = {due}, refused_at = {due}"))
        .await;
    let ended = store
        .rejections()
        .ended_since(&slug("reddit"), at(50), 1)
        .await
        .unwrap();
    assert_eq!(accounts(&ended), ["a"]);
    assert_eq!(
        accounts(
            &store
                .rejections()
                .ended_since(&slug("reddit"), at(0), 9)
                .await
                .unwrap()
        ),
        ["a", "b"]
    );
    database
        .execute("UPDATE evergrant_connections SET status = 'connected'")
        .await;
    assert_eq!(
        accounts(&store.status_transitions().due(at(50), 1).await.unwrap()),
        ["a"]
    );
    assert_eq!(
        accounts(&store.status_transitions().due(at(50), 9).await.unwrap()),
        ["a", "b"]
    );
    assert_eq!(
        accounts(&store.connections().page(0, 1).await.unwrap()),
        ["a"]
    );
    database
        .execute("UPDATE oauth_accounts SET access_token = 'theirs'")
        .await;
    assert_eq!(
        accounts(&store.external_rows().in_range(0, i32::MAX).await.unwrap()),
        ["a", "b"]
    );
}

async fn unreadable_users_do_not_fill_a_page(database: TestDatabase) {
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

async fn unreadable_revocations_are_passed_by(database: TestDatabase) {
    let store = database.store().await;
    for id in ["a", "b", "c"] {
        store
            .revocations()
            .queue(&revocation(id, "reddit"), &tokens("access", None))
            .await
            .unwrap();
    }
    database
        .execute("UPDATE evergrant_revocations SET provider = 'No Platform!' WHERE id <> 'c'")
        .await;
    let claimed = store
        .revocations()
        .claim(at(60), at(120))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.id, "c");
    assert!(
        store
            .revocations()
            .claim(at(60), at(120))
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
            host: "host".to_owned(),
            kind: "breaker".to_owned(),
            since: at(0),
            blocked_until: at(30),
            consecutive_trips: 1,
        };
        assert!(store.provider_blocks().block(&block).await.unwrap());
    }
    database
        .execute("UPDATE evergrant_gates SET provider = 'No Platform!' WHERE provider = 'reddit'")
        .await;
    assert_eq!(store.provider_blocks().all().await.unwrap().len(), 1);
}
