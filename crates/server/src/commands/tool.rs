//! What the operator's hand tools work with: the service over the operator's database, without any
//! listener.

use evergrant_adapters::NetworkPolicy;
use evergrant_encryption::{EncryptionKey, KeyRing};
use evergrant_model::{Actor, Call, ExternalId};
use evergrant_service::{IntegrationsService, UserRef};
use evergrant_store::Store;

use crate::failure::{Failure, Problems};
use crate::settings::{Database, Settings, Sources};
use crate::{telemetry, wiring};

/// Whether a tool touches tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// It reads or writes tokens, so the key must be this database's.
    Key,
    /// It does not: an operator need not hand it the key.
    NoKey,
}

/// The service, for one command.
///
/// # Errors
///
/// Everything that is wrong with the settings, the key or the database.
pub(super) async fn service(needs: Needs) -> Result<IntegrationsService, Failure> {
    let mut problems = Problems::default();
    let sources = Sources::of_process(&mut problems);
    let mut settings = Settings::read(&sources, &mut problems);
    telemetry::start(
        settings.log.filter.take(),
        settings.log.format,
        telemetry::COMMAND,
    );
    let url = settings.database.required(&mut problems);
    if needs == Needs::Key {
        settings.encryption.require(&mut problems);
    }
    let policy = NetworkPolicy::default();
    let registry = wiring::registry(
        &settings.platforms,
        &settings.providers,
        policy,
        &mut problems,
    );
    let key_name = settings.encryption.name();
    let ring = settings
        .encryption
        .take_ring()
        .filter(|_| needs == Needs::Key);
    // Tokens are out of reach for a tool without the key: this one opens nothing.
    let ring = ring.or_else(|| (needs == Needs::NoKey).then(unusable_ring));
    let public_url = settings
        .server
        .public_url_at(settings.server.listen.address);
    let parts = ring.zip(registry).zip(public_url);
    let ((ring, registry), public_url) = problems.finish_with(parts)?;
    let (store, cipher) = (wiring::open_store(&url).await?, wiring::cipher(ring));
    match needs {
        Needs::Key => wiring::prepare(&store, &cipher, &key_name).await?,
        Needs::NoKey => drop(wiring::migrate(&store).await?),
    }
    Ok(wiring::service(
        store,
        cipher,
        registry,
        wiring::service_settings(&settings, public_url),
    ))
}

fn unusable_ring() -> KeyRing {
    KeyRing::new(EncryptionKey::generate(&*wiring::entropy()), Vec::new())
}

/// The database alone.
///
/// # Errors
///
/// Where its address is missing or nothing answers there.
pub(super) async fn store() -> Result<Store, Failure> {
    let mut problems = Problems::default();
    let sources = Sources::of_process(&mut problems);
    let url = Database::read(&sources).required(&mut problems);
    problems.finish()?;
    wiring::open_store(&url).await
}

/// The context of a command's operation.
pub(super) fn call(service: &IntegrationsService) -> Call {
    service.call(Actor::CommandLine, service.new_correlation_id())
}

/// Waits for the work that a command has started, and closes the database.
pub(super) async fn close(service: &IntegrationsService) {
    service.process().drain().await;
    service.process().close().await;
}

/// Reads `42` or `ext:2f1c`, as the header `Evergrant-User` does.
///
/// # Errors
///
/// What would be a user.
pub(super) fn parse_user(text: &str) -> Result<UserRef, String> {
    match text.strip_prefix("ext:") {
        Some(external) => ExternalId::new(external)
            .map(UserRef::External)
            .map_err(|error| error.to_string()),
        None => text
            .parse()
            .map(UserRef::Id)
            .map_err(|_| "write a user's number, or ext: and your own id".to_owned()),
    }
}

/// A time for people; a dash where there is none.
pub(super) fn shown(time: Option<evergrant_model::Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// A text for people; a dash where there is none.
pub(super) fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}
