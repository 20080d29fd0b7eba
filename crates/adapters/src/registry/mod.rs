//! The providers of a running program. All callers share one adapter and one admission control per
//! provider.

mod catalogue;
mod facts;
mod resolve;
pub(crate) mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use evergrant_model::{Clock, ProviderSlug};
use evergrant_outbound::{HttpClient, NetworkPolicy, Outbound, Picture, Traffic};

use self::resolve::{HostFault, Origin, Resolved, resolve};
use self::settings::Lookup;
use crate::call_endpoints::{CallEndpoints, endpoint_urls};
use crate::definition::catalogue::{CATALOGUE, CatalogueFile};
use crate::definition::read_file;
use crate::oauth2::engine::OAuth2;
use crate::provider::Provider;
use crate::{
    AdapterError, CustomProvider, DefinitionFault, ErrorClass, PlatformAdapter, ProviderSpec,
};

/// All providers: those of the catalogue, then the custom ones.
pub struct Registry {
    providers: Vec<Arc<Provider>>,
    /// The index of each provider in `providers`.
    indexes: HashMap<ProviderSlug, usize>,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

impl Registry {
    /// Creates the registry from the catalogue, the custom providers and the operator's settings. A
    /// provider with missing settings is included, and its [`ProviderSpec::problem`] names them.
    ///
    /// # Errors
    ///
    /// Every fault: a host of a custom provider that `policy` does not allow, or a duplicate name.
    pub fn new(
        http: HttpClient,
        clock: Arc<dyn Clock>,
        settings: &Lookup<'_>,
        custom: Vec<CustomProvider>,
        policy: NetworkPolicy,
    ) -> Result<Self, Vec<DefinitionFault>> {
        let mut registry = Self {
            providers: Vec::new(),
            indexes: HashMap::new(),
            http,
            clock,
        };
        for file in CATALOGUE {
            registry.add_from_catalogue(file, settings, policy)?;
        }
        let mut faults = Vec::new();
        for provider in custom {
            faults.extend(registry.add_custom(&provider, settings, policy));
        }
        if faults.is_empty() {
            Ok(registry)
        } else {
            Err(faults)
        }
    }

    /// Returns the provider with this slug.
    #[must_use]
    pub fn provider(&self, slug: &ProviderSlug) -> Option<Arc<Provider>> {
        self.indexes
            .get(slug)
            .and_then(|index| self.providers.get(*index))
            .cloned()
    }

    /// Returns all providers, in the order in which users see them.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter()
    }

    /// Returns the public facts of all providers, in the order in which users see them.
    pub fn specs(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.providers.iter().map(|provider| provider.spec())
    }

    /// Fetches the picture at `address`, which this provider stated.
    ///
    /// # Errors
    ///
    /// - `ConfigError` if the provider does not exist or `address` points to a private network.
    /// - `Unknown` if the response is not a raster image of at most 1 MiB.
    /// - Those of a failed request.
    pub async fn picture(
        &self,
        slug: &ProviderSlug,
        address: &str,
    ) -> Result<Picture, AdapterError> {
        let unknown_provider =
            || AdapterError::new(ErrorClass::ConfigError, "the provider does not exist");
        let provider = self.provider(slug).ok_or_else(unknown_provider)?;
        Ok(self.http.picture(address, &provider.api_urls()).await?)
    }

    fn add_from_catalogue(
        &mut self,
        file: &CatalogueFile,
        settings: &Lookup<'_>,
        policy: NetworkPolicy,
    ) -> Result<(), Vec<DefinitionFault>> {
        let definition = read_file(file.toml_text)?;
        let slug = ProviderSlug::new(file.slug)
            .map_err(|invalid| vec![fault_at_start(invalid.expectation())])?;
        let resolved = resolve(slug, definition, Origin::Catalogue, settings, policy);
        self.add(resolved, |engine| catalogue::adapter(file.slug, engine));
        Ok(())
    }

    /// Adds a custom provider and returns its faults.
    fn add_custom(
        &mut self,
        provider: &CustomProvider,
        settings: &Lookup<'_>,
        policy: NetworkPolicy,
    ) -> Vec<DefinitionFault> {
        let slug = provider.slug.clone();
        if self.indexes.contains_key(&slug) {
            let message = format!("the provider `{slug}` exists already; choose another name");
            return vec![provider.fault(&HostFault { key: "", message })];
        }
        let definition = provider.definition.clone();
        let resolved = resolve(slug, definition, Origin::Operator, settings, policy);
        let faults = resolved
            .faults
            .iter()
            .map(|fault| provider.fault(fault))
            .collect();
        self.add(resolved, |engine| Arc::new(engine));
        faults
    }

    fn add(
        &mut self,
        resolved: Resolved,
        adapter: impl FnOnce(OAuth2) -> Arc<dyn PlatformAdapter>,
    ) {
        let Resolved { spec, config, .. } = resolved;
        let slug = spec.slug.clone();
        let traffic = Traffic::new(slug.clone(), Arc::clone(&self.clock));
        let urls = endpoint_urls(&config);
        let outbound = Outbound::new(self.http.clone(), Arc::clone(&traffic), urls);
        let endpoints = CallEndpoints::new(&config);
        let adapter = adapter(OAuth2::new(spec, config, outbound, Arc::clone(&self.clock)));
        self.indexes.insert(slug, self.providers.len());
        self.providers
            .push(Arc::new(Provider::new(adapter, traffic, endpoints)));
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.specs().map(|spec| &spec.slug))
            .finish()
    }
}

impl CustomProvider {
    /// Locates a fault at its key, or at the section if the key is absent.
    fn fault(&self, fault: &HostFault) -> DefinitionFault {
        let position = self
            .positions
            .get(fault.key)
            .or_else(|| self.positions.get(""));
        let (line, column) = position.map_or((1, 1), |position| (position.line, position.column));
        DefinitionFault {
            line,
            column,
            message: fault.message.clone(),
        }
    }
}

fn fault_at_start(message: &str) -> DefinitionFault {
    DefinitionFault {
        line: 1,
        column: 1,
        message: message.to_owned(),
    }
}
