//! What the tests begin with: people, consents and flows in few words.

use std::sync::atomic::{AtomicU32, Ordering};

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionStatus, CorrelationId, EventKind, FlowId, ProviderAccountId, ProviderSlug,
    StatusReason, Timestamp, UserId,
};
use evergrant_resilience::refresh::lease::{LeaseRequest, Ticket};
use evergrant_store::{
    Connection, CreatedUser, FailedRefresh, Flow, FlowStatus, Grant, LeaseAnswer, Leased, NewFlow,
    NewRevocation, NewUser, RefreshedGrant, Store, StoreError, StoredGrant, StoredTokens, User,
};
use evergrant_testkit::{NEW_YEAR_SECONDS, TestDatabase};
use proptest::prelude::{Strategy, TestCaseError};
use proptest::test_runner::{Config, TestRunner};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A number that no other call gets.
pub(crate) fn unique() -> u32 {
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// So many seconds into the year.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NEW_YEAR_SECONDS).plus_seconds(seconds)
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

/// A stand-in for a ciphertext: the store cannot tell it from a real one.
pub(crate) fn sealed(text: &str) -> EncryptedToken {
    EncryptedToken::from_stored(text.to_owned())
}

/// Tokens of which nothing else is known.
pub(crate) fn tokens(access: &str, refresh: Option<&str>) -> StoredTokens {
    StoredTokens {
        access: Some(sealed(access)),
        refresh: refresh.map(sealed),
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

pub(crate) fn created(made: CreatedUser) -> User {
    match made {
        CreatedUser::New(user) => user,
        other => panic!("no new user: {other:?}"),
    }
}

/// The parts of a flow that its row borrows.
pub(crate) struct FlowSeed {
    pub(crate) id: FlowId,
    pub(crate) user: UserId,
    pub(crate) provider: ProviderSlug,
    pub(crate) state_hash: Vec<u8>,
    pub(crate) trace: CorrelationId,
}

impl FlowSeed {
    pub(crate) fn of(user: UserId, provider: &str) -> Self {
        let id = format!("flow-{}", unique());
        let state_hash = format!("the hash of the state of {id}").into_bytes();
        Self {
            id: FlowId::new(id).unwrap(),
            user,
            provider: slug(provider),
            state_hash,
            trace: trace("began-it"),
        }
    }

    /// A flow that begins now and whose state ends after ten minutes.
    pub(crate) fn row(&self) -> NewFlow<'_> {
        NewFlow {
            id: &self.id,
            state_hash: &self.state_hash,
            user: self.user,
            provider: &self.provider,
            redirect_url: "https://app.example/settings",
            scope: "identity read",
            reconnect: None,
            verifier: None,
            issuer: None,
            challenge: None,
            receipt_salt: b"salt",
            correlation_id: &self.trace,
            created_at: at(0),
            expires_at: at(600),
        }
    }

    /// The flow as it is stored.
    pub(crate) async fn flow(&self, store: &Store) -> Flow {
        store
            .flows()
            .owned(&self.id, self.user)
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn begin(self, store: &Store) -> Self {
        store.flows().insert(&self.row()).await.unwrap();
        self
    }
}

/// The parts of a grant that its row borrows.
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

    /// A grant of an hour.
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
        }
    }

    /// Stores the grant at the end of a flow of its own.
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

    pub(crate) async fn try_store(&self, store: &Store) -> Result<StoredGrant, StoreError> {
        let flow = FlowSeed::of(self.user, self.provider.as_str())
            .begin(store)
            .await;
        store
            .connections()
            .store_grants(&[self.grant()], &flow.id, FlowStatus::Waiting)
            .await
    }
}

/// A new user's connection.
pub(crate) async fn connect(store: &Store, provider: &str, name: &str) -> Connection {
    Consent::of(new_user(store).await, provider, name)
        .store(store)
        .await
}

/// The connection as it stands now.
pub(crate) async fn again(store: &Store, held: &Connection) -> Connection {
    store.connections().by_id(held.id).await.unwrap().unwrap()
}

/// The connection as somebody holds it who may bring a result back.
pub(crate) fn bearing(held: &Connection) -> Leased {
    let (generation, attempt) = (held.lease.generation, held.lease.attempt);
    let ticket = Ticket {
        generation,
        attempt,
        taken_at_ms: at(0).unix_ms(),
        in_doubt_for_ms: None,
    };
    Leased {
        held: held.clone(),
        ticket,
    }
}

