//! The profile of Reddit: endpoints, clients, scopes and default settings.

use crate::profile::{
    AccessTokenRevocation, Client, Paths, Pkce, PlatformProfile, RefreshTokenReuse, Scope,
};
use crate::settings::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus, Settings,
};

pub(super) const PROFILE: PlatformProfile = PlatformProfile {
    slug: "reddit",
    name: "Reddit",
    mark: include_str!("mark.svg"),
    clients: &[
        Client {
            id: "simRedditId",
            secret: "simRedditSecret",
            name: "Evergrant",
        },
        // A second client, so that tests can present codes and tokens issued to another app.
        Client {
            id: "simRedditOther",
            secret: "simRedditOtherSecret",
            name: "Another app",
        },
    ],
    paths: Paths {
        authorize: "/reddit/www/api/v1/authorize",
        token: "/reddit/www/api/v1/access_token",
        revoke: "/reddit/www/api/v1/revoke_token",
    },
    oauth: true,
    client_param: "client_id",
    required_params: &[],
    scopes: SCOPES,
    scope_separators: &[' ', ','],
    offline_access_param: Some(("duration", "permanent")),
    state_required: true,
    pkce: Pkce::None,
    issuer: None,
    app_only_grants: &[
        "password",
        "client_credentials",
        "https://oauth.reddit.com/grants/installed_client",
    ],
    static_redirects: false,
    code_ttl_seconds: 600,
    code_suffix: "",
    refresh_ttl_seconds: None,
    refresh_token_reuse: RefreshTokenReuse::Rejected,
    access_token_revocation: AccessTokenRevocation::RevokesToken,
    granted_scopes_param: None,
    denial_params: &[("error", "access_denied")],
    fragment: Some("_"),
    endpoints: &[
        "authorize",
        "token.authorization_code",
        "token.refresh_token",
        "token.other",
        "revoke",
        "me",
        "karma",
        "submitted",
        "comments",
        "other",
    ],
    settings: Settings {
        refresh_token: RefreshMode::Keep,
        refresh_reply: RefreshReply::Repeat,
        refresh_expiry: RefreshExpiry::FromFirstIssue,
        client_kind: ClientKind::Web,
        oauth_errors_as_200: false,
        expires_in: 86_400,
        revoke_status: RevokeStatus::Ok,
        retry_after: true,
        dead_refresh_body: DeadRefreshBody::Message,
        quota: 1000,
        token_quota: 300,
        meta: None,
    },
};

/// Returns the environment variables that point Evergrant at this sandbox instead of Reddit.
pub(in crate::platforms) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let (id, secret) = PROFILE
        .clients
        .first()
        .map_or(("", ""), |client| (client.id, client.secret));
    vec![
        ("REDDIT_WWW_BASE", format!("{base_url}/reddit/www")),
        ("REDDIT_OAUTH_BASE", format!("{base_url}/reddit/oauth")),
        ("REDDIT_CLIENT_ID", id.to_owned()),
        ("REDDIT_CLIENT_SECRET", secret.to_owned()),
        (
            "REDDIT_USER_AGENT",
            "linux:evergrant-sandbox:v0.1.0 (by /u/evergrant-sandbox)".to_owned(),
        ),
    ]
}

macro_rules! scopes {
    ($($id:literal: $label:literal,)*) => { &[$(Scope { id: $id, label: $label }),*] };
}

/// The scopes in Reddit's API documentation. The labels are the sandbox's own.
///
/// `*` grants all scopes.
const SCOPES: &[Scope] = scopes! {
    "identity": "see your name, age and karma",
    "history": "see your posts, comments and saved items",
    "read": "read content you can access",
    "mysubreddits": "see your communities",
    "modtraffic": "see traffic statistics of communities you moderate",
    "account": "change your account preferences",
    "edit": "edit and delete your posts and comments",
    "flair": "choose your flair",
    "modconfig": "change the settings of communities you moderate",
    "modcontributors": "approve and ban people where you moderate",
    "modflair": "manage flair where you moderate",
    "modlog": "read the moderation log",
    "modmail": "read and send moderator mail",
    "modothers": "invite and remove moderators",
    "modposts": "approve and remove posts where you moderate",
    "modself": "accept moderator invitations and step down as moderator",
    "modwiki": "manage wikis where you moderate",
    "privatemessages": "read and send your private messages",
    "report": "report posts and comments",
    "save": "save and unsave posts and comments",
    "structuredstyles": "change the appearance of communities you moderate",
    "submit": "post and comment as you",
    "subscribe": "join and leave communities",
    "vote": "vote as you",
    "wikiedit": "edit wiki pages",
    "wikiread": "read wiki pages",
    "*": "do everything that you can do on Reddit",
};
