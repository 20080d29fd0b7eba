//! Routes of the OAuth endpoints of one platform.

use axum::Router;
use axum::routing::{get, post};

use super::{consent, revoke, token};
use crate::platform::PlatformContext;

/// Returns the authorization, token and revocation endpoints, without those that the platform
/// implements itself.
pub(crate) fn routes(context: &PlatformContext) -> Router<PlatformContext> {
    let profile = context.platform.profile();
    if !profile.oauth {
        return Router::new();
    }
    let paths = &profile.paths;
    let consent = Router::new().route(paths.authorize, get(consent::show).post(consent::decide));
    if context.platform.has_own_token_endpoint() {
        return consent;
    }
    consent
        .route(paths.token, post(token::handle))
        .route(paths.revoke, post(revoke::handle))
}
