//! How a flow goes on after its callback: parked, finished, given up or forgotten, each once.

use evergrant_model::ErrorCode;
use evergrant_store::{Flow, FlowEnd, FlowStatus, PendingGrant, Store, StoredGrant};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{Consent, FlowSeed, at, new_user, revocation, sealed, text};

on_both_databases!(
    a_parked_grant_reads_back_as_it_was_given,
    a_parked_flow_is_finished_once,
    a_flow_that_is_over_stays_so,
    giving_up_queues_the_grant_and_erases_it,
    a_finished_flow_is_not_given_up,
    unfinished_flows_are_those_past_their_time,
    the_sweep_keeps_flows_that_hold_a_grant,
);

fn pending() -> PendingGrant {
    PendingGrant {
        access_token: sealed("parked access"),
        refresh_token: Some(sealed("parked refresh")),
        facts: json!({"scope": "identity", "expiresAt": null}),
        accounts: json!([{"id": "juniper"}]),
    }
}

async fn park(store: &Store, seed: &FlowSeed, status: FlowStatus, finish_by: i64) -> bool {
    let end = FlowEnd::Pending {
        status,
        grant: &pending(),
        receipt_hash: b"receipt",
        finish_by: at(finish_by),
    };
    store
        .flows()
        .settle(&seed.flow(store).await, &end, at(0))
        .await
        .unwrap()
}

async fn parked(store: &Store, finish_by: i64) -> FlowSeed {
    let seed = FlowSeed::of(new_user(store).await, "reddit")
        .begin(store)
        .await;
    assert!(park(store, &seed, FlowStatus::Pending, finish_by).await);
    seed
}

async fn read(store: &Store, seed: &FlowSeed) -> Flow {
    store
        .flows()
        .owned(&seed.id, seed.user)
        .await
        .unwrap()
        .unwrap()
}

async fn a_parked_grant_reads_back_as_it_was_given(database: TestDatabase) {
    let store = database.store().await;
    for status in [FlowStatus::Pending, FlowStatus::Choose] {
        let seed = FlowSeed::of(new_user(&store).await, "reddit")
            .begin(&store)
            .await;
        assert!(park(&store, &seed, status, 300).await);
        let flow = read(&store, &seed).await;
        assert_eq!((flow.status, flow.finish_by), (status, Some(at(300))));
        assert_eq!(flow.receipt_hash.as_deref(), Some(&b"receipt"[..]));
        let (grant, given) = (flow.grant.unwrap(), pending());
        assert_eq!(
            (grant.access_token, grant.refresh_token),
            (given.access_token, given.refresh_token)
        );
        assert_eq!((grant.facts, grant.accounts), (given.facts, given.accounts));
    }
}

async fn a_parked_flow_is_finished_once(database: TestDatabase) {
    let store = database.store().await;
    let seed = parked(&store, 300).await;
    let consent = Consent::of(seed.user, "reddit", "juniper");
    let stored = store
        .connections()
        .store_grants(&[consent.grant()], &seed.id, FlowStatus::Pending)
        .await
        .unwrap();
    assert!(matches!(stored, StoredGrant::Stored(_)));
    let flow = read(&store, &seed).await;
    assert_eq!(
        (flow.status, flow.account.as_deref()),
        (FlowStatus::Connected, Some("juniper"))
    );
    assert!(flow.grant.is_none(), "the grant is in one place only");
    let again = store
        .connections()
        .store_grants(&[consent.grant()], &seed.id, FlowStatus::Pending)
        .await
        .unwrap();
    assert_eq!(again, StoredGrant::FlowOver);
}

async fn a_flow_that_is_over_stays_so(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit")
        .begin(&store)
        .await;
    assert!(
        store
            .flows()
            .settle(
                &seed.flow(&store).await,
                &FlowEnd::Error(ErrorCode::OauthDenied),
                at(0)
            )
            .await
            .unwrap()
    );
    let before = database.contents().await;
    assert!(
        !store
            .flows()
            .settle(
                &seed.flow(&store).await,
                &FlowEnd::Error(ErrorCode::InvalidCode),
                at(0)
            )
            .await
            .unwrap()
    );
    assert!(!park(&store, &seed, FlowStatus::Pending, 300).await);
    assert_eq!(database.contents().await, before);
    let parked = parked(&store, 300).await;
    assert!(
        !park(&store, &parked, FlowStatus::Choose, 900).await,
        "nor is one parked twice"
    );
    assert_eq!(read(&store, &parked).await.status, FlowStatus::Pending);
}