/// The lease on the connection, which nobody else holds.
pub(crate) async fn leased(store: &Store, held: &Connection) -> Leased {
    let asker = LeaseRequest {
        seen: held.lease.generation,
        settled_for_ms: i64::MAX,
    };
    match store
        .refreshes()
        .take_lease(held.id, asker, "a test", at(20))
        .await
        .unwrap()
    {
        LeaseAnswer::Leased(leased) => *leased,
        other => panic!("{other:?}"),
    }
}

/// The parts of a renewed pair that its row borrows.
pub(crate) struct RefreshedTokens {
    pub(crate) tokens: StoredTokens,
    pub(crate) trace: CorrelationId,
}

impl RefreshedTokens {
    pub(crate) fn new(access: &str, refresh: Option<&str>) -> Self {
        let (expires_at, issued_at) = (Some(at(7200)), Some(at(3600)));
        let tokens = StoredTokens {
            expires_at,
            issued_at,
            ..tokens(access, refresh)
        };
        Self {
            tokens,
            trace: trace("renewed"),
        }
    }

    /// A pair that was asked for after an hour and says no more than it must.
    pub(crate) fn row(&self) -> RefreshedGrant<'_> {
        RefreshedGrant {
            tokens: &self.tokens,
            next_status_at: None,
            status: ConnectionStatus::Connected,
            reason: None,
            next_refresh_at: Some(at(6600)),
            at: at(3600),
            correlation_id: &self.trace,
        }
    }

    /// Stores the pair under a lease of its own, as every program version does.
    pub(crate) async fn store_leased(&self, store: &Store, held: &Connection) -> bool {
        store
            .refreshes()
            .store(&leased(store, held).await, &self.row())
            .await
            .unwrap()
            .is_some()
    }

    pub(crate) async fn store(&self, store: &Store, held: &Connection) -> bool {
        store
            .refreshes()
            .store(&bearing(held), &self.row())
            .await
            .unwrap()
            .is_some()
    }
}

/// A renewal that the platform did not answer.
pub(crate) fn failure(trace: &CorrelationId) -> FailedRefresh<'_> {
    FailedRefresh {
        status: ConnectionStatus::Error,
        reason: Some(StatusReason::ProviderUnavailable),
        outcome: "unknown",
        next_refresh_at: Some(at(4000)),
        event: Some(EventKind::Error),
        rejected: false,
        at: at(3700),
        correlation_id: trace,
    }
}

pub(crate) fn revocation(id: &str, provider: &str) -> NewRevocation {
    NewRevocation {
        person: None,
        id: id.to_owned(),
        provider: slug(provider),
        next_attempt_at: at(60),
        expires_at: at(86_400),
        correlation_id: trace("gave-up"),
    }
}

pub(crate) async fn version(store: &Store, user: UserId) -> i64 {
    store
        .connections()
        .of_user(user)
        .await
        .unwrap()
        .unwrap()
        .version
}

/// A time as an SQL literal, so many seconds into the year.
pub(crate) fn literal_time(database: &TestDatabase, seconds: i64) -> String {
    if database.is_postgres() {
        format!("timestamp '{}'", at(seconds))
    } else {
        at(seconds).unix_ms().to_string()
    }
}

/// A query with SQL literals in place of its parameters.
pub(crate) fn with_literals(sql: &str, parameters: &[String]) -> String {
    let numbered = parameters.iter().enumerate().rev();
    numbered.fold(sql.to_owned(), |sql, (place, value)| {
        sql.replace(&format!("${}", place + 1), value)
    })
}

/// Gives every new connection to this PostgreSQL database another default.
pub(crate) async fn set_default(database: &TestDatabase, setting: &str, value: &str) {
    let alter = "format('ALTER DATABASE %I SET %I TO %L', current_database(), ";
    database
        .execute(&format!(
            "DO $$ BEGIN EXECUTE {alter}'{setting}', '{value}'); END $$"
        ))
        .await;
}

/// Tries a claim about the store on `cases` random values.
pub(crate) fn for_all<T: std::fmt::Debug>(
    cases: u32,
    values: &impl Strategy<Value = T>,
    claim: impl AsyncFn(T) -> Result<(), TestCaseError>,
) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let here = tokio::runtime::Handle::current();
    let tried =
        tokio::task::block_in_place(|| runner.run(values, |value| here.block_on(claim(value))));
    if let Err(error) = tried {
        panic!("{error}");
    }
}
