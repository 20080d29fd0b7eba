//! `[platforms]`: what the platforms' own settings say, such as `reddit_client_id`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use evergrant_model::ProviderSlug;
use evergrant_resilience::lock;

use super::Sources;
use super::file::PLATFORMS;
use crate::failure::Problems;

/// Ends of the names that carry an operator's own registration at a platform.
const CREDENTIALS: [&str; 3] = ["_ID", "_KEY", "_SECRET"];

/// The platforms' settings by name. What they hold is not shown: some are secrets.
pub(crate) struct Platforms {
    sources: Sources,
    /// By upper-case name, with the place in the file.
    in_file: BTreeMap<String, (String, String)>,
    defaults: BTreeMap<&'static str, String>,
    asked: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Platforms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Platforms")
    }
}

impl Platforms {
    pub(crate) fn read(sources: &Sources) -> Self {
        let entries = sources.file().all_of(PLATFORMS);
        let in_file = entries
            .map(|(name, given)| (name.to_ascii_uppercase(), (given.text(), given.name)))
            .collect();
        Self {
            sources: sources.clone(),
            in_file,
            defaults: BTreeMap::new(),
            asked: Mutex::default(),
        }
    }

    /// Puts `defaults` below what the operator says. A platform for which the operator brings
    /// credentials is the real one, so it keeps none of them.
    pub(crate) fn with_defaults(mut self, defaults: Vec<(&'static str, String)>) -> Self {
        let real: BTreeSet<&str> = defaults
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| {
                CREDENTIALS.iter().any(|end| name.ends_with(end)) && self.given(name).is_some()
            })
            .map(platform_of)
            .collect();
        self.defaults = defaults
            .into_iter()
            .filter(|(name, _)| !real.contains(platform_of(name)))
            .collect();
        self
    }

    /// What a platform's setting says.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        lock(&self.asked).insert(name.to_owned());
        self.given(name)
            .or_else(|| self.defaults.get(name).cloned())
    }

    /// Whether the platform's settings are, at least in part, the defaults.
    pub(crate) fn simulates(&self, slug: &ProviderSlug) -> bool {
        let prefix = slug.as_str().to_ascii_uppercase();
        self.defaults.keys().any(|name| platform_of(name) == prefix)
    }

    /// Notes the keys of the file that no platform has asked for.
    pub(crate) fn note_unknown(&self, problems: &mut Problems) {
        let asked = lock(&self.asked);
        for (name, (_, place)) in &self.in_file {
            if !asked.contains(name) {
                problems.add(
                    format!("{place} is no platform's setting"),
                    "`evergrant providers list` names them",
                );
            }
        }
    }

    fn given(&self, name: &str) -> Option<String> {
        let in_environment = self
            .sources
            .environment(name)
            .filter(|text| !text.is_empty());
        in_environment.or_else(|| self.in_file.get(name).map(|(value, _)| value.clone()))
    }
}

/// `REDDIT` of `REDDIT_CLIENT_ID`.
fn platform_of(name: &str) -> &str {
    name.split_once('_').map_or(name, |(platform, _)| platform)
}
