//! Changes that another program makes in the shared tables take effect on all replicas: in their
//! caches with the next poll, in their event streams with the one after.

use evergrant_model::{ErrorCode, EventKind, UserId};
use evergrant_service::{IntegrationsService, JobName, UserEvent, UserEvents};
use evergrant_testkit::{TestDatabase, cipher, on_both_databases, on_postgres, on_sqlite};
use secrecy::ExposeSecret;

use crate::harness::{TestEnv, app, call, read, serving, wait_for_polls};

on_both_databases!(
    deleted_user_leaves_all_caches,
    deleted_account_leaves_all_caches,
    moved_account_is_served_to_its_new_owner_only,
    changed_user_id_moves_the_connections,
    replaced_token_and_changed_details_are_served,
    streams_of_both_owners_report_a_moved_account,
    streams_of_deleted_user_end,
    changes_made_while_no_replica_ran_are_reported,
    expiry_in_the_past_is_refreshed_at_once,
);
on_sqlite!(user_deleted_without_foreign_keys_is_not_served);
on_postgres!(
    truncation_empties_lists_and_resets_streams,
    truncation_of_users_ends_streams,
    change_is_found_by_polling_without_notification,
);

/// A replica that has cached the connection and the list of a user with two accounts.
struct Cached {
    env: TestEnv,
    reader: IntegrationsService,
    user: UserId,
    account: String,
    session: String,
}

impl Cached {
    async fn new(database: TestDatabase) -> Self {
        let env = TestEnv::new(database).await;
        let (user, account) = env.connected_user("acme").await;
        env.connect(user, "acme", "kiln").await;
        let reader = serving(&env).await;
        let session = reader.sessions().create(&call(), user, None).await.unwrap();
        let session = session.secret.expose_secret().to_owned();
        let cached = Self {
            env,
            reader,
            user,
            account,
            session,
        };
        assert!(cached.read(user).await.is_ok());
        assert_eq!(cached.accounts(user).await, Ok(2));
        assert!(cached.signed_in().await);
        cached
    }

    /// Changes the shared tables as another program does, and waits until the reader has polled.
    async fn change(&self, sql: &str) {
        self.env.database.execute(sql).await;
        wait_for_polls(&self.reader).await;
    }

    async fn read(&self, user: UserId) -> Result<String, ErrorCode> {
        read(&self.reader, user, "acme", &self.account).await
    }

    /// Returns the number of the user's connections.
    async fn accounts(&self, user: UserId) -> Result<usize, ErrorCode> {
        let list = self.reader.connected_integrations(&call(), user).await;
        list.map(|list| list.integrations.len())
            .map_err(|error| error.code())
    }

    /// Returns whether the user's session is valid.
    async fn signed_in(&self) -> bool {
        let authenticator = self.reader.authenticator();
        let caller = authenticator
            .authenticate(&self.session, &call().correlation_id)
            .await;
        caller.unwrap().is_some()
    }

    async fn stream(&self, user: UserId) -> UserEvents {
        let mut stream = self
            .reader
            .events()
            .open(&call(), user, app(), None)
            .await
            .unwrap();
        assert!(matches!(stream.next().await, Some(UserEvent::Ready { .. })));
        stream
    }

    /// Reports recorded changes by a replica that serves no stream.
    async fn report(&self) {
        let process = self.env.service.process();
        process.run_job(JobName::ReportRowChanges).await.unwrap();
    }

    /// Returns the next event of the stream; `None` if it ends. Panics if the reader polls several
    /// times and there is no event.
    async fn next(&self, stream: &mut UserEvents) -> Option<UserEvent> {
        tokio::select! {
            event = stream.next() => event,
            () = async { for _ in 0..3 { wait_for_polls(&self.reader).await; } } => panic!("no event"),
        }
    }

    async fn other_user(&self) -> UserId {
        self.env.user().await
    }
}

fn id(user: UserId) -> i32 {
    user.get()
}

async fn deleted_user_leaves_all_caches(database: TestDatabase) {
    let cached = Cached::new(database).await;
    cached.change("DELETE FROM users").await;
    let user = cached.user;
    assert_eq!(cached.read(user).await, Err(ErrorCode::UserNotFound));
    assert_eq!(cached.accounts(user).await, Err(ErrorCode::UserNotFound));
    assert!(!cached.signed_in().await);
}

