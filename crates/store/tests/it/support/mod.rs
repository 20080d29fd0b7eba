//! Fixtures of the tests: users, consents, flows and refreshed tokens.

mod refresh;

use std::sync::atomic::{AtomicU32, Ordering};

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    CorrelationId, FlowId, ProviderAccountId, ProviderSlug, SignedDuration, Timestamp, UserId,
};
use evergrant_store::{
    Connection, CreatedUser, Flow, FlowStatus, Grant, NewFlow, NewRevocation, NewUser, Store,
    StoreError, StoredGrant, StoredTokens, User,
};
use evergrant_testkit::{NEW_YEAR_SECONDS, TestDatabase};
use proptest::prelude::{Strategy, TestCaseError};
use proptest::test_runner::{Config, TestRunner};

pub(crate) use refresh::{
    RefreshedTokens, STRICT, digest, failure, forged_lease, import, leased, record_failure,
};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Returns a number that is different for each call.
pub(crate) fn unique() -> u32 {
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// Returns the time this many seconds after the start of 2026.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NEW_YEAR_SECONDS) + SignedDuration::from_secs(seconds)
}

pub(crate) fn slug(text: &str) -> ProviderSlug {
    ProviderSlug::new(text).unwrap()
}

pub(crate) fn account(text: &str) -> ProviderAccountId {
    ProviderAccountId::new(text).unwrap()
}

pub(crate) fn trace(text: &str) -> CorrelationId {
    CorrelationId::new(text).unwrap()
}

/// Returns a text in place of a ciphertext. The store does not inspect ciphertexts.
pub(crate) fn encrypted(text: &str) -> EncryptedToken {
    EncryptedToken::from_stored(text.to_owned())
}

/// Returns a token set without optional values.
pub(crate) fn tokens(access: &str, refresh: Option<&str>) -> StoredTokens {
    StoredTokens {
        access: Some(encrypted(access)),
        refresh: refresh.map(encrypted),
        expires_at: None,
        grant_expires_at: None,
        token_type: None,
        scope: None,
        issued_at: None,
    }
}

pub(crate) fn text(token: Option<&EncryptedToken>) -> Option<&str> {
    token.map(EncryptedToken::as_str)
}

pub(crate) async fn new_user(store: &Store) -> UserId {
    created(
        store
            .users()
            .create(&NewUser::default(), at(0))
            .await
            .unwrap(),
    )
    .id
}

/// Unwraps a newly created user.
pub(crate) fn created(made: CreatedUser) -> User {
    match made {
        CreatedUser::New(user) => user,
        other => panic!("no new user: {other:?}"),
    }
}

/// The values that a [`NewFlow`] borrows.
pub(crate) struct FlowFixture {
    pub(crate) id: FlowId,
    pub(crate) user: UserId,
    pub(crate) provider: ProviderSlug,
    pub(crate) state_hash: Vec<u8>,
    pub(crate) trace: CorrelationId,
}

impl FlowFixture {
    pub(crate) fn of(user: UserId, provider: &str) -> Self {
        let id = format!("flow-{}", unique());
        let state_hash = format!("the hash of the state of {id}").into_bytes();
        Self {
            id: FlowId::new(id).unwrap(),
            user,
            provider: slug(provider),
            state_hash,
            trace: trace("started"),
        }
    }

    /// Returns a flow whose state expires after ten minutes.
    pub(crate) fn row(&self) -> NewFlow<'_> {
        NewFlow {
            id: &self.id,
            state_hash: &self.state_hash,
            user: self.user,
            provider: &self.provider,
            redirect_url: "https://app.example/settings",
            requested_scope: "identity read",
            reconnect_account: None,
            pkce_verifier: None,
            expected_issuer: None,
            finish_challenge: None,
            receipt_salt: b"salt",
            correlation_id: &self.trace,
            created_at: at(0),
            expires_at: at(600),
        }
    }

    /// Reads the stored flow.
    pub(crate) async fn flow(&self, store: &Store) -> Flow {
        store
            .flows()
            .owned(&self.id, self.user)
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn insert(self, store: &Store) -> Self {
        store.flows().insert(&self.row()).await.unwrap();
        self
    }
}

/// The values that a [`Grant`] borrows.
#[derive(Clone)]
pub(crate) struct Consent {
    pub(crate) user: UserId,
    pub(crate) provider: ProviderSlug,
    pub(crate) account: ProviderAccountId,
    pub(crate) tokens: StoredTokens,
    pub(crate) metadata: serde_json::Value,
    pub(crate) trace: CorrelationId,
}

impl Consent {
    pub(crate) fn of(user: UserId, provider: &str, name: &str) -> Self {
        Self {
            user,
            provider: slug(provider),
            account: account(name),
            tokens: StoredTokens {
                expires_at: Some(at(3600)),
                token_type: Some("bearer".to_owned()),
                scope: Some("identity".to_owned()),
                issued_at: Some(at(0)),
                ..tokens(
                    &format!("access of {name}"),
                    Some(&format!("refresh of {name}")),
                )
            },
            metadata: serde_json::json!({"username": name}),
            trace: trace("consented"),
        }
    }

