//! The profile of OnlyFans: endpoints and default settings.

use crate::profile::{AccessTokenRevocation, Paths, Pkce, PlatformProfile, RefreshTokenReuse};
use crate::settings::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus, Settings,
};

/// Path of the sign-in page.
pub(super) const SITE: &str = "/onlyfans/";
pub(super) const SIGN_IN: &str = "/onlyfans/sign-in";
pub(super) const SIGN_OUT: &str = "/onlyfans/sign-out";
/// Path of the signed-in account's profile.
pub(super) const ME: &str = "/onlyfans/api2/v2/users/me";

pub(super) const PROFILE: PlatformProfile = PlatformProfile {
    slug: "onlyfans",
    name: "OnlyFans",
    mark: include_str!("mark.svg"),
    oauth: false,
    clients: &[],
    paths: Paths {
        authorize: SITE,
        token: "",
        revoke: "",
    },
    client_param: "",
    required_params: &[],
    scopes: &[],
    scope_separators: &[],
    offline_access_param: None,
    state_required: false,
    pkce: Pkce::None,
    issuer: None,
    app_only_grants: &[],
    static_redirects: false,
    code_ttl_seconds: 0,
    code_suffix: "",
    refresh_ttl_seconds: None,
    refresh_token_reuse: RefreshTokenReuse::Rejected,
    access_token_revocation: AccessTokenRevocation::RevokesToken,
    granted_scopes_param: None,
    denial_params: &[],
    fragment: None,
    endpoints: &["site", "sign-in", "me", "posts", "other"],
    settings: Settings {
        refresh_token: RefreshMode::Keep,
        refresh_reply: RefreshReply::Repeat,
        refresh_expiry: RefreshExpiry::FromFirstIssue,
        client_kind: ClientKind::Web,
        oauth_errors_as_200: false,
        // Lifetime of a session. The real value is undocumented.
        expires_in: 30 * 86_400,
        revoke_status: RevokeStatus::Ok,
        retry_after: true,
        dead_refresh_body: DeadRefreshBody::Message,
        quota: 120,
        token_quota: 0,
        meta: None,
    },
};

/// Returns the environment variables that point Evergrant at this sandbox instead of OnlyFans.
pub(in crate::platforms) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("ONLYFANS_ENABLED", "true".to_owned()),
        ("ONLYFANS_PROFILE_URL", format!("{base_url}{ME}")),
        ("ONLYFANS_SIGN_IN_URL", format!("{base_url}{SITE}")),
    ]
}
