//! The event streams of a user: what an event costs, however many streams and connections the user
//! has.

use evergrant_model::{EventKind, SignedDuration, UserId};
use evergrant_service::{IntegrationsService, UserEvent, UserEvents};
use evergrant_store::testing::{CONNECTION_OF_USER, CONNECTIONS_OF_USER};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFETIME_SECONDS, TestEnv, app, call, reconcile, serving};

on_both_databases!(
    event_reads_the_changed_connection_once_for_all_streams,
    resumed_stream_reads_the_list_once_for_all_missed_events,
);

const CONNECTIONS: usize = 200;
const STREAMS: usize = 60;
const REFRESHES: usize = 20;

/// A user with [`CONNECTIONS`] connections at Acme, and a replica that serves the user's streams.
struct Scene {
    env: TestEnv,
    user: UserId,
    accounts: Vec<String>,
    serving: IntegrationsService,
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        let env = TestEnv::new(database).await;
        let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
        let (user, accounts) = env
            .user_with_accounts("acme", CONNECTIONS, expires_at)
            .await;
        reconcile(&env.service).await.unwrap();
        let serving = serving(&env).await;
        Self {
            env,
            user,
            accounts,
            serving,
        }
    }

    async fn open(&self, seen: Option<i64>) -> (UserEvents, i64) {
        let streams = self.serving.events();
        let mut stream = streams.open(&call(), self.user, app(), seen).await.unwrap();
        match stream.next().await {
            Some(UserEvent::Ready { version }) => (stream, version),
            other => panic!("the stream begins with {other:?}"),
        }
    }

    /// Refreshes the first [`REFRESHES`] accounts.
    async fn refresh(&self) {
        for account in &self.accounts[..REFRESHES] {
            let refreshed = self.env.refresh(self.user, "acme", account).await;
            assert!(refreshed.is_ok());
        }
    }

    /// Asserts that the stream receives the events of [`Scene::refresh`], with the connections.
    async fn assert_receives_refreshes(&self, stream: &mut UserEvents) {
        for expected in &self.accounts[..REFRESHES] {
            let Some(UserEvent::Account {
                kind: EventKind::Refreshed,
                account,
                integration: Some(integration),
                ..
            }) = stream.next().await
            else {
                panic!("no event of the refresh of {expected}")
            };
            assert_eq!(&account, expected);
            assert_eq!(&integration.provider_account_id, expected);
        }
    }

    /// Returns how many rows the serving replica has read as single connections, and as lists.
    fn rows_read(&self) -> (usize, usize) {
        let store = self.env.newest_store();
        (
            store.rows_read_by(&CONNECTION_OF_USER),
            store.rows_read_by(&CONNECTIONS_OF_USER),
        )
    }
}

async fn event_reads_the_changed_connection_once_for_all_streams(database: TestDatabase) {
    let scene = Scene::new(database).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(scene.open(None).await.0);
    }
    scene.refresh().await;
    for stream in &mut streams {
        scene.assert_receives_refreshes(stream).await;
    }
    assert_eq!(scene.rows_read(), (REFRESHES, 0));
}

async fn resumed_stream_reads_the_list_once_for_all_missed_events(database: TestDatabase) {
    let scene = Scene::new(database).await;
    let (stream, seen) = scene.open(None).await;
    drop(stream);
    scene.refresh().await;
    let (mut resumed, _) = scene.open(Some(seen)).await;
    scene.assert_receives_refreshes(&mut resumed).await;
    assert_eq!(scene.rows_read(), (0, CONNECTIONS));
}
