//! The platforms that come with the program, in the order in which they are shown.

use std::sync::Arc;

use evergrant_model::ProviderSlug;

use crate::PlatformAdapter;
use crate::instagram::Instagram;
use crate::oauth2::OAuth2;
use crate::onlyfans::OnlyFans;

/// A platform of the catalogue.
pub(crate) struct Entry {
    pub(crate) slug: &'static str,
    pub(crate) definition: &'static str,
    /// Puts the platform's departures around the engine.
    pub(crate) adapter: fn(OAuth2) -> Arc<dyn PlatformAdapter>,
}

pub(crate) const CATALOGUE: &[Entry] = &[
    entry("instagram", include_str!("../catalogue/instagram.toml"), |engine| Arc::new(Instagram::new(engine))),
    entry("instagram-login", include_str!("../catalogue/instagram-login.toml"), |engine| Arc::new(engine)),
    entry("tiktok", include_str!("../catalogue/tiktok.toml"), |engine| Arc::new(engine)),
    entry("reddit", include_str!("../catalogue/reddit.toml"), |engine| Arc::new(engine)),
    entry("onlyfans", include_str!("../catalogue/onlyfans.toml"), |engine| Arc::new(OnlyFans::new(engine))),
];

const fn entry(slug: &'static str, definition: &'static str, adapter: fn(OAuth2) -> Arc<dyn PlatformAdapter>) -> Entry {
    Entry { slug, definition, adapter }
}

/// Whether the catalogue has a platform of this name.
pub(crate) fn has(slug: &ProviderSlug) -> bool {
    CATALOGUE.iter().any(|entry| entry.slug == slug.as_str())
}
