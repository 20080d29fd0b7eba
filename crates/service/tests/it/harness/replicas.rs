//! Replicas: services over the same database and the same providers.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{
    HttpClient, HttpLimits, NetworkPolicy, Provider, Registry, parse_providers,
};
use evergrant_model::Clock;
use evergrant_sandbox::{acme_definition, dev_settings};
use evergrant_service::{IntegrationsService, PublicUrl, ServiceParts, ServiceSettings};
use evergrant_store::Store;
use evergrant_testkit::{MachineClock, cipher, shared};
use tokio::net::TcpListener;

use super::recording::{NoJitter, Recording};
use super::{TestEnv, slug, until};

/// How long a replica waits for a commit: so long that a slow machine does not delay one beyond the
/// answer to the caller.
pub(super) const COMMIT_WAIT: Duration = Duration::from_secs(30);

/// How long a caller waits for a refresh: so long that a slow machine does not exceed it.
const CALLER_WAIT: Duration = Duration::from_mins(30);

/// What a replica is built from.
pub(super) struct ReplicaParts<'a> {
    pub(super) store: &'a Store,
    /// Clock of the service.
    pub(super) clock: &'a Arc<dyn Clock>,
    /// Clock of the adapters.
    pub(super) adapter_clock: &'a Arc<dyn Clock>,
    pub(super) entropy: &'a Arc<NoJitter>,
    pub(super) recorder: &'a Arc<Recording>,
    pub(super) sandbox_url: &'a str,
    /// Provider definition of Acme, in TOML.
    pub(super) acme: &'a str,
    /// See [`ServiceSettings::commit_wait`].
    pub(super) commit_wait: Duration,
}

impl ReplicaParts<'_> {
    /// Builds the service and returns it with its adapter of Acme.
    pub(super) fn build(self) -> (IntegrationsService, Arc<Provider>) {
        let settings = dev_settings(self.sandbox_url);
        let lookup = |name: &str| {
            settings
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
        };
        let registry = Registry::new(
            HttpClient::new(HttpLimits::default()).unwrap(),
            Arc::clone(self.adapter_clock),
            &lookup,
            parse_providers(self.acme).unwrap(),
            NetworkPolicy::default(),
        )
        .unwrap();
        let acme = registry.provider(&slug("acme")).unwrap();
        let service = IntegrationsService::new(ServiceParts {
            store: self.store.clone(),
            cipher: cipher(),
            registry,
            clock: Arc::clone(self.clock),
            entropy: Arc::<NoJitter>::clone(self.entropy),
            recorder: Arc::<Recording>::clone(self.recorder),
            settings: ServiceSettings {
                commit_wait: self.commit_wait,
                caller_wait: CALLER_WAIT,
                ..settings_of_a_replica()
            },
        });
        (service, acme)
    }
}

impl TestEnv {
    /// Starts another replica over the same database.
    pub(crate) async fn replica(&self) -> IntegrationsService {
        self.replica_with(&acme_definition(&self.sandbox_url)).await
    }

    /// Returns the store of the replica that was started last.
    pub(crate) fn newest_store(&self) -> Store {
        self.stores.lock().unwrap().last().unwrap().clone()
    }

    /// Starts another replica with this provider definition of Acme.
    pub(crate) async fn replica_with(&self, definition: &str) -> IntegrationsService {
        let store = self.database.store().await;
        self.stores.lock().unwrap().push(store.clone());
        let (service, _) = self.parts(&store, &self.service_clock, definition).build();
        service
    }

    /// Starts another replica that waits for reads and commits no longer than a server does.
    pub(crate) async fn serving_replica(&self) -> IntegrationsService {
        let store = self.database.serving_store().await;
        self.stores.lock().unwrap().push(store.clone());
        let acme = acme_definition(&self.sandbox_url);
        let parts = ReplicaParts {
            commit_wait: settings_of_a_replica().commit_wait,
            ..self.parts(&store, &self.service_clock, &acme)
        };
        parts.build().0
    }

    /// Starts a replica whose adapters use their own clock, and returns it with its adapter of
    /// Acme.
    pub(crate) async fn replica_with_adapter_clock(
        &self,
        clock: Arc<dyn Clock>,
    ) -> (IntegrationsService, Arc<Provider>) {
        let store = self.database.store().await;
        let definition = acme_definition(&self.sandbox_url);
        self.parts(&store, &clock, &definition).build()
    }

    /// Starts a replica on a machine whose clock is `ahead_seconds` ahead.
    pub(crate) async fn replica_on_machine(
        &self,
        ahead_seconds: i64,
    ) -> (IntegrationsService, Arc<MachineClock>) {
        let (machine, clock) = MachineClock::new(&self.clock, ahead_seconds);
        let store = self.database.store().await;
        store.set_database_clock(shared(&self.clock));
        store.set_clock(&clock).await.unwrap();
        self.stores.lock().unwrap().push(store.clone());
        let clock: Arc<dyn Clock> = clock;
        let definition = acme_definition(&self.sandbox_url);
        let parts = ReplicaParts {
            clock: &clock,
            ..self.parts(&store, &clock, &definition)
        };
        let (service, _) = parts.build();
        (service, machine)
    }

    /// Starts a replica for which connections to Acme's token endpoint are refused.
    pub(crate) async fn replica_without_token_endpoint(&self) -> IntegrationsService {
        // The listener is dropped at once, so its port is closed.
        let closed_port = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let path = "/acme/oauth/token";
        let definition = acme_definition(&self.sandbox_url);
        self.replica_with(&definition.replace(
            &format!("{}{path}", self.sandbox_url),
            &format!("http://{closed_port}{path}"),
        ))
        .await
    }

    fn parts<'a>(
        &'a self,
        store: &'a Store,
        adapter_clock: &'a Arc<dyn Clock>,
        acme: &'a str,
    ) -> ReplicaParts<'a> {
        ReplicaParts {
            store,
            clock: &self.service_clock,
            adapter_clock,
            entropy: &self.entropy,
            recorder: &self.recorder,
            sandbox_url: &self.sandbox_url,
            acme,
            commit_wait: COMMIT_WAIT,
        }
    }
}

fn settings_of_a_replica() -> ServiceSettings {
    ServiceSettings::new(PublicUrl::parse("http://localhost:8080").unwrap())
}

/// Starts a replica that runs its background jobs, and waits for its first poll of the outbox.
pub(crate) async fn serving(env: &TestEnv) -> IntegrationsService {
    let service = env.replica().await;
    let process = service.clone();
    tokio::spawn(async move { process.process().run(std::future::pending()).await });
    until(async || service.process().health().await.polls > 0).await;
    service
}

/// Waits for two more polls of the outbox: the first may have started before the change was made.
pub(crate) async fn wait_for_polls(service: &IntegrationsService) {
    let before = service.process().health().await.polls;
    until(async || service.process().health().await.polls >= before + 2).await;
}
