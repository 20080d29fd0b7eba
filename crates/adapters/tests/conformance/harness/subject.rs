//! The providers that the suite checks.

use std::sync::Arc;

use evergrant_adapters::{HttpClient, PlatformAdapter};
use evergrant_model::ProviderSlug;

/// Wraps an adapter, so that a check runs against the wrapper.
pub(crate) type Wrap = fn(Arc<dyn PlatformAdapter>) -> Arc<dyn PlatformAdapter>;

/// A provider in one of its configurations.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) slug: ProviderSlug,
    /// Name of the optional setting that is not set. `None` if all are set.
    pub(crate) omitted_setting: Option<String>,
    /// Returns the configuration section of a custom provider for the base URL of a simulator.
    /// `None` for a provider of the catalogue.
    pub(crate) section: Option<fn(&str) -> String>,
    pub(crate) wrap: Wrap,
    /// Client of the adapter.
    pub(crate) http: HttpClient,
    /// Client of the suite's own requests to the simulator.
    pub(crate) client: reqwest::Client,
}

impl Subject {
    /// Returns the name of the subject in failure messages.
    pub(crate) fn label(&self) -> String {
        let without = self
            .omitted_setting
            .as_ref()
            .map(|setting| format!(" without {setting}"));
        format!("{}{}", self.slug, without.unwrap_or_default())
    }
}
