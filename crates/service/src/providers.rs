//! Look-up of platforms by the name that a caller sends.

use std::sync::Arc;

use evergrant_adapters::{CredentialField, Provider, ProviderSpec, Registry};
use evergrant_model::{ErrorCode, ProviderSlug};

use crate::ServiceError;

/// The platforms that this process knows. A clone is the same set.
#[derive(Clone)]
pub struct Providers {
    registry: Arc<Registry>,
}

impl Providers {
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            registry: Arc::new(registry),
        }
    }

    /// The public facts of every platform, in the order of the catalogue, each with the fields that
    /// the account's owner fills in to connect. A platform with a consent page has no fields.
    pub fn specs(&self) -> impl Iterator<Item = (&ProviderSpec, &[CredentialField])> {
        self.all()
            .map(|platform| (platform.spec(), platform.credential_fields()))
    }

    /// Whether there is a platform of this name.
    #[must_use]
    pub fn is_known(&self, slug: &ProviderSlug) -> bool {
        self.by_slug(slug).is_some()
    }

    /// The platform's name for people; its slug if there is no such platform.
    #[must_use]
    pub fn name(&self, slug: &ProviderSlug) -> String {
        let platform = self.by_slug(slug);
        platform.map_or_else(|| slug.to_string(), |platform| platform.spec().name.clone())
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.registry.providers()
    }

    pub(crate) fn by_slug(&self, slug: &ProviderSlug) -> Option<Arc<Provider>> {
        self.registry.provider(slug)
    }

    /// The platform that a caller names.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`.
    pub(crate) fn get(&self, provider: &str) -> Result<Arc<Provider>, ServiceError> {
        self.by_slug(&slug(provider)?).ok_or_else(unknown_provider)
    }

    /// The platform that a caller names, with the operator's client registration.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `PROVIDER_NOT_CONFIGURED`.
    pub(crate) fn configured(&self, provider: &str) -> Result<Arc<Provider>, ServiceError> {
        let platform = self.get(provider)?;
        if platform.spec().is_configured() {
            return Ok(platform);
        }
        let detail = format!("{} is not set up here yet.", platform.spec().name);
        Err(ServiceError::new(ErrorCode::ProviderNotConfigured, detail))
    }
}

/// The slug that a caller names, whether or not there is such a platform.
///
/// # Errors
///
/// `INVALID_PROVIDER` if no platform can have this name.
pub(crate) fn slug(provider: &str) -> Result<ProviderSlug, ServiceError> {
    ProviderSlug::new(provider).map_err(|_| unknown_provider())
}

fn unknown_provider() -> ServiceError {
    ServiceError::new(
        ErrorCode::InvalidProvider,
        "There is no platform of this name.",
    )
}
