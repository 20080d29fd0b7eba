//! Times go in and come out to the millisecond and compare in SQL as they do here, wherever the
//! server stands.

use evergrant_model::{Clock, ExternalId, SessionId, SystemClock, Timestamp};
use evergrant_store::{Callback, NewFlow, NewSession, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use proptest::prelude::{Strategy, prop_oneof};
use proptest::{prop_assert, prop_assert_eq};

use crate::support::{FlowSeed, for_all, new_user, set_default, unique};

on_both_databases!(
    times_come_back_to_the_millisecond,
    sql_compares_times_as_we_do
);
on_postgres!(no_zone_of_server_or_program_moves_a_time);

/// From 1970 to past 9999, with the years that matter drawn most.
fn times() -> impl Strategy<Value = Timestamp> {
    let any = 0..=Timestamp::from_unix_ms(i64::MAX).unix_ms();
    prop_oneof![any, 0..4_102_444_800_000_i64].prop_map(Timestamp::from_unix_ms)
}

/// Two times that are often the same or a millisecond apart.
fn pairs() -> impl Strategy<Value = (Timestamp, Timestamp)> {
    let near = (times(), -1..=1_i64).prop_map(|(time, ms)| (time, time.plus_ms(ms)));
    prop_oneof![near, (times(), times())]
}

async fn session(store: &Store, created_at: Timestamp, expires_at: Timestamp) -> SessionId {
    let id = SessionId::new(format!("session-{}", unique())).unwrap();
    let user = new_user(store).await;
    store
        .sessions()
        .insert(&NewSession {
            id: &id,
            user,
            secret_hash: b"hash",
            created_at,
            expires_at,
            idle_until: None,
        })
        .await
        .unwrap();
    id
}

async fn times_come_back_to_the_millisecond(database: TestDatabase) {
    let store = database.store().await;
    for_all(64, &times(), async |time| {
        let id = session(&store, time, time).await;
        prop_assert_eq!(
            store
                .sessions()
                .by_id(&id)
                .await
                .unwrap()
                .unwrap()
                .expires_at,
            time
        );
        Ok(())
    });
}

async fn sql_compares_times_as_we_do(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    for_all(64, &pairs(), async |(end, now)| {
        let id = session(&store, end, end).await;
        store.sessions().delete_expired(now).await.unwrap();
        prop_assert_eq!(
            store.sessions().by_id(&id).await.unwrap().is_some(),
            end >= now
        );
        let seed = FlowSeed::of(user, "reddit");
        store
            .flows()
            .insert(&NewFlow {
                expires_at: end,
                ..seed.row()
            })
            .await
            .unwrap();
        let callback = store
            .flows()
            .consume(&seed.state_hash, &seed.provider, None, now)
            .await
            .unwrap();
        let first = matches!(&callback, Callback::First(flow) if flow.consumed_at == Some(now));
        prop_assert!(first == (end > now), "{callback:?}");
        Ok(())
    });
}

async fn no_zone_of_server_or_program_moves_a_time(database: TestDatabase) {
    set_default(&database, "timezone", "Pacific/Auckland").await;
    let store = database.store().await;
    let time = Timestamp::from_unix_ms(1_767_225_600_123);
    let id = session(&store, time, time).await;
    assert_eq!(
        store
            .sessions()
            .by_id(&id)
            .await
            .unwrap()
            .unwrap()
            .expires_at,
        time
    );
    assert_eq!(
        database
            .texts("SELECT expires_at::text FROM evergrant_sessions")
            .await,
        ["2026-01-01 00:00:00.123"]
    );
    // The defaults of the shared tables serve a program that stands in a zone of its own.
    database
        .execute(
            "SET timezone TO 'Asia/Kolkata'; INSERT INTO users (external_id) VALUES ('theirs')",
        )
        .await;
    let theirs = store
        .users()
        .by_external_id(&ExternalId::new("theirs").unwrap())
        .await
        .unwrap()
        .unwrap();
    for made in [theirs.created_at, theirs.updated_at] {
        assert!(SystemClock.now().seconds_since(made).abs() < 3600, "{made}");
    }
}
