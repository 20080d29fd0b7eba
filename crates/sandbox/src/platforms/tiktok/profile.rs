//! The profile of TikTok: endpoints, clients, scopes and default settings.

use crate::profile::{
    AccessTokenRevocation, Client, Paths, Pkce, PlatformProfile, RefreshTokenReuse, Scope,
};
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
        // A second client, so that tests can present codes and tokens issued to another app.
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
            label: "see your follower, like and video counts",
        },
        Scope {
            id: "video.list",
            label: "see your public videos",
        },
    ],
    scope_separators: &[','],
    offline_access_param: None,
    state_required: true,
    pkce: Pkce::HexOnDesktop,
    issuer: None,
    app_only_grants: &["client_credentials"],
    static_redirects: true,
    code_ttl_seconds: 600,
    code_suffix: "*1!%7E4242",
    refresh_ttl_seconds: Some(365 * 86_400),
    refresh_token_reuse: RefreshTokenReuse::Rejected,
    access_token_revocation: AccessTokenRevocation::RevokesGrant,
    granted_scopes_param: Some("scopes"),
    denial_params: &[
        ("error", "access_denied"),
        ("error_description", "The user denied access."),
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
        // Applies to the OAuth endpoints. The data endpoints never send `Retry-After`.
        retry_after: true,
        dead_refresh_body: DeadRefreshBody::Oauth,
        quota: 600,
        token_quota: 6000,
        meta: None,
    },
};

/// Returns the environment variables that point Evergrant at this sandbox instead of TikTok.
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
        // A local Evergrant has its callback on loopback, so TikTok treats it as a desktop app.
        ("TIKTOK_PKCE", "hex".to_owned()),
    ]
}
