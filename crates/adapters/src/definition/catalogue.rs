//! The definitions that come with the program, in the order in which people see the platforms.

use evergrant_model::ProviderSlug;

/// A file of the catalogue.
pub(crate) struct CatalogueFile {
    pub(crate) slug: &'static str,
    pub(crate) toml_text: &'static str,
}

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

/// Whether the catalogue has a platform of this name.
pub(super) fn has(slug: &ProviderSlug) -> bool {
    CATALOGUE.iter().any(|file| file.slug == slug.as_str())
}
