//! The dependencies that most components share.

use std::sync::Arc;

use evergrant_encryption::TokenCipher;
use evergrant_model::Clock;
use evergrant_store::Store;

use crate::cache::Caches;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::outcome::Recorder;
use crate::parts::ServiceParts;
use crate::provider_blocks::OwnBlocks;
use crate::providers::Providers;
use crate::settings::ServiceSettings;
use crate::tasks::Tasks;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::RefreshTiming;

/// The shared dependencies. Assembly gives each component only those that it uses.
pub(crate) struct Base {
    pub(crate) store: Store,
    pub(crate) cipher: Arc<TokenCipher>,
    pub(crate) encryption: TokenEncryption,
    pub(crate) providers: Providers,
    pub(crate) timing: RefreshTiming,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) own_blocks: Arc<OwnBlocks>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) settings: Arc<ServiceSettings>,
    /// Identifies this process among the replicas.
    pub(crate) replica: Arc<str>,
}

impl Base {
    /// Builds the shared dependencies from what the program passes in.
    pub(crate) fn new(parts: ServiceParts) -> Self {
        let (clock, cipher) = (parts.clock, Arc::new(parts.cipher));
        let ids = Identifiers::new(parts.entropy);
        Self {
            store: parts.store,
            encryption: TokenEncryption::new(Arc::clone(&cipher)),
            cipher,
            providers: Providers::new(parts.registry),
            timing: RefreshTiming::new(Arc::clone(&clock), parts.settings.refresh_margin),
            caches: Arc::default(),
            own_blocks: Arc::default(),
            database: Arc::default(),
            replica: ids.name().into(),
            ids,
            clock,
            tasks: Tasks::default(),
            recorder: parts.recorder,
            settings: Arc::new(parts.settings),
        }
    }
}
