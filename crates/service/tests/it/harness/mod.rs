//! The test environment: a service over a real database, simulated providers and a manual clock.

mod backup;
mod callbacks;
mod connections;
mod flows;
mod frozen_time;
mod jobs;
mod recording;
mod replicas;
mod sandbox;
mod time;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergrant_adapters::Provider;
use evergrant_model::{
    Actor, ApiKeyId, Call, Clock, CorrelationId, FlowId, ManualClock, ProviderAccountId,
    ProviderSlug, Timestamp,
};
use evergrant_sandbox::{Sandbox, acme_definition};
use evergrant_service::{Caller, IntegrationsService, KeyScope};
use evergrant_store::Store;
use evergrant_testkit::{TestDatabase, new_year, shared};

use self::recording::{NoJitter, Recording};
use self::replicas::{COMMIT_WAIT, ReplicaParts};

pub(crate) use self::backup::{back_up, restore};
pub(crate) use self::callbacks::{
    VERIFIER, challenge, connected, failed, finish, params, pending, repeated,
};
pub(crate) use self::connections::{issue, read};
pub(crate) use self::frozen_time::FrozenTime;
pub(crate) use self::jobs::{reconcile, run_housekeeping, run_replica_jobs, start_due_refreshes};
pub(crate) use self::replicas::{serving, wait_for_polls};

/// Sandbox endpoint of a refresh.
pub(crate) const REFRESH: &str = "token.refresh_token";
/// Sandbox endpoint of an authorization code exchange.
pub(crate) const EXCHANGE: &str = "token.authorization_code";
/// Lifetime of Acme's access tokens.
pub(crate) const ACME_LIFETIME_SECONDS: i64 = 3600;
/// Lifetime of Reddit's access tokens.
pub(crate) const REDDIT_LIFETIME_SECONDS: i64 = 86_400;
/// Account id of Juniper at Acme.
pub(crate) const JUNIPER: &str = "ac-1001";
/// Account id of Kiln at Acme.
pub(crate) const KILN: &str = "ac-1002";
/// Account id of Wren at Acme.
pub(crate) const WREN: &str = "ac-1003";

/// Longest time that [`until`] waits. A passing test never comes near it.
const UNTIL_TIMEOUT: Duration = Duration::from_mins(2);

/// A service with its database, its simulated providers and its clocks.
pub(crate) struct TestEnv {
    pub(crate) service: IntegrationsService,
    /// Acme as the service calls it.
    pub(crate) acme: Arc<Provider>,
    pub(crate) store: Store,
    /// The stores of all replicas, whose leases run by the database's clock.
    stores: Mutex<Vec<Store>>,
    pub(crate) sandbox: Sandbox,
    /// The providers' clock. The services use it too, unless a test sets another.
    pub(crate) clock: Arc<ManualClock>,
    service_clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<NoJitter>,
    /// Outcomes recorded by all replicas.
    pub(crate) recorder: Arc<Recording>,
    /// Base URL of the sandbox, without a trailing slash.
    pub(crate) sandbox_url: String,
    pub(crate) database: TestDatabase,
}

impl TestEnv {
    /// Creates an environment over `database`, with the sandbox's Acme and Reddit.
    pub(crate) async fn new(database: TestDatabase) -> Self {
        let store = database.store().await;
        Self::with_store(database, store).await
    }

    /// Creates an environment over a store that the test has opened itself.
    pub(crate) async fn with_store(database: TestDatabase, store: Store) -> Self {
        let clock = new_year();
        let service_clock = shared(&clock);
        Self::with_clocks(database, store, clock, service_clock).await
    }

    /// Creates an environment whose services use a different clock than the providers.
    pub(crate) async fn with_clocks(
        database: TestDatabase,
        store: Store,
        clock: Arc<ManualClock>,
        service_clock: Arc<dyn Clock>,
    ) -> Self {
        let entropy = Arc::new(NoJitter::default());
        let recorder = Arc::new(Recording::default());
        let (sandbox, sandbox_url) = sandbox::start(&clock).await;
        let parts = ReplicaParts {
            store: &store,
            clock: &service_clock,
            adapter_clock: &service_clock,
            entropy: &entropy,
            recorder: &recorder,
            sandbox_url: &sandbox_url,
            acme: &acme_definition(&sandbox_url),
            commit_wait: COMMIT_WAIT,
        };
        let (service, acme) = parts.build();
        let stores = Mutex::new(vec![store.clone()]);
        Self {
            service,
            acme,
            store,
            stores,
            sandbox,
            clock,
            service_clock,
            entropy,
            recorder,
            sandbox_url,
            database,
        }
    }
}

/// Returns the context of the tests' calls.
pub(crate) fn call() -> Call {
    let correlation_id = CorrelationId::new("test-correlation").unwrap();
    Call {
        actor: Actor::CommandLine,
        correlation_id,
        at: Timestamp::from_unix_ms(0),
    }
}

/// Returns the app's server as a caller with all scopes.
pub(crate) fn app() -> Caller {
    let key = ApiKeyId::new("0123456789ab").unwrap();
    Caller::App {
        key,
        scopes: KeyScope::ALL.to_vec(),
    }
}

/// Parses the slug of a provider.
pub(crate) fn slug(provider: &str) -> ProviderSlug {
    ProviderSlug::new(provider).unwrap()
}

/// Parses an account id.
pub(crate) fn account_id(account: &str) -> ProviderAccountId {
    ProviderAccountId::new(account).unwrap()
}

/// Parses a flow id.
pub(crate) fn flow_id(flow: &str) -> FlowId {
    FlowId::new(flow).unwrap()
}

/// Waits until `condition` holds. Panics after [`UNTIL_TIMEOUT`].
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(UNTIL_TIMEOUT, waiting).await.unwrap();
}
