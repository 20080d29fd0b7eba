//! Inserting flows and consuming their state.

use evergrant_model::ErrorCode;
use evergrant_store::{Callback, Flow, FlowOutcome, FlowStatus, NewFlow, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{FlowFixture, account, at, delete_user, encrypted, new_user, slug};

on_both_databases!(
    inserted_flow_is_read_back,
    one_of_twenty_callbacks_consumes_state,
    state_is_bound_to_provider,
    expired_state_is_not_consumed,
    repeated_callback_gets_result_of_first,
    flow_of_another_user_is_not_found,
    state_cannot_be_used_for_two_flows,
    deleted_user_cannot_start_flow,
);

async fn consume(store: &Store, flow: &FlowFixture, seconds: i64) -> Callback {
    store
        .flows()
        .consume(&flow.state_hash, &flow.provider, Some(b"code"), at(seconds))
        .await
        .unwrap()
}

async fn inserted_flow_is_read_back(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit");
    let (reconnect, verifier) = (account("juniper"), encrypted("verifier"));
    let new = NewFlow {
        reconnect_account: Some(&reconnect),
        pkce_verifier: Some(&verifier),
        expected_issuer: Some("https://reddit.example"),
        finish_challenge: Some("challenge"),
        receipt_salt: &[0, 255, 10],
        ..fixture.row()
    };
    store.flows().insert(&new).await.unwrap();
    let flow = fixture.flow(&store).await;
    assert_eq!(
        (&flow.id, flow.user, &flow.provider),
        (&fixture.id, fixture.user, &fixture.provider)
    );
    assert_eq!(
        (flow.redirect_url.as_str(), flow.requested_scope.as_str()),
        (new.redirect_url, new.requested_scope)
    );
    assert_eq!(flow.reconnect_account.as_ref(), Some(&reconnect));
    assert_eq!(flow.pkce_verifier.as_ref(), Some(&verifier));
    let (issuer, challenge) = (&flow.expected_issuer, &flow.finish_challenge);
    assert_eq!(
        (issuer.as_deref(), challenge.as_deref()),
        (new.expected_issuer, new.finish_challenge)
    );
    assert_eq!(
        (flow.receipt_salt.as_slice(), &flow.correlation_id),
        (new.receipt_salt, &fixture.trace)
    );
    assert_eq!(
        (flow.expires_at, flow.status),
        (at(600), FlowStatus::Waiting)
    );
    assert_not_consumed(&flow);
}

fn assert_not_consumed(flow: &Flow) {
    assert!(flow.consumed_at.is_none() && flow.code_hash.is_none() && flow.receipt_hash.is_none());
    assert!(flow.finish_expires_at.is_none() && flow.error_code.is_none());
    assert!(flow.connected_account.is_none() && flow.grant.is_none());
}

async fn one_of_twenty_callbacks_consumes_state(database: TestDatabase) {
    let store = database.store().await;
    let fixture = std::sync::Arc::new(
        FlowFixture::of(new_user(&store).await, "reddit")
            .insert(&store)
            .await,
    );
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20_u8 {
        let (store, fixture) = (store.clone(), fixture.clone());
        tasks.spawn(async move {
            let code = [n];
            match store
                .flows()
                .consume(&fixture.state_hash, &fixture.provider, Some(&code), at(60))
                .await
                .unwrap()
            {
                Callback::First(flow) => (Some(n), flow),
                Callback::Again(flow) => (None, flow),
                other => panic!("{other:?}"),
            }
        });
    }
    let callbacks = tasks.join_all().await;
    let first: Vec<_> = callbacks.iter().filter_map(|(first, _)| *first).collect();
    let [n] = first[..] else {
        panic!("first: {first:?}")
    };
    let codes: Vec<_> = callbacks
        .iter()
        .map(|(_, flow)| flow.code_hash.as_deref())
        .collect();
    assert_eq!(
        codes,
        [Some(&[n][..]); 20],
        "every callback gets the code of the first"
    );
}

async fn state_is_bound_to_provider(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit")
        .insert(&store)
        .await;
    let other = slug("tiktok");
    let callback = store
        .flows()
        .consume(&fixture.state_hash, &other, None, at(60))
        .await
        .unwrap();
    assert!(matches!(callback, Callback::Unknown), "{callback:?}");
    assert!(
        store
            .flows()
            .by_state(&fixture.state_hash, &other)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .flows()
            .by_state(&fixture.state_hash, &fixture.provider)
            .await
            .unwrap()
            .is_some()
    );
    let callback = consume(&store, &fixture, 60).await;
    assert!(
        matches!(callback, Callback::First(_)),
        "a callback at another provider does not consume the state: {callback:?}"
    );
}

async fn expired_state_is_not_consumed(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit")
        .insert(&store)
        .await;
    let late = consume(&store, &fixture, 600).await;
    assert!(
        matches!(&late, Callback::Expired(flow) if flow.consumed_at.is_none()),
        "{late:?}"
    );
    let unknown = store
        .flows()
        .consume(b"no such state", &fixture.provider, None, at(0))
        .await
        .unwrap();
    assert!(matches!(unknown, Callback::Unknown), "{unknown:?}");
    let in_time = consume(&store, &fixture, 599).await;
    assert!(matches!(in_time, Callback::First(_)), "{in_time:?}");
}

async fn repeated_callback_gets_result_of_first(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit")
        .insert(&store)
        .await;
    let first = store
        .flows()
        .consume(&fixture.state_hash, &fixture.provider, None, at(60))
        .await
        .unwrap();
    assert!(
        matches!(&first, Callback::First(flow) if flow.consumed_at == Some(at(60)) && flow.code_hash.is_none())
    );
    let denied = FlowOutcome::Error(ErrorCode::OauthDenied.into());
    store
        .flows()
        .record_outcome(&fixture.flow(&store).await, &denied, at(0))
        .await
        .unwrap();
    // The result is returned even after the state has expired.
    for seconds in [61, 6000] {
        let Callback::Again(flow) = consume(&store, &fixture, seconds).await else {
            panic!("not consumed after {seconds} s")
        };
        assert_eq!(
            (flow.consumed_at, flow.code_hash),
            (Some(at(60)), None),
            "the values of the first callback are kept"
        );
        assert_eq!(
            (flow.status, flow.error_code),
            (FlowStatus::Error, Some(ErrorCode::OauthDenied))
        );
    }
}

async fn flow_of_another_user_is_not_found(database: TestDatabase) {
    let store = database.store().await;
    let (user, other) = (new_user(&store).await, new_user(&store).await);
    let fixture = FlowFixture::of(user, "reddit").insert(&store).await;
    assert!(
        store
            .flows()
            .owned(&fixture.id, other)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .flows()
            .owned(&fixture.id, user)
            .await
            .unwrap()
            .is_some()
    );
}

async fn state_cannot_be_used_for_two_flows(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit")
        .insert(&store)
        .await;
    let other = FlowFixture::of(fixture.user, "tiktok");
    let twice = store
        .flows()
        .insert(&NewFlow {
            state_hash: &fixture.state_hash,
            ..other.row()
        })
        .await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
}

async fn deleted_user_cannot_start_flow(database: TestDatabase) {
    let store = database.store().await;
    let fixture = FlowFixture::of(new_user(&store).await, "reddit");
    assert!(delete_user(&store, fixture.user).await);
    let inserted = store.flows().insert(&fixture.row()).await;
    assert!(matches!(inserted, Err(StoreError::Missing)), "{inserted:?}");
}
