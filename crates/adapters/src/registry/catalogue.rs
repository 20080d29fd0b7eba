//! The adapters of catalogue providers.

use std::sync::Arc;

use crate::PlatformAdapter;
use crate::oauth2::engine::OAuth2;
use crate::platforms::instagram::Instagram;
use crate::platforms::onlyfans::OnlyFans;

/// Returns the provider's own adapter around `engine`, or `engine` itself if it has none.
pub(super) fn adapter(slug: &str, engine: OAuth2) -> Arc<dyn PlatformAdapter> {
    match slug {
        "instagram" => Arc::new(Instagram::new(engine)),
        "onlyfans" => Arc::new(OnlyFans::new(engine)),
        _ => Arc::new(engine),
    }
}
