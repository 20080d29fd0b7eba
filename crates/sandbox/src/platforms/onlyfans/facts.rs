//! OnlyFans as data: its endpoints and how it is set at first.

use crate::profile::{Paths, Pkce, PlatformProfile, ReusedRefresh, RevokingAccess};
use crate::settings::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus, Settings,
};

/// The site's front door.
pub(super) const SITE: &str = "/onlyfans/";
pub(super) const SIGN_IN: &str = "/onlyfans/sign-in";
pub(super) const SIGN_OUT: &str = "/onlyfans/sign-out";
/// Where a session is told whose it is.
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
    lasting_when: None,
    state_required: false,
    pkce: Pkce::None,
    issuer: None,
    personless_grants: &[],
    static_redirects: false,
    code_life_s: 0,
    code_ending: "",
    refresh_life_s: None,
    reused_refresh: ReusedRefresh::IsRefused,
    revoking_access: RevokingAccess::EndsItself,
    granted_param: None,
    denial: &[],
    fragment: None,
    endpoints: &["site", "sign-in", "me", "posts", "other"],
    settings: Settings {
        refresh_token: RefreshMode::Keep,
        refresh_reply: RefreshReply::Repeat,
        refresh_expiry: RefreshExpiry::FromFirstIssue,
        client_kind: ClientKind::Web,
        oauth_errors_as_200: false,
        // Life of a session. Nobody tells how long it really is.
        expires_in: 30 * 86_400,
        revoke_status: RevokeStatus::Ok,
        retry_after: true,
        dead_refresh_body: DeadRefreshBody::Message,
        quota: 120,
        token_quota: 0,
        meta: None,
    },
};

/// What the product is told so that it takes this sandbox for OnlyFans.
pub(in crate::platforms) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("ONLYFANS_ENABLED", "true".to_owned()),
        ("ONLYFANS_PROFILE_URL", format!("{base_url}{ME}")),
    ]
}
