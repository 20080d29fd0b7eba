//! Which platforms of the catalogue have an adapter of their own around the engine.

use std::sync::Arc;

use crate::PlatformAdapter;
use crate::oauth2::engine::OAuth2;
use crate::platforms::instagram::Instagram;
use crate::platforms::onlyfans::OnlyFans;

/// Puts the departures of the platform of this name around `engine`.
pub(super) fn adapter(slug: &str, engine: OAuth2) -> Arc<dyn PlatformAdapter> {
    match slug {
        "instagram" => Arc::new(Instagram::new(engine)),
        "onlyfans" => Arc::new(OnlyFans::new(engine)),
        _ => Arc::new(engine),
    }
}
