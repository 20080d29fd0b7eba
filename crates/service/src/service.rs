//! The service itself: what it is made of, and the few questions that all of its operations ask.

use std::sync::Arc;

use evergrant_adapters::{PlatformAdapter, Registry};
use evergrant_encryption::TokenCipher;
use evergrant_model::{Clock, ConnectionId, Entropy, ErrorCode, ProviderAccountId, ProviderSlug, Timestamp, UserId};
use evergrant_resilience::SingleFlight;
use evergrant_store::Store;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::cache::Caches;
use crate::refresh::RefreshOutcome;
use crate::{ServiceError, ServiceSettings};

/// What the service is made of.
pub struct ServiceParts {
    /// Users, connections, flows and keys.
    pub store: Store,
    /// Encrypts and decrypts tokens.
    pub cipher: TokenCipher,
    /// The platforms.
    pub registry: Registry,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What the operator decided.
    pub settings: ServiceSettings,
}

/// The accounts that people have connected. A clone is the same service.
#[derive(Clone)]
pub struct IntegrationsService(Arc<Inner>);

/// The parts, shared by all clones.
pub struct Inner {
    pub(crate) store: Store,
    pub(crate) cipher: TokenCipher,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: ServiceSettings,
    pub(crate) caches: Caches,
    pub(crate) flights: SingleFlight<ConnectionId, RefreshOutcome>,
    pub(crate) refresh_permits: Semaphore,
    pub(crate) tasks: TaskTracker,
}

impl std::ops::Deref for IntegrationsService {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl IntegrationsService {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        Self(Arc::new(Inner {
            refresh_permits: Semaphore::new(parts.settings.refresh_concurrency),
            store: parts.store,
            cipher: parts.cipher,
            registry: parts.registry,
            clock: parts.clock,
            entropy: parts.entropy,
            settings: parts.settings,
            caches: Caches::default(),
            flights: SingleFlight::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Waits until whatever must not be cut short has ended: code exchanges, renewals, revocations.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Runs `work` to its end even if the caller goes away.
    pub(crate) async fn uncancelled<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
    ) -> Result<T, ServiceError> {
        match self.tasks.spawn(work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side.")),
        }
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The service's settings.
    #[must_use]
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// The data layer, for the operator's tools.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The randomness that the service draws from.
    #[must_use]
    pub fn entropy(&self) -> Arc<dyn Entropy> {
        Arc::clone(&self.entropy)
    }

    /// The platforms.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The platform that a caller names.
    pub(crate) fn adapter(&self, provider: &str) -> Result<Arc<dyn PlatformAdapter>, ServiceError> {
        let known = ProviderSlug::new(provider).ok().and_then(|slug| self.registry.adapter(&slug));
        known.ok_or_else(|| ServiceError::new(ErrorCode::InvalidProvider, "There is no platform of this name."))
    }

    /// The same, ready to be called.
    pub(crate) fn configured_adapter(&self, provider: &str) -> Result<Arc<dyn PlatformAdapter>, ServiceError> {
        let adapter = self.adapter(provider)?;
        if adapter.spec().is_configured() {
            return Ok(adapter);
        }
        let detail = format!("{} is not set up here yet.", adapter.spec().name);
        Err(ServiceError::new(ErrorCode::ProviderNotConfigured, detail))
    }

    /// The account id that a caller names; one that could never be stored is one that is not found.
    pub(crate) fn account_id(account: &str) -> Result<ProviderAccountId, ServiceError> {
        ProviderAccountId::new(account).map_err(|_| ServiceError::account_not_found())
    }

    /// Why a look-up found nothing: no such user, or no such account of this user.
    pub(crate) async fn absent(&self, user: UserId) -> ServiceError {
        match self.store.user(user).await {
            Ok(Some(_)) => ServiceError::account_not_found(),
            Ok(None) => ServiceError::user_not_found(),
            Err(error) => error.into(),
        }
    }

    /// `N` random bytes as url-safe text.
    pub(crate) fn random_text<const N: usize>(&self) -> String {
        evergrant_encryption::digest::base64url(self.entropy.bytes::<N>())
    }

    /// A random name of 24 hex digits.
    pub(crate) fn random_name(&self) -> String {
        evergrant_encryption::digest::hex(self.entropy.bytes::<12>())
    }
}