    /// Returns a grant whose access token expires after an hour.
    pub(crate) fn grant(&self) -> Grant<'_> {
        Grant {
            user: self.user,
            provider: &self.provider,
            account: &self.account,
            tokens: &self.tokens,
            next_status_at: None,
            requested_scope: "identity read",
            metadata: &self.metadata,
            reason: None,
            next_refresh_at: Some(at(3000)),
            at: at(0),
            correlation_id: &self.trace,
            digests: &refresh::Texts,
        }
    }

    /// Inserts a flow, stores the grant, and returns the connection.
    pub(crate) async fn store(&self, store: &Store) -> Connection {
        assert!(matches!(
            self.try_store(store).await,
            Ok(StoredGrant::Stored(_))
        ));
        store
            .connections()
            .owned(self.user, &self.provider, &self.account)
            .await
            .unwrap()
            .unwrap()
    }

    /// Inserts a flow and stores the grant.
    pub(crate) async fn try_store(&self, store: &Store) -> Result<StoredGrant, StoreError> {
        let flow = FlowFixture::of(self.user, self.provider.as_str())
            .insert(store)
            .await;
        store
            .connections()
            .store_grants(&[self.grant()], &flow.id, FlowStatus::Waiting)
            .await
    }
}

/// Connects an account of a new user.
pub(crate) async fn connect(store: &Store, provider: &str, name: &str) -> Connection {
    Consent::of(new_user(store).await, provider, name)
        .store(store)
        .await
}

/// Reads the connection again.
pub(crate) async fn reload(store: &Store, connection: &Connection) -> Connection {
    store
        .connections()
        .by_id(connection.id)
        .await
        .unwrap()
        .unwrap()
}

/// Reads this user's connection to the account.
pub(crate) async fn find(
    store: &Store,
    user: UserId,
    provider: &str,
    name: &str,
) -> Option<Connection> {
    store
        .connections()
        .owned(user, &slug(provider), &account(name))
        .await
        .unwrap()
}

/// Deletes the connection without revoking its grant; `false` if it does not exist.
pub(crate) async fn delete_connection(store: &Store, connection: &Connection) -> bool {
    store
        .connections()
        .delete(connection, None, &trace("delete"), at(0))
        .await
        .unwrap()
}

/// Deletes the user without revoking any grant; `false` if the user does not exist.
pub(crate) async fn delete_user(store: &Store, user: UserId) -> bool {
    store
        .users()
        .delete(user, &trace("delete"), at(0), |_, _| None)
        .await
        .unwrap()
}

/// Inserts a row with tokens into `oauth_accounts`, as another program would.
pub(crate) async fn insert_external_row(database: &TestDatabase, user: UserId) {
    let sql = format!(
        "INSERT INTO oauth_accounts
            (user_id, provider, provider_account_id, access_token, refresh_token)
        VALUES ({}, 'reddit', 'juniper', 'external access', 'external refresh')",
        user.get()
    );
    database.execute(&sql).await;
}

pub(crate) fn revocation(id: &str, provider: &str) -> NewRevocation {
    NewRevocation {
        provider_user_id: None,
        id: id.to_owned(),
        provider: slug(provider),
        next_attempt_at: at(60),
        expires_at: at(86_400),
        correlation_id: trace("disconnect"),
    }
}

/// Returns the version of the user's connections.
pub(crate) async fn version(store: &Store, user: UserId) -> i64 {
    store
        .connections()
        .of_user(user)
        .await
        .unwrap()
        .unwrap()
        .version
}

/// Returns the time this many seconds after the start of 2026 as an SQL literal.
pub(crate) fn literal_time(database: &TestDatabase, seconds: i64) -> String {
    if database.is_postgres() {
        format!("timestamp '{}'", at(seconds))
    } else {
        at(seconds).unix_ms().to_string()
    }
}

/// Replaces the parameters of a query by SQL literals.
pub(crate) fn with_literals(sql: &str, parameters: &[String]) -> String {
    let numbered = parameters.iter().enumerate().rev();
    numbered.fold(sql.to_owned(), |sql, (place, value)| {
        sql.replace(&format!("${}", place + 1), value)
    })
}

/// Sets a parameter of this PostgreSQL database for all new connections.
pub(crate) async fn set_default(database: &TestDatabase, setting: &str, value: &str) {
    let alter = "format('ALTER DATABASE %I SET %I TO %L', current_database(), ";
    database
        .execute(&format!(
            "DO $$ BEGIN EXECUTE {alter}'{setting}', '{value}'); END $$"
        ))
        .await;
}

/// Checks a property of the store with `cases` random values.
pub(crate) fn for_all<T: std::fmt::Debug>(
    cases: u32,
    values: &impl Strategy<Value = T>,
    property: impl AsyncFn(T) -> Result<(), TestCaseError>,
) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let runtime = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(values, |value| runtime.block_on(property(value)))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
