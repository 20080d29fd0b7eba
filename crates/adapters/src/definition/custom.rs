//! A platform of the operator's own.

use std::collections::BTreeMap;

use evergrant_model::ProviderSlug;

use super::place::Place;
use super::tables::Definition;

/// A platform of the operator's own, well formed; [`crate::Registry::new`] decides whether its
/// hosts may be called.
#[derive(Debug, Clone)]
pub struct CustomProvider {
    pub(crate) slug: ProviderSlug,
    pub(crate) definition: Definition,
    /// Where each key stands, by its path, for faults that show only later.
    pub(crate) places: BTreeMap<String, Place>,
}

impl CustomProvider {
    /// The platform's name in routes and rows.
    #[must_use]
    pub fn slug(&self) -> &ProviderSlug {
        &self.slug
    }
}
