//! Outcomes of consumed flows: parked, finished, abandoned and deleted.

use evergrant_model::ErrorCode;
use evergrant_store::{FlowOutcome, FlowStatus, PendingGrant, Store, StoredGrant};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{Consent, FlowFixture, at, encrypted, new_user, revocation, text};

on_both_databases!(
    parked_grant_is_read_back,
    parked_flow_is_finished_once,
    ended_flow_accepts_no_further_outcome,
    abandoning_flow_queues_revocation_and_erases_grant,
    finished_flow_is_not_abandoned,
    unfinished_returns_overdue_flows_oldest_first,
    delete_expired_keeps_flows_with_grant,
);

fn pending() -> PendingGrant {
    PendingGrant {
        access_token: encrypted("parked access"),
        refresh_token: Some(encrypted("parked refresh")),
        token_details: json!({"scope": "identity", "expiresAt": null}),
        accounts: json!([{"id": "juniper"}]),
    }
}

async fn park(
    store: &Store,
    fixture: &FlowFixture,
    status: FlowStatus,
    finish_expires_at: i64,
) -> bool {
    let outcome = FlowOutcome::Pending {
        status,
        grant: &pending(),
        receipt_hash: b"receipt",
        finish_expires_at: at(finish_expires_at),
    };
    store
        .flows()
        .record_outcome(&fixture.flow(store).await, &outcome, at(0))
        .await
        .unwrap()
}

async fn parked(store: &Store, finish_expires_at: i64) -> FlowFixture {
    let fixture = FlowFixture::of(new_user(store).await, "reddit")
        .insert(store)
        .await;
    assert!(park(store, &fixture, FlowStatus::Pending, finish_expires_at).await);
    fixture
}

async fn parked_grant_is_read_back(database: TestDatabase) {
    let store = database.store().await;
    for status in [FlowStatus::Pending, FlowStatus::Choose] {
        let fixture = FlowFixture::of(new_user(&store).await, "reddit")
            .insert(&store)
            .await;
        assert!(park(&store, &fixture, status, 300).await);
        let flow = fixture.flow(&store).await;
        assert_eq!(
            (flow.status, flow.finish_expires_at),
            (status, Some(at(300)))
        );
        assert_eq!(flow.receipt_hash.as_deref(), Some(&b"receipt"[..]));
        let (grant, given) = (flow.grant.unwrap(), pending());
        assert_eq!(
            (grant.access_token, grant.refresh_token),
            (given.access_token, given.refresh_token)
        );
        assert_eq!(
            (grant.token_details, grant.accounts),
            (given.token_details, given.accounts)
        );
    }
}

async fn parked_flow_is_finished_once(database: TestDatabase) {
    let store = database.store().await;
    let fixture = parked(&store, 300).await;
    let consent = Consent::of(fixture.user, "reddit", "juniper");
    let stored = store
        .connections()
        .store_grants(&[consent.grant()], &fixture.id, FlowStatus::Pending)
        .await
        .unwrap();
    assert!(matches!(stored, StoredGrant::Stored(_)));
    let flow = fixture.flow(&store).await;
    assert_eq!(
        (flow.status, flow.connected_account.as_deref()),
        (FlowStatus::Connected, Some("juniper"))
    );
    assert!(flow.grant.is_none(), "the grant is not kept in the flow");
    let repeated = store
        .connections()
        .store_grants(&[consent.grant()], &fixture.id, FlowStatus::Pending)
        .await
        .unwrap();
    assert_eq!(repeated, StoredGrant::FlowEnded);
}

