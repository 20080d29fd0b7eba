//! The section `[platforms]`: settings of the providers in the catalogue, such as
//! `reddit_client_id`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use evergrant_model::ProviderSlug;
use evergrant_resilience::lock;

use super::Sources;
use super::file::PLATFORMS;
use crate::failure::Problems;

/// Endings of the settings that contain a client registration.
const CREDENTIAL_SUFFIXES: [&str; 3] = ["_ID", "_KEY", "_SECRET"];

/// The settings of providers by name. Without a derived `Debug`, because values may be secrets.
pub(crate) struct ProviderSettings {
    sources: Sources,
    /// Value and place in the file, by upper-case name.
    in_file: BTreeMap<String, (String, String)>,
    defaults: BTreeMap<&'static str, String>,
    /// Names that were looked up.
    known: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderSettings")
    }
}

impl ProviderSettings {
    pub(crate) fn read(sources: &Sources) -> Self {
        let entries = sources.file().section_settings(PLATFORMS);
        let in_file = entries
            .map(|(name, setting)| (name.to_ascii_uppercase(), (setting.text(), setting.name)))
            .collect();
        Self {
            sources: sources.clone(),
            in_file,
            defaults: BTreeMap::new(),
            known: Mutex::default(),
        }
    }

    /// Sets the values of settings that are not set otherwise. A provider whose credentials are set
    /// gets no defaults, because its other settings would point to the simulator.
    pub(crate) fn with_defaults(mut self, defaults: Vec<(&'static str, String)>) -> Self {
        let configured: BTreeSet<&str> = defaults
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| {
                CREDENTIAL_SUFFIXES
                    .iter()
                    .any(|suffix| name.ends_with(suffix))
                    && self.configured(name).is_some()
            })
            .map(provider_prefix)
            .collect();
        self.defaults = defaults
            .into_iter()
            .filter(|(name, _)| !configured.contains(provider_prefix(name)))
            .collect();
        self
    }

    /// Returns the value of a setting, or its default.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        lock(&self.known).insert(name.to_owned());
        self.configured(name)
            .or_else(|| self.defaults.get(name).cloned())
    }

    /// Returns whether the provider has defaults, and thus uses the simulator.
    pub(crate) fn is_simulated(&self, slug: &ProviderSlug) -> bool {
        let prefix = slug.as_str().to_ascii_uppercase();
        self.defaults
            .keys()
            .any(|name| provider_prefix(name) == prefix)
    }

    /// Adds a problem for each key of the file that no provider has looked up.
    pub(crate) fn report_unknown(&self, problems: &mut Problems) {
        let known = lock(&self.known);
        for (name, (_, place)) in &self.in_file {
            if !known.contains(name) {
                problems.add(
                    format!("{place} is not a setting of any platform"),
                    "`evergrant providers list` shows the settings that are missing",
                );
            }
        }
    }

    fn configured(&self, name: &str) -> Option<String> {
        let in_environment = self
            .sources
            .environment(name)
            .filter(|text| !text.is_empty());
        in_environment.or_else(|| self.in_file.get(name).map(|(value, _)| value.clone()))
    }
}

/// Returns the first word of a name: `REDDIT` of `REDDIT_CLIENT_ID`.
fn provider_prefix(name: &str) -> &str {
    name.split_once('_').map_or(name, |(prefix, _)| prefix)
}
