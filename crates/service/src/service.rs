//! The service itself: what it is made of, and the few questions that all of its operations ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};

use evergrant_adapters::{Platform, Registry};
use evergrant_encryption::TokenCipher;
use evergrant_model::{
    Clock, ConnectionId, CorrelationId, Entropy, ErrorCode, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};
use evergrant_resilience::SingleFlight;
use evergrant_store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::cache::Caches;
use crate::events::Streams;
use crate::failed_refresh::RefreshFailure;
use crate::feed::{Feed, Trust};
use crate::images::Pictures;
use crate::keeper::Keeper;
use crate::refresh::RefreshOutcome;
use crate::session_checks::Checked;
use crate::unstored::Unstored;
use crate::uses::Uses;
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
    pub(crate) adoptions: SingleFlight<ConnectionId, Result<(), RefreshFailure>>,
    /// Checks of sessions under way.
    pub(crate) checks: SingleFlight<ConnectionId, Result<Checked, RefreshFailure>>,
    pub(crate) tasks: TaskTracker,
    /// Names this process among the replicas.
    pub(crate) owner: String,
    pub(crate) feed: Feed,
    pub(crate) streams: Streams,
    pub(crate) pictures: Pictures,
    pub(crate) unstored: Unstored,
    /// Held by the one task that offers what is unstored.
    pub(crate) offering: Mutex<()>,
    pub(crate) uses: Uses,
    /// Up to which number other programs' rows have been looked for.
    pub(crate) reconciled_to: AtomicI32,
    /// How far the clock was ahead of the machine's when that was last looked at.
    pub(crate) ahead_told_ms: AtomicI64,
    closing: AtomicBool,
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
        let keeper = Arc::new(Keeper { store: parts.store.clone(), clock: Arc::clone(&parts.clock) });
        for platform in parts.registry.platforms() {
            platform.start(parts.settings.refresh_concurrency, Arc::<Keeper>::clone(&keeper));
        }
        Self(Arc::new(Inner {
            owner: evergrant_encryption::digest::hex(parts.entropy.bytes::<12>()),
            store: parts.store,
            cipher: parts.cipher,
            registry: parts.registry,
            clock: parts.clock,
            entropy: parts.entropy,
            settings: parts.settings,
            caches: Caches::default(),
            flights: SingleFlight::new(),
            adoptions: SingleFlight::new(),
            checks: SingleFlight::new(),
            tasks: TaskTracker::new(),
            feed: Feed::default(),
            streams: Streams::default(),
            pictures: Pictures::default(),
            unstored: Unstored::default(),
            offering: Mutex::new(()),
            uses: Uses::default(),
            reconciled_to: AtomicI32::new(0),
            ahead_told_ms: AtomicI64::new(0),
            closing: AtomicBool::new(false),
        }))
    }

    /// Begins the end of the program: no renewal is begun any more, and event streams close.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.streams.close();
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
    /// Whether the program is about to end.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// The answer of a query for somebody who waits. While the database is down nobody is kept waiting for it.
    pub(crate) async fn ask<T>(&self, query: impl Future<Output = Result<T, StoreError>>) -> Result<T, ServiceError> {
        if self.feed.trust() == Trust::Outage {
            return Err(ServiceError::database_silent());
        }
        query.await.map_err(|error| {
            self.note_trouble(&error);
            error.into()
        })
    }

    pub(crate) fn new_correlation_id(&self) -> Result<CorrelationId, ServiceError> {
        CorrelationId::new(self.random_name())
            .map_err(|_| ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side."))
    }

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
    pub(crate) fn platform(&self, provider: &str) -> Result<Arc<Platform>, ServiceError> {
        let known = ProviderSlug::new(provider).ok().and_then(|slug| self.registry.platform(&slug));
        known.ok_or_else(|| ServiceError::new(ErrorCode::InvalidProvider, "There is no platform of this name."))
    }

    /// The same, ready to be called.
    pub(crate) fn configured(&self, provider: &str) -> Result<Arc<Platform>, ServiceError> {
        let platform = self.platform(provider)?;
        if platform.spec().is_configured() {
            return Ok(platform);
        }
        let detail = format!("{} is not set up here yet.", platform.spec().name);
        Err(ServiceError::new(ErrorCode::ProviderNotConfigured, detail))
    }

    /// The account id that a caller names; one that could never be stored is one that is not found.
    pub(crate) fn account_id(account: &str) -> Result<ProviderAccountId, ServiceError> {
        ProviderAccountId::new(account).map_err(|_| ServiceError::account_not_found())
    }

    /// Why a look-up found nothing: no such user, or no such account of this user.
    pub(crate) async fn absent(&self, user: UserId) -> ServiceError {
        match self.ask(self.store.users().by_id(user)).await {
            Ok(Some(_)) => ServiceError::account_not_found(),
            Ok(None) => ServiceError::user_not_found(),
            Err(error) => error,
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