async fn giving_up_queues_the_grant_and_erases_it(database: TestDatabase) {
    let store = database.store().await;
    let seed = parked(&store, 300).await;
    let flow = read(&store, &seed).await;
    let plan = revocation("r1", "reddit");
    assert!(
        store
            .flows()
            .abandon(&flow, ErrorCode::InvalidState, Some(&plan), at(0))
            .await
            .unwrap()
    );
    let ended = read(&store, &seed).await;
    assert_eq!(
        (ended.status, ended.error_code),
        (FlowStatus::Error, Some(ErrorCode::InvalidState))
    );
    assert!(ended.grant.is_none());
    let queued = store.revocations().by_id("r1").await.unwrap().unwrap();
    assert_eq!(text(queued.access_token.as_ref()), Some("parked access"));
    assert_eq!(text(queued.refresh_token.as_ref()), Some("parked refresh"));
    let before = database.contents().await;
    assert!(
        !store
            .flows()
            .abandon(
                &flow,
                ErrorCode::OauthDenied,
                Some(&revocation("r2", "reddit")),
                at(0)
            )
            .await
            .unwrap()
    );
    assert_eq!(database.contents().await, before);
}

async fn a_finished_flow_is_not_given_up(database: TestDatabase) {
    let store = database.store().await;
    let seed = parked(&store, 300).await;
    let stale = read(&store, &seed).await;
    let consent = Consent::of(seed.user, "reddit", "juniper");
    store
        .connections()
        .store_grants(&[consent.grant()], &seed.id, FlowStatus::Pending)
        .await
        .unwrap();
    let before = database.contents().await;
    let plan = revocation("r1", "reddit");
    assert!(
        !store
            .flows()
            .abandon(&stale, ErrorCode::InvalidState, Some(&plan), at(0))
            .await
            .unwrap()
    );
    assert_eq!(
        database.contents().await,
        before,
        "or the live grant would be revoked"
    );
}

async fn unfinished_flows_are_those_past_their_time(database: TestDatabase) {
    let store = database.store().await;
    let (second, first, later) = (
        parked(&store, 301).await,
        parked(&store, 300).await,
        parked(&store, 302).await,
    );
    let over = parked(&store, 299).await;
    assert!(
        store
            .flows()
            .settle(
                &over.flow(&store).await,
                &FlowEnd::Error(ErrorCode::InvalidState),
                at(0)
            )
            .await
            .unwrap()
    );
    FlowSeed::of(later.user, "reddit").begin(&store).await;
    let ids = |flows: Vec<Flow>| flows.into_iter().map(|flow| flow.id).collect::<Vec<_>>();
    assert_eq!(
        ids(store.flows().unfinished(at(301), 10).await.unwrap()),
        [first.id.clone(), second.id]
    );
    assert_eq!(
        ids(store.flows().unfinished(at(301), 1).await.unwrap()),
        [first.id]
    );
    assert!(
        store
            .flows()
            .unfinished(at(299), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn the_sweep_keeps_flows_that_hold_a_grant(database: TestDatabase) {
    let store = database.store().await;
    let holding = parked(&store, 300).await;
    let waiting = FlowSeed::of(holding.user, "reddit").begin(&store).await;
    assert_eq!(
        store.flows().delete_expired(at(600)).await.unwrap(),
        0,
        "its last moment is not past"
    );
    assert_eq!(store.flows().delete_expired(at(601)).await.unwrap(), 1);
    assert!(
        store
            .flows()
            .owned(&waiting.id, waiting.user)
            .await
            .unwrap()
            .is_none()
    );
    let flow = read(&store, &holding).await;
    assert!(
        store
            .flows()
            .abandon(&flow, ErrorCode::InvalidState, None, at(0))
            .await
            .unwrap()
    );
    assert_eq!(
        store.flows().delete_expired(at(601)).await.unwrap(),
        1,
        "once it holds nothing it goes"
    );
}
