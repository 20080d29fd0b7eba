//! Instagram through Facebook Login as data.

use crate::platforms::meta::{Host, SETTINGS};
use crate::profile::{Client, Paths, Pkce, PlatformProfile, ReusedRefresh, RevokingAccess, Scope};

pub(super) const HOST: Host = Host {
    prefix: "/facebook/graph",
    basic: "instagram_basic",
    insights: "instagram_manage_insights",
    is_login: false,
};

pub(super) const PROFILE: PlatformProfile = PlatformProfile {
    slug: "instagram",
    name: "Facebook",
    mark: include_str!("mark.svg"),
    clients: &[
        Client {
            id: "1001",
            secret: "sim-app-secret",
            name: "Evergrant",
        },
        // Somebody else's app, so that foreign codes and tokens can be tried.
        Client {
            id: "1002",
            secret: "sim-other-secret",
            name: "Another app",
        },
    ],
    paths: Paths {
        authorize: "/facebook/dialog/{version}/dialog/oauth",
        token: "/facebook/graph/{version}/oauth/access_token",
        revoke: "/facebook/graph/{version}/me/permissions",
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
    code_life_s: 600,
    code_ending: "",
    refresh_life_s: None,
    reused_refresh: ReusedRefresh::IsRefused,
    revoking_access: RevokingAccess::EndsItself,
    granted_param: None,
    denial: &[
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
    ],
    fragment: Some("_=_"),
    endpoints: &[
        "authorize",
        "token.authorization_code",
        "token.fb_exchange_token",
        "token.other",
        "debug_token",
        "me",
        "permissions",
        "accounts",
        "businesses",
        "business_pages",
        "revoke",
        "account",
        "account_insights",
        "media",
        "medium",
        "children",
        "media_insights",
        "stories",
        "other",
    ],
    settings: SETTINGS,
};

/// What the product is told so that it takes this sandbox for Facebook.
pub(in crate::platforms) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let (id, secret) = PROFILE
        .clients
        .first()
        .map_or(("", ""), |client| (client.id, client.secret));
    vec![
        (
            "FACEBOOK_DIALOG_BASE",
            format!("{base_url}/facebook/dialog"),
        ),
        ("FACEBOOK_GRAPH_BASE", format!("{base_url}/facebook/graph")),
        ("FACEBOOK_APP_ID", id.to_owned()),
        ("FACEBOOK_APP_SECRET", secret.to_owned()),
    ]
}

macro_rules! scopes {
    ($($id:literal: $label:literal,)*) => { &[$(Scope { id: $id, label: $label }),*] };
}

/// The permissions that apps of this kind ask for, in words of ours.
const SCOPES: &[Scope] = scopes! {
    "public_profile": "see your name and picture",
    "email": "see your e-mail address",
    "instagram_basic": "see your Instagram profile and posts",
    "instagram_manage_insights": "see how your posts do",
    "instagram_manage_comments": "answer and hide comments",
    "instagram_content_publish": "post on Instagram as you",
    "pages_show_list": "see which Pages you manage",
    "pages_read_engagement": "read what your Pages post",
    "pages_manage_metadata": "subscribe to events of your Pages",
    "business_management": "see Pages of your businesses",
    "ads_read": "see your advertising",
    "ads_management": "change your advertising",
};
