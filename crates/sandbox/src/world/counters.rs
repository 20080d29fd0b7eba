//! How often each endpoint was called: what a test asks to prove that a hundred callers cost one
//! refresh.

use std::collections::BTreeMap;

/// Calls by platform and endpoint, answered or not. Endpoints that were never called stand there
/// with zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct CallCounts(BTreeMap<String, BTreeMap<String, u64>>);

impl CallCounts {
    /// How often `endpoint` of `platform` was called, as in `get("reddit", "token.refresh_token")`.
    #[must_use]
    pub fn get(&self, platform: &str, endpoint: &str) -> u64 {
        self.0
            .get(platform)
            .and_then(|endpoints| endpoints.get(endpoint))
            .copied()
            .unwrap_or(0)
    }

    /// How often `platform` was called at all.
    #[must_use]
    pub fn total(&self, platform: &str) -> u64 {
        self.0
            .get(platform)
            .map_or(0, |endpoints| endpoints.values().sum())
    }

    /// Zero for each of `endpoints`.
    pub(crate) fn expect(&mut self, platform: &str, endpoints: &[&str]) {
        let known = self.0.entry(platform.to_owned()).or_default();
        known.extend(endpoints.iter().map(|endpoint| ((*endpoint).to_owned(), 0)));
    }

    pub(crate) fn count(&mut self, platform: &str, endpoint: &str) {
        *self
            .0
            .entry(platform.to_owned())
            .or_default()
            .entry(endpoint.to_owned())
            .or_default() += 1;
    }
}
