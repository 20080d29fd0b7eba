//! The platforms that come with the program, in the order in which they are shown.

use evergrant_model::ProviderSlug;

/// Each platform's slug and definition.
pub(crate) const CATALOGUE: &[(&str, &str)] = &[("reddit", include_str!("../catalogue/reddit.toml"))];

/// Whether the catalogue has a platform of this name.
pub(crate) fn has(slug: &ProviderSlug) -> bool {
    CATALOGUE.iter().any(|(name, _)| *name == slug.as_str())
}
