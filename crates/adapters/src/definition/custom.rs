//! Custom providers.

use std::collections::BTreeMap;

use evergrant_model::ProviderSlug;

use super::position::Position;
use super::tables::Definition;

/// A provider that the operator defines in `evergrant.toml`. Its keys are valid;
/// [`crate::Registry::new`] checks whether its hosts may be called.
#[derive(Debug, Clone)]
pub struct CustomProvider {
    pub(crate) slug: ProviderSlug,
    pub(crate) definition: Definition,
    /// The position of each value by the path of its key, for faults that are found later. The
    /// empty path is the section.
    pub(crate) positions: BTreeMap<String, Position>,
}

impl CustomProvider {
    /// Returns the provider's identifier in routes and rows.
    #[must_use]
    pub fn slug(&self) -> &ProviderSlug {
        &self.slug
    }
}
