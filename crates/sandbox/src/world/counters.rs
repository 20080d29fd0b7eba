//! Call counters per endpoint. Tests use them to prove, for example, that a hundred concurrent
//! callers cause one refresh.

use std::collections::BTreeMap;

/// Number of calls by platform and endpoint, successful or not. Every endpoint is listed, with 0
/// before its first call.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct CallCounts(BTreeMap<String, BTreeMap<String, u64>>);

impl CallCounts {
    /// Returns the number of calls to `endpoint` of `platform`, as in
    /// `get("reddit", "token.refresh_token")`. Unknown names return 0.
    #[must_use]
    pub fn get(&self, platform: &str, endpoint: &str) -> u64 {
        self.0
            .get(platform)
            .and_then(|endpoints| endpoints.get(endpoint))
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of calls to all endpoints of `platform`.
    #[must_use]
    pub fn total(&self, platform: &str) -> u64 {
        self.0
            .get(platform)
            .map_or(0, |endpoints| endpoints.values().sum())
    }

    /// Sets the counters of these endpoints to 0, so that they are listed before the first call.
    pub(crate) fn register(&mut self, platform: &str, endpoints: &[&str]) {
        let counters = self.0.entry(platform.to_owned()).or_default();
        counters.extend(endpoints.iter().map(|endpoint| ((*endpoint).to_owned(), 0)));
    }

    pub(crate) fn increment(&mut self, platform: &str, endpoint: &str) {
        *self
            .0
            .entry(platform.to_owned())
            .or_default()
            .entry(endpoint.to_owned())
            .or_default() += 1;
    }
}
