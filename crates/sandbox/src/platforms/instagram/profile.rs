//! The profile of Instagram through Facebook Login: endpoints, clients, permissions and default
//! settings.

use crate::platforms::meta::{Host, SETTINGS};
use crate::profile::{
    AccessTokenRevocation, Client, Paths, Pkce, PlatformProfile, RefreshTokenReuse, Scope,
};

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
        // A second client, so that tests can present codes and tokens issued to another app.
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
    offline_access_param: None,
    state_required: false,
    pkce: Pkce::None,
    issuer: None,
    app_only_grants: &[],
    static_redirects: false,
    code_ttl_seconds: 600,
    code_suffix: "",
    refresh_ttl_seconds: None,
    refresh_token_reuse: RefreshTokenReuse::Rejected,
    access_token_revocation: AccessTokenRevocation::RevokesToken,
    granted_scopes_param: None,
    denial_params: &[
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

/// Returns the environment variables that point Evergrant at this sandbox instead of Facebook.
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

/// The permissions that apps of this kind request. The labels are the sandbox's own.
const SCOPES: &[Scope] = scopes! {
    "public_profile": "see your name and picture",
    "email": "see your e-mail address",
    "instagram_basic": "see your Instagram profile and posts",
    "instagram_manage_insights": "see insights about your posts",
    "instagram_manage_comments": "reply to and hide comments",
    "instagram_content_publish": "publish on Instagram on your behalf",
    "pages_show_list": "see the Pages you manage",
    "pages_read_engagement": "read the content of your Pages",
    "pages_manage_metadata": "subscribe to events about your Pages",
    "business_management": "see the Pages of your businesses",
    "ads_read": "see your ads",
    "ads_management": "manage your ads",
};
