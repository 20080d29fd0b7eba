//! Look-up of platforms by slug.

use std::sync::Arc;

use evergrant_adapters::{CredentialField, Provider, ProviderSpec, Registry};
use evergrant_model::{ErrorCode, ProviderSlug};

use crate::ServiceError;

/// The supported platforms. Clones share them.
#[derive(Clone)]
pub struct Providers {
    registry: Arc<Registry>,
}

impl Providers {
    /// Takes the registry that the program has built.
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            registry: Arc::new(registry),
        }
    }

    /// Returns the public facts of each platform in catalogue order, and the fields that the
    /// account's owner fills in to connect; a platform with a consent page has no fields.
    pub fn specs(&self) -> impl Iterator<Item = (&ProviderSpec, &[CredentialField])> {
        self.all()
            .map(|provider| (provider.spec(), provider.credential_fields()))
    }

    /// Returns whether the platform exists.
    #[must_use]
    pub fn is_known(&self, slug: &ProviderSlug) -> bool {
        self.by_slug(slug).is_some()
    }

    /// Returns the platform's display name, or the slug of an unknown platform.
    #[must_use]
    pub fn name(&self, slug: &ProviderSlug) -> String {
        let provider = self.by_slug(slug);
        provider.map_or_else(|| slug.to_string(), |provider| provider.spec().name.clone())
    }

    /// Returns the name of the callback parameter in which the platform lists the granted scopes.
    #[must_use]
    pub fn callback_scope(&self, slug: &ProviderSlug) -> String {
        let provider = self.by_slug(slug);
        let vocabulary = provider.map(|provider| provider.spec().vocabulary.clone());
        vocabulary.unwrap_or_default().callback_scope
    }

    /// Returns the registry itself.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns all platforms in catalogue order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.registry.providers()
    }

    /// Returns the platform; `None` if it is unknown.
    pub(crate) fn by_slug(&self, slug: &ProviderSlug) -> Option<Arc<Provider>> {
        self.registry.provider(slug)
    }

    /// Returns the platform with this slug.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER` if the platform is unknown.
    pub(crate) fn get(&self, slug: &ProviderSlug) -> Result<Arc<Provider>, ServiceError> {
        self.by_slug(slug)
            .ok_or_else(|| self.unknown(slug.as_str()))
    }

    /// Returns an `INVALID_PROVIDER` error, which names what the caller sent and the platforms that
    /// exist.
    #[must_use]
    pub fn unknown(&self, sent: &str) -> ServiceError {
        let is_printable = sent.len() <= 50 && sent.chars().all(|letter| letter.is_ascii_graphic());
        let sent = if is_printable { sent } else { "…" };
        let known: Vec<_> = self.all().map(|one| one.spec().slug.as_str()).collect();
        let known = known.join(", ");
        let detail = format!("There is no platform \"{sent}\". The platforms are: {known}.");
        ServiceError::new(ErrorCode::InvalidProvider, detail)
    }

    /// Returns the platform with this slug, if the operator has configured a client registration
    /// for it.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER` if the platform is unknown, `PROVIDER_NOT_CONFIGURED` if it has no client
    /// registration.
    pub(crate) fn configured(&self, slug: &ProviderSlug) -> Result<Arc<Provider>, ServiceError> {
        let provider = self.get(slug)?;
        if provider.spec().is_configured() {
            return Ok(provider);
        }
        let detail = format!("{} is not configured on this server.", provider.spec().name);
        Err(ServiceError::new(ErrorCode::ProviderNotConfigured, detail))
    }
}