async fn deleted_account_leaves_all_caches(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let account = &cached.account;
    let delete = format!("DELETE FROM oauth_accounts WHERE provider_account_id = '{account}'");
    cached.change(&delete).await;
    let user = cached.user;
    assert_eq!(cached.read(user).await, Err(ErrorCode::AccountNotFound));
    assert_eq!(cached.accounts(user).await, Ok(1));
    assert!(cached.signed_in().await);
}

async fn moved_account_is_served_to_its_new_owner_only(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let (old, new) = (cached.user, cached.other_user().await);
    assert_eq!(cached.accounts(new).await, Ok(0));
    let update = format!("UPDATE oauth_accounts SET user_id = {}", id(new));
    cached.change(&update).await;
    assert_eq!(cached.read(old).await, Err(ErrorCode::AccountNotFound));
    assert_eq!(cached.accounts(old).await, Ok(0));
    assert!(cached.read(new).await.is_ok());
    assert_eq!(cached.accounts(new).await, Ok(2));
}

async fn changed_user_id_moves_the_connections(database: TestDatabase) {
    let cached = Cached::new(database).await;
    cached.change("UPDATE users SET id = 77").await;
    let new = UserId::try_from(77).unwrap();
    assert_eq!(cached.read(cached.user).await, Err(ErrorCode::UserNotFound));
    assert!(cached.read(new).await.is_ok());
    assert_eq!(cached.accounts(new).await, Ok(2));
    let (authenticator, call) = (cached.reader.authenticator(), call());
    let caller = authenticator.authenticate(&cached.session, &call.correlation_id);
    let caller = caller.await.unwrap().unwrap();
    assert_eq!(caller.user(), Some(new), "the session has moved too");
}

async fn replaced_token_and_changed_details_are_served(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let (user, account) = (cached.user, &cached.account);
    let token = cipher().encrypt_token("of another program").unwrap();
    let update = format!(
        "UPDATE oauth_accounts SET access_token = '{}' WHERE provider_account_id = '{account}'",
        token.as_str()
    );
    cached.change(&update).await;
    assert_eq!(cached.read(user).await.as_deref(), Ok("of another program"));
    cached.accounts(user).await.unwrap();
    cached
        .change("UPDATE oauth_accounts SET scope = 'changed'")
        .await;
    let list = cached.reader.connected_integrations(&call(), user).await;
    for integration in list.unwrap().integrations {
        assert_eq!(integration.scope.as_deref(), Some("changed"));
    }
}

