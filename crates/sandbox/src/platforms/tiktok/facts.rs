//! TikTok as data: where its endpoints are, what may be asked for, and how it is set at first.

use crate::profile::{Client, Paths, Pkce, PlatformProfile, ReusedRefresh, RevokingAccess, Scope};
use crate::settings::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus, Settings,
};

pub(super) const PROFILE: PlatformProfile = PlatformProfile {
    slug: "tiktok",
    name: "TikTok",
    mark: include_str!("mark.svg"),
    oauth: true,
    clients: &[
        Client {
            id: "simkey01",
            secret: "sim-client-secret",
            name: "Evergrant",
        },
        // Somebody else's app, so that foreign codes and tokens can be tried.
        Client {
            id: "simkey02",
            secret: "sim-other-secret",
            name: "Another app",
        },
    ],
    paths: Paths {
        authorize: "/tiktok/auth/v2/auth/authorize/",
        token: "/tiktok/api/v2/oauth/token/",
        revoke: "/tiktok/api/v2/oauth/revoke/",
    },
    client_param: "client_key",
    required_params: &["client_key", "client_secret"],
    scopes: &[
        Scope {
            id: "user.info.basic",
            label: "see your name and picture",
        },
        Scope {
            id: "user.info.profile",
            label: "see your bio and whether you are verified",
        },
        Scope {
            id: "user.info.stats",
            label: "see your followers, likes and videos in numbers",
        },
        Scope {
            id: "video.list",
            label: "see your public videos",
        },
    ],
    scope_separators: &[','],
    lasting_when: None,
    state_required: true,
    pkce: Pkce::HexOnDesktop,
    issuer: None,
    personless_grants: &["client_credentials"],
    static_redirects: true,
    code_life_s: 600,
    code_ending: "*1!%7E4242",
    refresh_life_s: Some(365 * 86_400),
    reused_refresh: ReusedRefresh::IsRefused,
    revoking_access: RevokingAccess::EndsGrant,
    granted_param: Some("scopes"),
    denial: &[
        ("error", "access_denied"),
        ("error_description", "The person did not allow access."),
    ],
    fragment: None,
    endpoints: &[
        "authorize",
        "token.authorization_code",
        "token.refresh_token",
        "token.other",
        "revoke",
        "user.info",
        "video.list",
        "video.query",
        "cover",
        "other",
    ],
    settings: Settings {
        refresh_token: RefreshMode::RotateStrict,
        refresh_reply: RefreshReply::Repeat,
        refresh_expiry: RefreshExpiry::FromFirstIssue,
        client_kind: ClientKind::ByRedirect,
        oauth_errors_as_200: false,
        expires_in: 86_400,
        revoke_status: RevokeStatus::Ok,
        // For the OAuth endpoints; the data endpoints never say when to come back.
        retry_after: true,
        dead_refresh_body: DeadRefreshBody::Oauth,
        quota: 600,
        token_quota: 6000,
        meta: None,
    },
};

/// What the product is told so that it takes this sandbox for TikTok.
pub(in crate::platforms) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let (key, secret) = PROFILE
        .clients
        .first()
        .map_or(("", ""), |client| (client.id, client.secret));
    vec![
        ("TIKTOK_AUTH_BASE", format!("{base_url}/tiktok/auth")),
        ("TIKTOK_API_BASE", format!("{base_url}/tiktok/api")),
        ("TIKTOK_CLIENT_KEY", key.to_owned()),
        ("TIKTOK_CLIENT_SECRET", secret.to_owned()),
        // A product that is tried out has its callback on loopback, and so counts as an app on a
        // desktop.
        ("TIKTOK_PKCE", "hex".to_owned()),
    ]
}
