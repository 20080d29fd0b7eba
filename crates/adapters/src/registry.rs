//! The platforms of a running program, each one adapter for all callers.

use std::collections::HashMap;
use std::sync::Arc;

use evergrant_model::{Clock, ProviderSlug};

use crate::catalogue::CATALOGUE;
use crate::definition::read_file;
use crate::oauth2::OAuth2;
use crate::resolve::{HostFault, Origin, resolve};
use crate::{CustomProvider, DefinitionFault, HttpClient, NetworkPolicy, PlatformAdapter, ProviderSpec};

/// The operator's settings by name; the program passes its environment.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Every platform, the catalogue's first.
pub struct Registry {
    adapters: Vec<Arc<dyn PlatformAdapter>>,
    places: HashMap<ProviderSlug, usize>,
}

impl Registry {
    /// Joins the catalogue, the operator's own platforms and the settings. A platform whose settings are missing is
    /// there all the same and says so in its [`ProviderSpec::problem`].
    ///
    /// # Errors
    ///
    /// Every fault: a host of an operator's own platform that `policy` does not allow, or a name given twice.
    pub fn new(
        http: HttpClient,
        clock: Arc<dyn Clock>,
        settings: &Lookup<'_>,
        custom: Vec<CustomProvider>,
        policy: NetworkPolicy,
    ) -> Result<Self, Vec<DefinitionFault>> {
        let engine = move |spec| OAuth2::new(spec, http.clone(), Arc::clone(&clock));
        let mut registry = Self { adapters: Vec::new(), places: HashMap::new() };
        let mut faults = Vec::new();
        for entry in CATALOGUE {
            let definition = read_file(entry.definition)?;
            let slug = ProviderSlug::new(entry.slug).map_err(|invalid| vec![first_place(invalid.expectation())])?;
            let (spec, _) = resolve(slug, definition, Origin::Catalogue, settings, policy);
            registry.add((entry.adapter)(engine(spec)));
        }
        for provider in custom {
            if registry.places.contains_key(&provider.slug) {
                let message = format!("`{}` is there already; choose another name", provider.slug);
                faults.push(provider.fault(&HostFault { key: "", message }));
                continue;
            }
            let definition = provider.definition.clone();
            let (spec, found) = resolve(provider.slug.clone(), definition, Origin::Operator, settings, policy);
            faults.extend(found.iter().map(|fault| provider.fault(fault)));
            registry.add(Arc::new(engine(spec)));
        }
        if faults.is_empty() { Ok(registry) } else { Err(faults) }
    }

    /// The adapter of this platform.
    #[must_use]
    pub fn adapter(&self, slug: &ProviderSlug) -> Option<Arc<dyn PlatformAdapter>> {
        self.places.get(slug).and_then(|place| self.adapters.get(*place)).cloned()
    }

    /// What is known about each platform, in the order of the lists that people see.
    pub fn specs(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.adapters.iter().map(|adapter| adapter.spec())
    }

    fn add(&mut self, adapter: Arc<dyn PlatformAdapter>) {
        self.places.insert(adapter.spec().slug.clone(), self.adapters.len());
        self.adapters.push(adapter);
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.specs().map(|spec| &spec.slug)).finish()
    }
}

impl CustomProvider {
    fn fault(&self, fault: &HostFault) -> DefinitionFault {
        let place = self.places.get(fault.key).or_else(|| self.places.get(""));
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        DefinitionFault { line, column, message: fault.message.clone() }
    }
}

fn first_place(message: &str) -> DefinitionFault {
    DefinitionFault { line: 1, column: 1, message: message.to_owned() }
}