async fn streams_of_both_owners_report_a_moved_account(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let (old, new) = (cached.user, cached.other_user().await);
    let (mut of_old, mut of_new) = (cached.stream(old).await, cached.stream(new).await);
    let account = &cached.account;
    let update = format!(
        "UPDATE oauth_accounts SET user_id = {} WHERE provider_account_id = '{account}'",
        id(new)
    );
    cached.env.database.execute(&update).await;
    cached.report().await;
    for (stream, expected) in [
        (&mut of_old, EventKind::Disconnected),
        (&mut of_new, EventKind::Connected),
    ] {
        match cached.next(stream).await {
            Some(UserEvent::Account { kind, account, .. }) => {
                assert_eq!((kind, &account), (expected, &cached.account));
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn streams_of_deleted_user_end(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let other = cached.other_user().await;
    let mut streams = [
        cached.stream(cached.user).await,
        cached.stream(cached.user).await,
    ];
    let mut of_other = cached.stream(other).await;
    let delete = format!("DELETE FROM users WHERE id = {}", id(cached.user));
    cached.env.database.execute(&delete).await;
    cached.report().await;
    for stream in &mut streams {
        assert!(cached.next(stream).await.is_none());
    }
    let update = "UPDATE users SET name = 'still here'";
    cached.env.database.execute(update).await;
    cached.env.connect(other, "acme", "wren").await;
    let event = cached.next(&mut of_other).await;
    assert!(event.is_some(), "the stream of another user stays open");
}

/// The app adds an account, deletes one and deletes a user before a replica starts.
async fn changes_made_while_no_replica_ran_are_reported(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let (deleted, _) = env.connected_user("reddit").await;
    let (_, added) = env.user_with_accounts("acme", 1, env.now()).await;
    let change = format!(
        "DELETE FROM oauth_accounts WHERE provider_account_id = '{account}';
        DELETE FROM users WHERE id = {}",
        id(deleted)
    );
    env.database.execute(&change).await;
    let process = env.service.process();
    process.run_job(JobName::ReportRowChanges).await.unwrap();
    let events = "SELECT CAST(user_id AS text) || ' ' || kind || ' ' || COALESCE(provider_account_id, 'user')
        FROM evergrant_events ORDER BY id";
    let events = env.database.texts(events).await;
    let expected = |user: UserId, text: &str| {
        let event = format!("{} {text}", id(user));
        assert!(events.contains(&event), "{event}: {events:?}");
    };
    expected(user, &format!("disconnected {account}"));
    expected(deleted, "disconnected user");
    assert!(
        events
            .iter()
            .any(|event| event.ends_with(&format!("connected {}", added[0])))
    );
    let progress = process.run_job(JobName::ReportRowChanges).await.unwrap();
    assert_eq!(progress.items, 0, "each change is reported once");
}

/// An operator forces a refresh by setting the expiry.
async fn expiry_in_the_past_is_refreshed_at_once(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let before = cached.read(cached.user).await;
    let past = if cached.env.database.is_postgres() {
        "timestamp '2020-01-01'"
    } else {
        "0"
    };
    let update = format!("UPDATE oauth_accounts SET expires_at = {past}");
    cached.change(&update).await;
    let after = cached.read(cached.user).await;
    assert!(after.is_ok() && after != before);
}

/// The accounts stay behind, because the other program does not enforce foreign keys.
async fn user_deleted_without_foreign_keys_is_not_served(database: TestDatabase) {
    let cached = Cached::new(database).await;
    cached
        .change("PRAGMA foreign_keys = OFF; DELETE FROM users")
        .await;
    let left = "SELECT provider_account_id FROM oauth_accounts";
    assert_eq!(cached.env.database.texts(left).await.len(), 2);
    let user = cached.user;
    assert_eq!(cached.read(user).await, Err(ErrorCode::UserNotFound));
    assert_eq!(cached.accounts(user).await, Err(ErrorCode::UserNotFound));
    assert!(!cached.signed_in().await);
    cached.report().await;
    let orphans = "SELECT CAST(user_id AS text) FROM evergrant_sessions
        UNION ALL SELECT CAST(user_id AS text) FROM evergrant_versions
        UNION ALL SELECT CAST(user_id AS text) FROM evergrant_flows";
    let orphans = cached.env.database.texts(orphans).await;
    assert!(orphans.is_empty(), "{orphans:?}");
}

async fn truncation_empties_lists_and_resets_streams(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let mut stream = cached.stream(cached.user).await;
    cached.change("TRUNCATE oauth_accounts CASCADE").await;
    let user = cached.user;
    assert_eq!(cached.read(user).await, Err(ErrorCode::AccountNotFound));
    assert_eq!(cached.accounts(user).await, Ok(0));
    let event = cached.next(&mut stream).await;
    assert!(matches!(event, Some(UserEvent::Reset { .. })), "{event:?}");
}

async fn truncation_of_users_ends_streams(database: TestDatabase) {
    let cached = Cached::new(database).await;
    let mut stream = cached.stream(cached.user).await;
    cached.change("TRUNCATE users CASCADE").await;
    assert!(!cached.signed_in().await);
    assert!(cached.next(&mut stream).await.is_none());
}

/// The trigger sends no notification if the app may use prepared transactions, which reject it.
async fn change_is_found_by_polling_without_notification(database: TestDatabase) {
    let cached = Cached::new(database).await;
    cached
        .change(
            "CREATE OR REPLACE FUNCTION evergrant_notify_row_change() RETURNS void
            LANGUAGE plpgsql AS 'BEGIN END'; DELETE FROM users",
        )
        .await;
    assert_eq!(cached.read(cached.user).await, Err(ErrorCode::UserNotFound));
}
