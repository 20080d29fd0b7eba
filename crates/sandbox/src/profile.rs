//! Platform profiles: endpoints, registered apps, scopes, lifetimes and the OAuth rules of a
//! platform, as data.

use crate::settings::Settings;

/// The static description of a platform.
pub(crate) struct PlatformProfile {
    /// Identifier in paths, control calls and Evergrant's settings.
    pub(crate) slug: &'static str,
    /// Display name.
    pub(crate) name: &'static str,
    /// Logo: the content of an SVG with the view box `0 0 40 40`.
    pub(crate) mark: &'static str,
    /// Whether the platform supports OAuth. If not, only names, endpoints and switches are used.
    pub(crate) oauth: bool,
    /// Registered apps; `dev_settings` names the first one.
    pub(crate) clients: &'static [Client],
    /// Paths of the OAuth endpoints, relative to the sandbox's base URL.
    pub(crate) paths: Paths,
    /// Parameter of the client id at the authorization endpoint.
    pub(crate) client_param: &'static str,
    /// Form parameters that every call to the token and revocation endpoints must have.
    pub(crate) required_params: &'static [&'static str],
    /// All scopes of the platform.
    pub(crate) scopes: &'static [Scope],
    /// Characters that separate scopes in the authorization URL.
    pub(crate) scope_separators: &'static [char],
    /// Authorization parameter and value that request a refresh token. `None`: every grant gets
    /// one.
    pub(crate) offline_access_param: Option<(&'static str, &'static str)>,
    /// Whether an authorization request without `state` is rejected.
    pub(crate) state_required: bool,
    pub(crate) pkce: Pkce,
    /// Path of the issuer that callbacks name in `iss` (RFC 9207), relative to the base URL.
    /// `None`: callbacks have no `iss`.
    pub(crate) issuer: Option<&'static str>,
    /// Grant types without a user. They exist, but the simulated apps may not use them.
    pub(crate) app_only_grants: &'static [&'static str],
    /// Whether a redirect URI must be static: short and without a query.
    pub(crate) static_redirects: bool,
    /// Lifetime of an authorization code in seconds.
    pub(crate) code_ttl_seconds: i64,
    /// Suffix of every code: characters that only survive if the callback URL is decoded exactly
    /// once.
    pub(crate) code_suffix: &'static str,
    /// Lifetime of a refresh token in seconds. `None`: it does not expire.
    pub(crate) refresh_ttl_seconds: Option<i64>,
    pub(crate) refresh_token_reuse: RefreshTokenReuse,
    pub(crate) access_token_revocation: AccessTokenRevocation,
    /// Callback parameter that lists the granted scopes, separated by commas. `None`: they are not
    /// listed.
    pub(crate) granted_scopes_param: Option<&'static str>,
    /// Callback parameters of a denied consent.
    pub(crate) denial_params: &'static [(&'static str, &'static str)],
    /// Fragment of the callback URL.
    pub(crate) fragment: Option<&'static str>,
    /// Names of the endpoints for counters and faults.
    pub(crate) endpoints: &'static [&'static str],
    /// Initial positions of the switches.
    pub(crate) settings: Settings,
}

/// A platform's rules for PKCE (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pkce {
    /// Not supported; the parameters are ignored like any unknown ones.
    None,
    /// Required of every app, with the method S256.
    S256,
    /// Required of desktop apps, with the hash in hexadecimal instead of base64url.
    HexOnDesktop,
}

/// The effect of a second use of a rotated refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshTokenReuse {
    /// The token is rejected.
    Rejected,
    /// The whole grant is revoked, because the token may be stolen (RFC 9700 §4.14.2).
    RevokesGrant,
}

/// The effect of revoking an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessTokenRevocation {
    /// Only this token is revoked.
    RevokesToken,
    /// The whole grant is revoked.
    RevokesGrant,
}

/// An app that is registered at a platform.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    /// Display name on the consent page.
    pub(crate) name: &'static str,
}

/// Paths of a platform's OAuth endpoints.
pub(crate) struct Paths {
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    pub(crate) revoke: &'static str,
}

/// A permission that an app can request.
pub(crate) struct Scope {
    pub(crate) id: &'static str,
    /// Label on the consent page; continues the sentence "This app may …".
    pub(crate) label: &'static str,
}
