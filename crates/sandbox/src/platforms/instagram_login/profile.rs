//! The profile of Instagram Login: endpoints, clients, permissions and default settings.

use crate::platforms::meta::{Host, SETTINGS};
use crate::profile::{
    AccessTokenRevocation, Client, Paths, Pkce, PlatformProfile, RefreshTokenReuse, Scope,
};
use crate::settings::Settings;

pub(super) const HOST: Host = Host {
    prefix: "/instagram/graph",
    basic: "instagram_business_basic",
    insights: "instagram_business_manage_insights",
    is_login: true,
};

pub(super) const PROFILE: PlatformProfile = PlatformProfile {
    slug: "instagram-login",
    name: "Instagram",
    mark: include_str!("mark.svg"),
    clients: &[
        Client {
            id: "2002",
            secret: "sim-instagram-secret",
            name: "Evergrant",
        },
        // A second client, so that tests can present codes and tokens issued to another app.
        Client {
            id: "2003",
            secret: "sim-instagram-other-secret",
            name: "Another app",
        },
    ],
    paths: Paths {
        authorize: "/instagram/auth/oauth/authorize",
        token: "/instagram/api/oauth/access_token",
        // Instagram Login has no revocation endpoint: people remove apps in their settings.
        revoke: "",
    },
    oauth: true,
    client_param: "client_id",
    required_params: &[],
    scopes: SCOPES,
    scope_separators: &[',', ' '],
    offline_access_param: None,
    state_required: false,
    pkce: Pkce::None,
    issuer: None,
    app_only_grants: &[],
    static_redirects: false,
    code_ttl_seconds: 3600,
    code_suffix: "",
    refresh_ttl_seconds: None,
    refresh_token_reuse: RefreshTokenReuse::Rejected,
    access_token_revocation: AccessTokenRevocation::RevokesToken,
    granted_scopes_param: None,
    denial_params: &[
        ("error", "access_denied"),
        ("error_reason", "user_denied"),
        ("error_description", "The user denied your request"),
    ],
    fragment: Some("_"),
    endpoints: &[
        "authorize",
        "token.authorization_code",
        "token.other",
        "token.ig_exchange_token",
        "token.ig_refresh_token",
        "me",
        "account",
        "account_insights",
        "media",
        "medium",
        "children",
        "media_insights",
        "stories",
        "other",
    ],
    // Slightly less than 60 days (5,184,000 seconds).
    settings: Settings {
        expires_in: 5_183_000,
        ..SETTINGS
    },
};

/// Returns the environment variables that point Evergrant at this sandbox instead of Instagram.
pub(in crate::platforms) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let (id, secret) = PROFILE
        .clients
        .first()
        .map_or(("", ""), |client| (client.id, client.secret));
    vec![
        ("INSTAGRAM_AUTH_BASE", format!("{base_url}/instagram/auth")),
        ("INSTAGRAM_API_BASE", format!("{base_url}/instagram/api")),
        (
            "INSTAGRAM_GRAPH_BASE",
            format!("{base_url}/instagram/graph"),
        ),
        ("INSTAGRAM_APP_ID", id.to_owned()),
        ("INSTAGRAM_APP_SECRET", secret.to_owned()),
    ]
}

macro_rules! scopes {
    ($($id:literal: $label:literal,)*) => { &[$(Scope { id: $id, label: $label }),*] };
}

/// The permissions of Instagram Login. The labels are the sandbox's own.
///
/// The older names without `instagram_` no longer exist.
const SCOPES: &[Scope] = scopes! {
    "instagram_business_basic": "see your profile and posts",
    "instagram_business_manage_insights": "see insights about your posts",
    "instagram_business_content_publish": "post as you",
    "instagram_business_manage_comments": "reply to and hide comments",
    "instagram_business_manage_messages": "read and reply to your messages",
};
