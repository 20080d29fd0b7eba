//! A flow's state is good once, at its own platform, for its own time.

use evergrant_model::ErrorCode;
use evergrant_store::{Callback, Flow, FlowEnd, FlowStatus, NewFlow, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{FlowSeed, account, at, new_user, sealed, slug, trace};

on_both_databases!(
    a_flow_reads_back_as_it_was_begun,
    of_twenty_callbacks_one_is_the_first,
    a_state_is_bound_to_its_platform,
    a_state_ends_with_its_time,
    whoever_comes_second_learns_what_the_first_did,
    another_users_flow_is_none,
    a_state_is_never_used_for_two_flows,
    a_user_who_is_gone_begins_nothing,
);

async fn consume(store: &Store, flow: &FlowSeed, seconds: i64) -> Callback {
    store
        .flows()
        .consume(&flow.state_hash, &flow.provider, Some(b"code"), at(seconds))
        .await
        .unwrap()
}

async fn a_flow_reads_back_as_it_was_begun(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit");
    let (reconnect, verifier) = (account("juniper"), sealed("verifier"));
    let new = NewFlow {
        reconnect: Some(&reconnect),
        verifier: Some(&verifier),
        issuer: Some("https://reddit.example"),
        challenge: Some("challenge"),
        receipt_salt: &[0, 255, 10],
        ..seed.row()
    };
    store.flows().insert(&new).await.unwrap();
    let flow = store
        .flows()
        .owned(&seed.id, seed.user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (&flow.id, flow.user, &flow.provider),
        (&seed.id, seed.user, &seed.provider)
    );
    assert_eq!(
        (flow.redirect_url.as_str(), flow.scope.as_str()),
        (new.redirect_url, new.scope)
    );
    assert_eq!(
        (flow.reconnect, flow.verifier),
        (Some(reconnect.clone()), Some(verifier.clone()))
    );
    assert_eq!(
        (flow.issuer.as_deref(), flow.challenge.as_deref()),
        (new.issuer, new.challenge)
    );
    assert_eq!(
        (flow.receipt_salt.as_slice(), flow.correlation_id),
        (new.receipt_salt, seed.trace.clone())
    );
    assert_eq!(
        (flow.expires_at, flow.status),
        (at(600), FlowStatus::Waiting)
    );
    assert!(flow.consumed_at.is_none() && flow.code_hash.is_none() && flow.receipt_hash.is_none());
    assert!(
        flow.finish_by.is_none()
            && flow.error_code.is_none()
            && flow.account.is_none()
            && flow.grant.is_none()
    );
}

async fn of_twenty_callbacks_one_is_the_first(database: TestDatabase) {
    let store = database.store().await;
    let seed = std::sync::Arc::new(
        FlowSeed::of(new_user(&store).await, "reddit")
            .begin(&store)
            .await,
    );
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20_u8 {
        let (store, seed) = (store.clone(), seed.clone());
        tasks.spawn(async move {
            let code = [n];
            match store
                .flows()
                .consume(&seed.state_hash, &seed.provider, Some(&code), at(60))
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
        "everybody hears of the one code"
    );
}

async fn a_state_is_bound_to_its_platform(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit")
        .begin(&store)
        .await;
    let elsewhere = slug("tiktok");
    let callback = store
        .flows()
        .consume(&seed.state_hash, &elsewhere, None, at(60))
        .await
        .unwrap();
    assert!(matches!(callback, Callback::Unknown), "{callback:?}");
    assert!(
        store
            .flows()
            .by_state(&seed.state_hash, &elsewhere)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .flows()
            .by_state(&seed.state_hash, &seed.provider)
            .await
            .unwrap()
            .is_some()
    );
    let callback = consume(&store, &seed, 60).await;
    assert!(
        matches!(callback, Callback::First(_)),
        "the wrong platform used nothing up: {callback:?}"
    );
}

async fn a_state_ends_with_its_time(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit")
        .begin(&store)
        .await;
    let late = consume(&store, &seed, 600).await;
    assert!(
        matches!(&late, Callback::Expired(flow) if flow.consumed_at.is_none()),
        "{late:?}"
    );
    let unknown = store
        .flows()
        .consume(b"no such state", &seed.provider, None, at(0))
        .await
        .unwrap();
    assert!(matches!(unknown, Callback::Unknown), "{unknown:?}");
    let in_time = consume(&store, &seed, 599).await;
    assert!(matches!(in_time, Callback::First(_)), "{in_time:?}");
}

async fn whoever_comes_second_learns_what_the_first_did(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit")
        .begin(&store)
        .await;
    let first = store
        .flows()
        .consume(&seed.state_hash, &seed.provider, None, at(60))
        .await
        .unwrap();
    assert!(
        matches!(&first, Callback::First(flow) if flow.consumed_at == Some(at(60)) && flow.code_hash.is_none())
    );
    store
        .flows()
        .settle(
            &seed.flow(&store).await,
            &FlowEnd::Error(ErrorCode::OauthDenied),
            at(0),
        )
        .await
        .unwrap();
    let again = |callback| -> Box<Flow> {
        match callback {
            Callback::Again(flow) => flow,
            other => panic!("{other:?}"),
        }
    };
    // Even after its time: what happened is still to be told.
    for seconds in [61, 6000] {
        let flow = again(consume(&store, &seed, seconds).await);
        assert_eq!(
            (flow.consumed_at, flow.code_hash),
            (Some(at(60)), None),
            "the first callback stands"
        );
        assert_eq!(
            (flow.status, flow.error_code),
            (FlowStatus::Error, Some(ErrorCode::OauthDenied))
        );
    }
}

async fn another_users_flow_is_none(database: TestDatabase) {
    let store = database.store().await;
    let (user, stranger) = (new_user(&store).await, new_user(&store).await);
    let seed = FlowSeed::of(user, "reddit").begin(&store).await;
    assert!(
        store
            .flows()
            .owned(&seed.id, stranger)
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.flows().owned(&seed.id, user).await.unwrap().is_some());
}

async fn a_state_is_never_used_for_two_flows(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit")
        .begin(&store)
        .await;
    let other = FlowSeed::of(seed.user, "tiktok");
    let twice = store
        .flows()
        .insert(&NewFlow {
            state_hash: &seed.state_hash,
            ..other.row()
        })
        .await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
}

async fn a_user_who_is_gone_begins_nothing(database: TestDatabase) {
    let store = database.store().await;
    let seed = FlowSeed::of(new_user(&store).await, "reddit");
    assert!(
        store
            .users()
            .delete(seed.user, &trace("bye"), at(0), |_, _| None)
            .await
            .unwrap()
    );
    let begun = store.flows().insert(&seed.row()).await;
    assert!(matches!(begun, Err(StoreError::Missing)), "{begun:?}");
}
