//! What commands other than `serve` and `dev` need: the service on the configured database, without
//! listeners, and the formats of arguments and table cells.

use evergrant_adapters::NetworkPolicy;
use evergrant_encryption::{EncryptionKey, KeyRing};
use evergrant_model::{Actor, Call, ExternalId, Timestamp};
use evergrant_service::{IntegrationsService, UserRef};
use evergrant_store::Store;

use crate::failure::{Failure, Problems};
use crate::settings::{Database, DatabaseUrls, Log, Settings, Sources};
use crate::{database, telemetry, wiring};

/// Whether a command uses tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenAccess {
    /// The command encrypts or decrypts tokens. The encryption key must be set and match the
    /// database.
    Needed,
    /// The command uses no tokens and works without the encryption key.
    NotNeeded,
}

/// What a command does if the SQLite file of `DATABASE_URL` does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MissingFile {
    /// Creates it.
    Create,
    /// Fails: the command only reads or changes what exists, so the path is probably mistyped.
    Fail,
}

impl MissingFile {
    pub(super) async fn open(self, urls: &DatabaseUrls) -> Result<Store, Failure> {
        match self {
            Self::Create => database::open(urls).await,
            Self::Fail => database::open_existing(urls).await,
        }
    }
}

/// Opens the database and assembles the service.
///
/// # Errors
///
/// All problems of the settings, or those of the database or the key.
pub(super) async fn open_service(
    tokens: TokenAccess,
    missing: MissingFile,
) -> Result<IntegrationsService, Failure> {
    let mut problems = Problems::default();
    let sources = Sources::from_process(&mut problems);
    let mut settings = Settings::read(&sources, &mut problems);
    telemetry::start(
        settings.log.filter.take(),
        settings.log.format,
        telemetry::COMMAND_FILTER,
    );
    let urls = settings.database.required(&mut problems);
    let key_name = settings.encryption.name();
    let ring = key_ring(&mut settings, tokens, &mut problems);
    let registry = wiring::registry(
        &settings.providers,
        &settings.custom_providers,
        NetworkPolicy::default(),
        &mut problems,
    );
    let public_url = settings
        .server
        .public_url_at(settings.server.listen.address);
    let parts = ring.zip(registry).zip(public_url);
    let ((ring, registry), public_url) = problems.finish_with(parts)?;
    let (store, cipher) = (missing.open(&urls).await?, wiring::cipher(ring));
    match tokens {
        TokenAccess::Needed => database::prepare(&store, &cipher, &key_name).await?,
        TokenAccess::NotNeeded => drop(database::migrate(&store).await?),
    }
    let service_settings = wiring::service_settings(&settings, public_url);
    Ok(wiring::service(store, cipher, registry, service_settings))
}

/// Returns the configured keys, or a random key that decrypts nothing if the command uses no
/// tokens.
fn key_ring(
    settings: &mut Settings,
    tokens: TokenAccess,
    problems: &mut Problems,
) -> Option<KeyRing> {
    match tokens {
        TokenAccess::Needed => {
            settings.encryption.require(problems);
            settings.encryption.take_ring()
        }
        TokenAccess::NotNeeded => Some(KeyRing::new(
            EncryptionKey::generate(&*wiring::entropy()),
            Vec::new(),
        )),
    }
}

/// Reads the URLs of the database, and starts the log, for commands that need no other settings.
///
/// # Errors
///
/// A failure if `DATABASE_URL` is not set, or a setting of the log is invalid.
pub(super) fn database_urls() -> Result<DatabaseUrls, Failure> {
    let mut problems = Problems::default();
    let sources = Sources::from_process(&mut problems);
    let urls = Database::read(&sources).required(&mut problems);
    let log = Log::read(&sources, &mut problems);
    problems.finish()?;
    telemetry::start(log.filter, log.format, telemetry::COMMAND_FILTER);
    Ok(urls)
}

/// Returns the context of an operation, with the command line as its actor.
pub(super) fn call(service: &IntegrationsService) -> Call {
    service.call(Actor::CommandLine, service.new_correlation_id())
}

/// Waits for background work that the command started, and closes the database.
pub(super) async fn close(service: &IntegrationsService) {
    service.process().drain().await;
    service.process().close().await;
}

/// Parses a user id, or `ext:` and an external id, like the header `Evergrant-User`.
///
/// # Errors
///
/// A message that describes the format.
pub(super) fn parse_user(text: &str) -> Result<UserRef, String> {
    match text.strip_prefix("ext:") {
        Some(external) => ExternalId::new(external)
            .map(UserRef::External)
            .map_err(|error| error.to_string()),
        None => text
            .parse()
            .map(UserRef::Id)
            .map_err(|_| "write a user id, or ext: and your app's own id".to_owned()),
    }
}

/// Returns a time as the cell of a table, or a dash.
pub(super) fn time_or_dash(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// Returns a text as the cell of a table, or a dash.
pub(super) fn text_or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}
