//! Assembles the service from the store, the cipher, the provider registry and the settings.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use evergrant_adapters::{HttpClient, HttpLimits, NetworkPolicy, Registry};
use evergrant_encryption::{KeyRing, TokenCipher};
use evergrant_model::{Clock, Entropy, OsEntropy, SharedClock, SystemClock};
use evergrant_service::{
    AllowedRedirects, IntegrationsService, LogRecorder, PublicUrl, ServiceParts, ServiceSettings,
};
use evergrant_store::Store;

use crate::failure::{Failure, Problems};
use crate::listener;
use crate::settings::{CustomProviders, ProviderSettings, Settings};
use crate::uptime::Uptime;

/// Returns the clock of the process, which shows the database's time once
/// [`database::open`](crate::database::open) has read it.
pub(crate) fn shared_clock() -> &'static Arc<SharedClock> {
    static CLOCK: LazyLock<Arc<SharedClock>> =
        LazyLock::new(|| Arc::new(SharedClock::new(Arc::new(SystemClock), Arc::new(Uptime))));
    &CLOCK
}

/// Returns the clock of the process as a trait object.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::<SharedClock>::clone(shared_clock())
}

/// Returns the operating system's source of randomness.
pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(OsEntropy)
}

/// Returns a cipher that encrypts with the current key of `ring` and decrypts with all its keys.
pub(crate) fn cipher(ring: KeyRing) -> TokenCipher {
    TokenCipher::new(ring, entropy())
}

/// Builds the provider registry: the catalogue with its settings, and the custom providers. Returns
/// `None` if that fails; the reasons, and unknown settings, are added to `problems`.
pub(crate) fn registry(
    settings: &ProviderSettings,
    custom: &CustomProviders,
    policy: NetworkPolicy,
    problems: &mut Problems,
) -> Option<Registry> {
    let http = HttpClient::new(HttpLimits::default());
    let http = http
        .map_err(|error| problems.add(error.to_string(), "install the ca-certificates package"))
        .ok()?;
    let lookup = |name: &str| settings.get(name);
    let registry = Registry::new(http, clock(), &lookup, custom.providers.clone(), policy);
    settings.report_unknown(problems);
    registry
        .map_err(|faults| custom.report(&faults, problems))
        .ok()
}

/// Assembles the service. Nothing runs in the background until its process is started.
pub(crate) fn service(
    store: Store,
    cipher: TokenCipher,
    registry: Registry,
    settings: ServiceSettings,
) -> IntegrationsService {
    let recorder = Arc::new(LogRecorder);
    IntegrationsService::new(ServiceParts {
        store,
        cipher,
        registry,
        clock: clock(),
        entropy: entropy(),
        recorder,
        settings,
    })
}

/// Returns the settings of a service that is reachable at `public_url`.
pub(crate) fn service_settings(settings: &Settings, public_url: PublicUrl) -> ServiceSettings {
    ServiceSettings {
        allowed_redirects: AllowedRedirects::new(
            settings.server.allowed_redirects.clone(),
            &public_url,
        ),
        flow_ttl: settings.flows.ttl,
        refresh_margin: settings.refresh.margin,
        refresh_concurrency: settings.refresh.concurrency,
        event_streams: listener::max_connections() / 4 * 3,
        ..ServiceSettings::new(public_url)
    }
}

/// Opens the refresh journal in `folder` and stores the tokens that an earlier process left there.
/// Without a folder, logs a warning.
///
/// # Errors
///
/// A failure if the folder cannot be created or written.
pub(crate) fn open_journal(
    service: &IntegrationsService,
    folder: Option<&Path>,
) -> Result<(), Failure> {
    let Some(folder) = folder else {
        tracing::warn!(
            "EVERGRANT_DATA_DIR is not set: if the database is down during a refresh, the new token is lost when this \
             process stops; set it to a folder on a persistent disk"
        );
        return Ok(());
    };
    service.process().open_journal(folder).map_err(|error| {
        Failure::new(
            format!(
                "EVERGRANT_DATA_DIR: cannot write the refresh journal in {}: {error}",
                folder.display()
            ),
            "set it to a folder that this user may write to, or unset it",
        )
    })
}
