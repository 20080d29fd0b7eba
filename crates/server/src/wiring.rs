//! Putting the parts together: database, keys, platforms, and the service made of them.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use evergrant_adapters::{HttpClient, HttpLimits, NetworkPolicy, Registry};
use evergrant_encryption::{KeyRing, TokenCipher};
use evergrant_model::{Clock, Entropy, OsEntropy, SteadyClock, SystemClock};
use evergrant_service::{
    AllowedRedirects, IntegrationsService, KeyTrouble, LogRecorder, ServiceParts, ServiceSettings,
    check_key,
};
use evergrant_store::{Store, StoreError};
use url::Url;

use crate::failure::{Failure, Problems, innermost};
use crate::listener;
use crate::settings::{Platforms, Providers, Settings};

/// The machine's clock, which is not followed when it is turned back.
pub(crate) fn clock() -> Arc<dyn Clock> {
    static CLOCK: LazyLock<Arc<dyn Clock>> =
        LazyLock::new(|| Arc::new(SteadyClock::set_by(Arc::new(SystemClock))));
    Arc::clone(&CLOCK)
}

/// The system's randomness.
pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(OsEntropy)
}

/// A cipher over the ring.
pub(crate) fn cipher(ring: KeyRing) -> TokenCipher {
    TokenCipher::new(ring, entropy())
}

/// The platforms, with their settings; what is wrong with them is noted.
pub(crate) fn registry(
    platforms: &Platforms,
    providers: &Providers,
    policy: NetworkPolicy,
    problems: &mut Problems,
) -> Option<Registry> {
    let http = HttpClient::new(HttpLimits::default());
    let http = http
        .map_err(|error| problems.add(error.to_string(), "install the ca-certificates package"))
        .ok()?;
    let lookup = |name: &str| platforms.get(name);
    let registry = Registry::new(http, clock(), &lookup, providers.custom.clone(), policy);
    platforms.note_unknown(problems);
    registry
        .map_err(|faults| providers.note(&faults, problems))
        .ok()
}

/// Opens the database.
///
/// # Errors
///
/// Where it cannot be reached; the address itself is not shown, because it may hold a password.
pub(crate) async fn open_store(url: &str) -> Result<Store, Failure> {
    Store::open(url).await.map_err(|error| match error {
        StoreError::Address(what) => Failure::new(
            format!("DATABASE_URL: {what}"),
            "write it as sqlite:///var/lib/evergrant/evergrant.db or postgres://user:password@host/database",
        ),
        error => Failure::new(
            format!("DATABASE_URL: the database cannot be opened: {}", innermost(&error)),
            "check that it runs and that the address, the user and the password are right",
        ),
    })
}

/// Brings the schema up to date.
///
/// # Errors
///
/// Where the database does not permit it.
pub(crate) async fn migrate(store: &Store) -> Result<Vec<String>, Failure> {
    let pending = pending(store).await?;
    if !pending.is_empty() {
        store.migrate().await.map_err(|error| {
            let what = format!(
                "DATABASE_URL: the schema cannot be brought up to date: {}",
                innermost(&error)
            );
            Failure::new(
                what,
                "run `evergrant migrate` as a database user who may create and alter tables",
            )
        })?;
    }
    Ok(pending)
}

/// The migrations that the database has not seen.
///
/// # Errors
///
/// Where the database does not answer.
pub(crate) async fn pending(store: &Store) -> Result<Vec<String>, Failure> {
    store
        .pending_migrations()
        .await
        .map_err(|error| database_trouble(&error))
}

/// Brings the schema up to date and makes sure that the keys are this database's. With other keys
/// nothing is written.
///
/// # Errors
///
/// A failure that names the key's setting, or the database's.
pub(crate) async fn prepare(
    store: &Store,
    cipher: &TokenCipher,
    key_name: &str,
) -> Result<(), Failure> {
    let is_up_to_date = pending(store).await?.is_empty();
    if !is_up_to_date && holds_foreign_tokens(store, cipher).await {
        return Err(wrong_key(key_name));
    }
    migrate(store).await?;
    check_key(store, cipher, &SystemClock)
        .await
        .map_err(|trouble| match trouble {
            KeyTrouble::WrongKey => wrong_key(key_name),
            KeyTrouble::Store(error) => database_trouble(&error),
            KeyTrouble::Cipher(error) => Failure::new(format!("{key_name}: {error}"), ""),
        })
}

/// Whether another program's tables hold a token that our keys do not open. Without such tables
/// there is none.
async fn holds_foreign_tokens(store: &Store, cipher: &TokenCipher) -> bool {
    store
        .key_checks()
        .any_token()
        .await
        .ok()
        .flatten()
        .is_some_and(|token| !cipher.is_encrypted(token.as_str()))
}

fn wrong_key(name: &str) -> Failure {
    Failure::new(
        format!(
            "{name}: this is not the key that the database was written with; nothing was changed"
        ),
        "set the key that was used before; one that has been replaced goes into TOKEN_ENCRYPTION_KEYS_PREVIOUS",
    )
}

/// What to say of a database that stopped answering.
pub(crate) fn database_trouble(error: &StoreError) -> Failure {
    let what = format!(
        "DATABASE_URL: the database does not do what was asked: {}",
        innermost(error)
    );
    Failure::new(
        what,
        "check that it runs and that `evergrant migrate` has been run",
    )
}

/// The service over its parts.
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

/// How the service behaves under this address.
pub(crate) fn service_settings(settings: &Settings, public_url: Url) -> ServiceSettings {
    ServiceSettings {
        allowed_redirects: AllowedRedirects::new(
            settings.server.allowed_redirects.clone(),
            &public_url,
        ),
        flow_ttl_seconds: settings.flows.ttl_seconds,
        refresh_margin_seconds: settings.refresh.margin_seconds,
        refresh_concurrency: settings.refresh.concurrency,
        event_streams: listener::most_connections() / 4 * 3,
        ..ServiceSettings::new(public_url)
    }
}

/// Begins the journal of refreshes in `folder`, and stores what an earlier process has left there.
///
/// # Errors
///
/// Where the folder cannot be made or written.
pub(crate) fn keep_journal(
    service: &IntegrationsService,
    folder: Option<&Path>,
) -> Result<(), Failure> {
    let Some(folder) = folder else {
        tracing::warn!(
            "no journal of refreshes is kept: a pair that the database cannot take is lost with this process. Set \
             EVERGRANT_DATA_DIR to a folder on a disk that outlives it"
        );
        return Ok(());
    };
    service.process().open_journal(folder).map_err(|error| {
        let what = format!(
            "EVERGRANT_DATA_DIR: the journal in {} cannot be written: {error}",
            folder.display()
        );
        Failure::new(
            what,
            "name a folder that this user may write, or leave the setting out",
        )
    })
}