async fn ended_flow_accepts_no_further_outcome(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit")
        .insert(&store)
        .await;
    assert!(
        store
            .flows()
            .record_outcome(
                &fixture.flow(&store).await,
                &FlowOutcome::Error(ErrorCode::OauthDenied.into()),
                at(0)
            )
            .await
            .unwrap()
    );
    let before = database.contents().await;
    assert!(
        !store
            .flows()
            .record_outcome(
                &fixture.flow(&store).await,
                &FlowOutcome::Error(ErrorCode::InvalidCode.into()),
                at(0)
            )
            .await
            .unwrap()
    );
    assert!(!park(&store, &fixture, FlowStatus::Pending, 300).await);
    assert_eq!(database.contents().await, before);
    let parked = parked(&store, 300).await;
    assert!(
        !park(&store, &parked, FlowStatus::Choose, 900).await,
        "a parked flow is not parked again"
    );
    assert_eq!(parked.flow(&store).await.status, FlowStatus::Pending);
}

async fn abandoning_flow_queues_revocation_and_erases_grant(database: TestDatabase) {
    let store = database.store().await;
    let fixture = parked(&store, 300).await;
    let flow = fixture.flow(&store).await;
    let plan = revocation("r1", "reddit");
    assert!(
        store
            .flows()
            .abandon(&flow, ErrorCode::InvalidState.into(), Some(&plan), at(0))
            .await
            .unwrap()
    );
    let ended = fixture.flow(&store).await;
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
                ErrorCode::OauthDenied.into(),
                Some(&revocation("r2", "reddit")),
                at(0)
            )
            .await
            .unwrap()
    );
    assert_eq!(database.contents().await, before);
}

async fn finished_flow_is_not_abandoned(database: TestDatabase) {
    let store = database.store().await;
    let fixture = parked(&store, 300).await;
    let stale = fixture.flow(&store).await;
    let consent = Consent::of(fixture.user, "reddit", "juniper");
    store
        .connections()
        .store_grants(&[consent.grant()], &fixture.id, FlowStatus::Pending)
        .await
        .unwrap();
    let before = database.contents().await;
    let plan = revocation("r1", "reddit");
    assert!(
        !store
            .flows()
            .abandon(&stale, ErrorCode::InvalidState.into(), Some(&plan), at(0))
            .await
            .unwrap()
    );
    assert_eq!(
        database.contents().await,
        before,
        "the grant of the connection is not revoked"
    );
}

async fn unfinished_returns_overdue_flows_oldest_first(database: TestDatabase) {
    let store = database.store().await;
    let (second, first, later) = (
        parked(&store, 301).await,
        parked(&store, 300).await,
        parked(&store, 302).await,
    );
    let ended = parked(&store, 299).await;
    let outcome = FlowOutcome::Error(ErrorCode::InvalidState.into());
    let flow = ended.flow(&store).await;
    let flows = store.flows();
    assert!(flows.record_outcome(&flow, &outcome, at(0)).await.unwrap());
    FlowFixture::of(later.user, "reddit").insert(&store).await;
    let unfinished = async |now, after, limit| {
        let found = flows.unfinished(at(now), after, limit).await.unwrap();
        found.into_iter().map(|flow| flow.id).collect::<Vec<_>>()
    };
    let both = [first.id.clone(), second.id.clone()];
    assert_eq!(unfinished(301, None, 10).await, both);
    let oldest = unfinished(301, None, 1).await;
    assert_eq!(oldest, both[..1]);
    let after = Some((at(300), first.id));
    assert_eq!(unfinished(301, after, 10).await, [second.id]);
    assert!(unfinished(299, None, 10).await.is_empty());
}

async fn delete_expired_keeps_flows_with_grant(database: TestDatabase) {
    let store = database.store().await;
    let with_grant = parked(&store, 300).await;
    let waiting = FlowFixture::of(with_grant.user, "reddit")
        .insert(&store)
        .await;
    assert_eq!(
        store.flows().delete_expired(at(600)).await.unwrap(),
        0,
        "the state has not expired yet"
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
    let flow = with_grant.flow(&store).await;
    assert!(
        store
            .flows()
            .abandon(&flow, ErrorCode::InvalidState.into(), None, at(0))
            .await
            .unwrap()
    );
    assert_eq!(
        store.flows().delete_expired(at(601)).await.unwrap(),
        1,
        "a flow without a grant is deleted"
    );
}
