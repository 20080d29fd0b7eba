//! The platforms of a running program, each one adapter and one way out for all callers.

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
use crate::definition::catalogue::CATALOGUE;
use crate::definition::read_file;
use crate::oauth2::engine::OAuth2;
use crate::provider::{CallHosts, Provider};
use crate::{
    AdapterError, CustomProvider, DefinitionFault, ErrorClass, PlatformAdapter, ProviderSpec,
};

/// Every platform, the catalogue's first.
pub struct Registry {
    providers: Vec<Arc<Provider>>,
    places: HashMap<ProviderSlug, usize>,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

impl Registry {
    /// Joins the catalogue, the operator's own platforms and the settings. A platform whose
    /// settings are missing is there all the same and says so in its [`ProviderSpec::problem`].
    ///
    /// # Errors
    ///
    /// Every fault: a host of an operator's own platform that `policy` does not allow, or a name
    /// given twice.
    pub fn new(
        http: HttpClient,
        clock: Arc<dyn Clock>,
        settings: &Lookup<'_>,
        custom: Vec<CustomProvider>,
        policy: NetworkPolicy,
    ) -> Result<Self, Vec<DefinitionFault>> {
        let mut registry = Self {
            providers: Vec::new(),
            places: HashMap::new(),
            http,
            clock,
        };
        let mut faults = Vec::new();
        for file in CATALOGUE {
            let definition = read_file(file.toml_text)?;
            let slug = ProviderSlug::new(file.slug)
                .map_err(|invalid| vec![first_place(invalid.expectation())])?;
            let resolved = resolve(slug, definition, Origin::Catalogue, settings, policy);
            registry.add(resolved, |engine| catalogue::adapter(file.slug, engine));
        }
        for provider in custom {
            if registry.places.contains_key(&provider.slug) {
                let message = format!("`{}` is there already; choose another name", provider.slug);
                faults.push(provider.fault(&HostFault { key: "", message }));
                continue;
            }
            let definition = provider.definition.clone();
            let resolved = resolve(
                provider.slug.clone(),
                definition,
                Origin::Operator,
                settings,
                policy,
            );
            faults.extend(resolved.faults.iter().map(|fault| provider.fault(fault)));
            registry.add(resolved, |engine| Arc::new(engine));
        }
        if faults.is_empty() {
            Ok(registry)
        } else {
            Err(faults)
        }
    }

    /// The platform of this name.
    #[must_use]
    pub fn provider(&self, slug: &ProviderSlug) -> Option<Arc<Provider>> {
        self.places
            .get(slug)
            .and_then(|place| self.providers.get(*place))
            .cloned()
    }

    /// Every platform, in the order of the lists that people see.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter()
    }

    /// What is known about each platform, in the order of the lists that people see.
    pub fn specs(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.providers.iter().map(|platform| platform.spec())
    }

    /// The picture that this platform says is at `address`.
    ///
    /// # Errors
    ///
    /// `ConfigError` for an address that is not ours to call or a platform that is not there,
    /// `Unknown` for what is no raster image of at most 1 MiB.
    pub async fn picture(
        &self,
        slug: &ProviderSlug,
        address: &str,
    ) -> Result<Picture, AdapterError> {
        let gone = || {
            AdapterError::new(
                ErrorClass::ConfigError,
                "the platform is not there any more",
            )
        };
        let platform = self.provider(slug).ok_or_else(gone)?;
        Ok(self.http.picture(address, &platform.called()).await?)
    }

    fn add(
        &mut self,
        resolved: Resolved,
        adapter: impl FnOnce(OAuth2) -> Arc<dyn PlatformAdapter>,
    ) {
        let Resolved { spec, config, .. } = resolved;
        let slug = spec.slug.clone();
        let traffic = Traffic::new(slug.clone(), Arc::clone(&self.clock));
        let outbound = Outbound::new(self.http.clone(), Arc::clone(&traffic));
        let hosts = CallHosts::of(&config);
        let adapter = adapter(OAuth2::new(spec, config, outbound, Arc::clone(&self.clock)));
        self.places.insert(slug, self.providers.len());
        self.providers
            .push(Arc::new(Provider::new(adapter, traffic, hosts)));
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
    fn fault(&self, fault: &HostFault) -> DefinitionFault {
        let place = self.places.get(fault.key).or_else(|| self.places.get(""));
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        DefinitionFault {
            line,
            column,
            message: fault.message.clone(),
        }
    }
}

fn first_place(message: &str) -> DefinitionFault {
    DefinitionFault {
        line: 1,
        column: 1,
        message: message.to_owned(),
    }
}
