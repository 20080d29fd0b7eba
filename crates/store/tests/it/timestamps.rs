//! Times are stored to the millisecond and compare in SQL as in Rust, independent of time zones.

use evergrant_model::{Clock, ExternalId, SessionId, SignedDuration, SystemClock, Timestamp};
use evergrant_store::{Callback, NewFlow, NewSession, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use proptest::prelude::{Strategy, prop_oneof};
use proptest::{prop_assert, prop_assert_eq};

use crate::support::{FlowFixture, for_all, new_user, set_default, unique};

on_both_databases!(
    times_are_read_back_to_the_millisecond,
    sql_compares_times_like_rust
);
on_postgres!(time_zones_of_server_and_client_do_not_change_times);

/// Random times from 1970 to after the year 9999, mostly from the first 130 years.
fn times() -> impl Strategy<Value = Timestamp> {
    let any = 0..=Timestamp::from_unix_ms(i64::MAX).unix_ms();
    prop_oneof![any, 0..4_102_444_800_000_i64].prop_map(Timestamp::from_unix_ms)
}

/// Two random times, often equal or a millisecond apart.
fn two_times() -> impl Strategy<Value = (Timestamp, Timestamp)> {
    let near =
        (times(), -1..=1_i64).prop_map(|(time, ms)| (time, time + SignedDuration::from_millis(ms)));
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
            idle_expires_at: None,
            return_url: None,
        })
        .await
        .unwrap();
    id
}

async fn times_are_read_back_to_the_millisecond(database: TestDatabase) {
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

async fn sql_compares_times_like_rust(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    for_all(64, &two_times(), async |(end, now)| {
        let id = session(&store, end, end).await;
        store.sessions().delete_expired(now).await.unwrap();
        prop_assert_eq!(
            store.sessions().by_id(&id).await.unwrap().is_some(),
            end >= now
        );
        let fixture = FlowFixture::of(user, "reddit");
        store
            .flows()
            .insert(&NewFlow {
                expires_at: end,
                ..fixture.row()
            })
            .await
            .unwrap();
        let callback = store
            .flows()
            .consume(&fixture.state_hash, &fixture.provider, None, now)
            .await
            .unwrap();
        let first = matches!(&callback, Callback::First(flow) if flow.consumed_at == Some(now));
        prop_assert!(first == (end > now), "{callback:?}");
        Ok(())
    });
}

async fn time_zones_of_server_and_client_do_not_change_times(database: TestDatabase) {
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
    // The column defaults of the shared tables are UTC even in a client with another time zone.
    database
        .execute(
            "SET timezone TO 'Asia/Kolkata'; INSERT INTO users (external_id) VALUES ('external')",
        )
        .await;
    let external = store
        .users()
        .by_external_id(&ExternalId::new("external").unwrap())
        .await
        .unwrap()
        .unwrap();
    for time in [external.created_at, external.updated_at] {
        assert!(
            SystemClock.now().since(time).as_secs().abs() < 3600,
            "{time}"
        );
    }
}
