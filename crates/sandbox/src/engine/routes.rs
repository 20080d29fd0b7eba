//! The endpoints of OAuth, at the paths of one platform.

use axum::Router;
use axum::routing::{get, post};

use super::{consent, revoke, token};
use crate::platform::Stage;

/// The endpoints that every platform has, less those that one plays itself.
pub(crate) fn routes(stage: &Stage) -> Router<Stage> {
    let profile = stage.platform.profile();
    if !profile.oauth {
        return Router::new();
    }
    let paths = &profile.paths;
    let consent = Router::new().route(paths.authorize, get(consent::show).post(consent::decide));
    if stage.platform.brings_tokens() {
        return consent;
    }
    consent
        .route(paths.token, post(token::answer))
        .route(paths.revoke, post(revoke::answer))
}
