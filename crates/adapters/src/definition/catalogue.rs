//! The definitions of the catalogue, in the order in which users see the providers.

use evergrant_model::ProviderSlug;

/// One file of the catalogue.
pub(crate) struct CatalogueFile {
    pub(crate) slug: &'static str,
    pub(crate) toml_text: &'static str,
}

/// Every file of the catalogue.
pub(crate) const CATALOGUE: &[CatalogueFile] = &[
    file("instagram", include_str!("../../catalogue/instagram.toml")),
    file(
        "instagram-login",
        include_str!("../../catalogue/instagram-login.toml"),
    ),
    file("tiktok", include_str!("../../catalogue/tiktok.toml")),
    file("reddit", include_str!("../../catalogue/reddit.toml")),
    file("onlyfans", include_str!("../../catalogue/onlyfans.toml")),
];

const fn file(slug: &'static str, toml_text: &'static str) -> CatalogueFile {
    CatalogueFile { slug, toml_text }
}

/// Returns whether the catalogue has a provider with this slug.
pub(super) fn has(slug: &ProviderSlug) -> bool {
    CATALOGUE.iter().any(|file| file.slug == slug.as_str())
}
