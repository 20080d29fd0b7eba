//! Instagram Login as data.

use crate::platforms::meta::{Host, SETTINGS};
use crate::profile::{Client, Paths, Pkce, PlatformProfile, ReusedRefresh, RevokingAccess, Scope};
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
        // Somebody else's app, so that foreign codes and tokens can be tried.
        Client {
            id: "2003",
            secret: "sim-instagram-other-secret",
            name: "Another app",
        },
    ],
    paths: Paths {
        authorize: "/instagram/auth/oauth/authorize",
        token: "/instagram/api/oauth/access_token",
        // There is none: people remove apps in their settings.
        revoke: "",
    },
    oauth: true,
    client_param: "client_id",
    required_params: &[],
    scopes: SCOPES,
    scope_separators: &[',', ' '],
    lasting_when: None,
    state_required: false,
    pkce: Pkce::None,
    issuer: None,
    personless_grants: &[],
    static_redirects: false,
    code_life_s: 3600,
    code_ending: "",
    refresh_life_s: None,
    reused_refresh: ReusedRefresh::IsRefused,
    revoking_access: RevokingAccess::EndsItself,
    granted_param: None,
    denial: &[
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
    // A little under sixty days.
    settings: Settings {
        expires_in: 5_183_000,
        ..SETTINGS
    },
};

/// What the product is told so that it takes this sandbox for Instagram.
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

/// The permissions of this login, in words of ours. The older names without `instagram_` are gone.
const SCOPES: &[Scope] = scopes! {
    "instagram_business_basic": "see your profile and posts",
    "instagram_business_manage_insights": "see how your posts do",
    "instagram_business_content_publish": "post as you",
    "instagram_business_manage_comments": "answer and hide comments",
    "instagram_business_manage_messages": "read and answer your messages",
};
