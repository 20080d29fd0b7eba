//! A platform as data: its endpoints, its apps, what may be asked for, and which rules it follows.

use crate::settings::Settings;

/// What the engine must know of a platform.
pub(crate) struct PlatformProfile {
    /// The name in paths, control calls and the product.
    pub(crate) slug: &'static str,
    /// The name that people read.
    pub(crate) name: &'static str,
    /// The platform's mark, as the content of an SVG of 40 by 40.
    pub(crate) mark: &'static str,
    /// Whether it speaks OAuth at all; without that only names, endpoints and switches count.
    pub(crate) oauth: bool,
    /// The apps registered there; the first is the one that `dev_settings` names.
    pub(crate) clients: &'static [Client],
    /// Where each of the three endpoints is, below the sandbox's base address.
    pub(crate) paths: Paths,
    /// What the app calls itself by at the authorization endpoint.
    pub(crate) client_param: &'static str,
    /// What every call to the token and revocation endpoints must bring along in its form.
    pub(crate) required_params: &'static [&'static str],
    /// Every scope that may be asked for.
    pub(crate) scopes: &'static [Scope],
    /// What divides scopes in the authorization address.
    pub(crate) scope_separators: &'static [char],
    /// The parameter and value that ask for a refresh token; `None`: one always comes.
    pub(crate) lasting_when: Option<(&'static str, &'static str)>,
    pub(crate) state_required: bool,
    pub(crate) pkce: Pkce,
    /// Where below the base address the issuer is that callbacks name (RFC 9207); `None`: they name
    /// none.
    pub(crate) issuer: Option<&'static str>,
    /// Grant types without a person, which exist but are not for the simulated apps.
    pub(crate) personless_grants: &'static [&'static str],
    /// Whether a redirect address must be static: short, and without a query of its own.
    pub(crate) static_redirects: bool,
    /// Life of an authorization code in seconds.
    pub(crate) code_life_s: i64,
    /// What every code ends with: characters that only survive a callback address that is decoded
    /// exactly once.
    pub(crate) code_ending: &'static str,
    /// Life of a refresh token in seconds; `None`: it has no end.
    pub(crate) refresh_life_s: Option<i64>,
    pub(crate) reused_refresh: ReusedRefresh,
    pub(crate) revoking_access: RevokingAccess,
    /// The callback's parameter that names the granted scopes, divided by commas.
    pub(crate) granted_param: Option<&'static str>,
    /// What the callback gets when the person does not allow access.
    pub(crate) denial: &'static [(&'static str, &'static str)],
    /// What the platform hangs behind the `#` of the callback address.
    pub(crate) fragment: Option<&'static str>,
    /// The endpoints, as counters and faults name them.
    pub(crate) endpoints: &'static [&'static str],
    /// How the switches stand at first.
    pub(crate) settings: Settings,
}

/// What a platform wants of PKCE (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pkce {
    /// Nothing: a challenge is not looked at, as no parameter is that the platform does not know.
    None,
    /// Every app must send an S256 challenge, and its verifier at the exchange.
    S256,
    /// Apps on a desktop must, with the challenge in hexadecimal instead of base64url.
    HexOnDesktop,
}

/// What becomes of a rotated refresh token that comes a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReusedRefresh {
    /// It is refused, and nothing else.
    IsRefused,
    /// The whole grant ends, for somebody has a copy (RFC 9700 §4.14.2).
    EndsGrant,
}

/// What an access token that is revoked takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevokingAccess {
    /// Nothing.
    EndsItself,
    /// The whole grant.
    EndsGrant,
}

/// An app that is registered at a platform.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    /// What the consent page calls it.
    pub(crate) name: &'static str,
}

/// Where a platform's OAuth endpoints are.
pub(crate) struct Paths {
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    pub(crate) revoke: &'static str,
}

/// One permission.
pub(crate) struct Scope {
    pub(crate) id: &'static str,
    /// What the consent page says, as the end of "It may …".
    pub(crate) label: &'static str,
}
