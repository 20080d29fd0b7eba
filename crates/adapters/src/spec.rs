//! The public facts of a provider, resolved from its definition and the operator's settings.

use evergrant_model::{ProviderSlug, ScopeSet, SignedDuration, string_enum};

use crate::{AdapterError, ErrorClass, SessionSite, Vocabulary};

/// How long a provider may take to answer a refresh or a code exchange if its definition does not
/// state it.
const DEFAULT_REFRESH_TIMEOUT: SignedDuration = SignedDuration::from_secs(15);
/// How long after that time an answer is still read. It may hold the only copy of new tokens.
const LATE_ANSWER_TIME: SignedDuration = SignedDuration::from_secs(5);

string_enum! {
    /// How a provider authorizes access.
    pub enum ProviderKind {
        /// The authorization code grant of RFC 6749.
        OAuth2 = "oauth2",
        /// Session cookies that the account's owner pastes.
        Cookies = "cookies",
    }
}

/// How the connections of a provider are kept valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// Tokens are refreshed before they expire.
    Refreshed,
    /// Sessions cannot be refreshed. They are checked at intervals if the operator configured a
    /// URL for the check.
    Checked,
    /// Tokens are neither refreshed nor checked; a connection expires with its token.
    Unmanaged,
}

string_enum! {
    /// How the PKCE challenge is derived from the verifier (RFC 7636 §4.2).
    #[derive(Default)]
    pub enum Pkce: Deserialize {
        /// Base64url of the SHA-256, as in RFC 7636.
        #[default]
        S256 = "S256",
        /// Lower-case hex of the SHA-256. `TikTok` requires it for desktop apps.
        S256Hex = "S256-hex",
        /// The provider does not use PKCE.
        None = "none",
    }
}

/// The token that a refresh presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RefreshesWith {
    /// The refresh token (RFC 6749 §6).
    #[default]
    RefreshToken,
    /// The access token itself, until it expires. The provider issues no refresh tokens.
    AccessToken,
}

string_enum! {
    /// Which grants end when one is revoked at the provider.
    #[derive(Default)]
    pub enum RevocationReach: Deserialize {
        /// Only the revoked grant.
        #[default]
        Grant = "grant",
        /// Every grant of the same person to this client; see [`ProviderSpec::person_key`].
        Person = "person",
    }
}

/// A scope that every flow requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSpec {
    /// The scope's identifier at the provider.
    pub id: String,
    /// The description that users see.
    pub label: String,
    /// Whether a connection cannot work without it.
    pub required: bool,
}

/// The operations that a provider supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Access tokens can be refreshed without the user.
    pub refresh: bool,
    /// Grants can be revoked at the provider.
    pub revoke: bool,
    /// Account profiles can be fetched.
    pub profile: bool,
}

/// The public facts of a provider.
#[derive(Debug, Clone)]
pub struct ProviderSpec {
    /// The identifier in routes, settings and rows.
    pub slug: ProviderSlug,
    /// The name that people see.
    pub name: String,
    /// How the provider authorizes access.
    pub kind: ProviderKind,
    /// How its connections are kept valid.
    pub lifecycle: Lifecycle,
    /// What one of its accounts is called, such as `Reddit User`.
    pub account_type: String,
    /// The platform whose sign-in its users see, such as `Facebook`; `None` if it is the provider's
    /// own.
    pub sign_in_with: Option<String>,
    /// How users sign in and which accounts they can connect, in a few words; `None` if the name
    /// and the account type say enough.
    pub account_summary: Option<String>,
    /// What a user does to get an account that can be connected, in full sentences; `None` if every
    /// account can be.
    pub account_help: Option<String>,
    /// The platform's page about that.
    pub account_help_url: Option<String>,
    /// A description of its tokens, such as `Permanent (with refresh)`.
    pub token_type: String,
    /// The scopes that every flow requests.
    pub scopes: Vec<ScopeSpec>,
    /// How the provider names granted scopes and declined authorizations.
    pub vocabulary: Vocabulary,
    /// The required `iss` of callbacks (RFC 9207); `None` if the provider sends none.
    pub issuer: Option<String>,
    /// How the PKCE challenge is derived.
    pub pkce: Pkce,
    /// Whether one consent can reach several accounts.
    pub multi_account: bool,
    /// Where sessions come from, for a provider with session credentials.
    pub session_site: SessionSite,
    /// The operations that the provider supports.
    pub capabilities: Capabilities,
    /// Why the provider is not configured: the names of missing or invalid settings, never their
    /// values. `None` if it is configured.
    pub problem: Option<String>,
    /// Assumed lifetime of an access token if the token response states none.
    pub default_lifetime: Option<SignedDuration>,
    /// How long before its expiry an access token is refreshed; `None` for the program's default.
    pub refresh_ahead: Option<SignedDuration>,
    /// The part of an access token's lifetime after which it is refreshed, in percent. Takes
    /// precedence over `refresh_ahead` if the lifetime is known.
    /// [`ProviderSpec::refresh_margin`] combines both.
    pub refresh_at_percent: Option<i64>,
    /// Minimum age at which the provider refreshes an access token; zero for no minimum.
    pub min_refresh_age: SignedDuration,
    /// The token that a refresh presents.
    pub refreshes_with: RefreshesWith,
    /// Which grants end when one is revoked.
    pub revocation_reach: RevocationReach,
    /// The metadata key whose value identifies the person across their accounts. `None` unless a
    /// revocation reaches the person.
    pub person_key: Option<String>,
    /// Whether a refresh may replace the refresh token.
    pub rotates_refresh_token: bool,
    /// How long a replaced refresh token is still accepted; zero if not at all or unknown.
    pub replay_window: SignedDuration,
    /// How long the provider may take to answer a refresh or a code exchange; 1 to 60 seconds. See
    /// also [`longest_refresh`](Self::longest_refresh).
    pub refresh_timeout: SignedDuration,
}

impl ProviderSpec {
    /// Creates the spec of a configured provider that conforms to OAuth 2.0. A starting point for
    /// adapters that do not use the engine.
    #[must_use]
    pub fn new(slug: ProviderSlug, name: &str) -> Self {
        Self {
            slug,
            name: name.to_owned(),
            kind: ProviderKind::OAuth2,
            lifecycle: Lifecycle::Refreshed,
            account_type: format!("{name} account"),
            sign_in_with: None,
            account_summary: None,
            account_help: None,
            account_help_url: None,
            token_type: "Bearer".to_owned(),
            scopes: Vec::new(),
            vocabulary: Vocabulary::default(),
            issuer: None,
            pkce: Pkce::S256,
            multi_account: false,
            session_site: SessionSite::default(),
            capabilities: Capabilities {
                refresh: true,
                revoke: true,
                profile: true,
            },
            problem: None,
            default_lifetime: None,
            refresh_ahead: None,
            refresh_at_percent: None,
            min_refresh_age: SignedDuration::ZERO,
            refreshes_with: RefreshesWith::default(),
            revocation_reach: RevocationReach::default(),
            person_key: None,
            rotates_refresh_token: true,
            replay_window: SignedDuration::ZERO,
            refresh_timeout: DEFAULT_REFRESH_TIMEOUT,
        }
    }

    /// Returns whether all required settings are present and valid.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.problem.is_none()
    }

    /// Returns whether the account's owner pastes session credentials instead of granting consent.
    #[must_use]
    pub fn uses_session_credentials(&self) -> bool {
        self.kind == ProviderKind::Cookies
    }

    /// Returns how long the answer to a refresh is waited for: until the lease of its attempt ends.
    #[must_use]
    pub fn longest_refresh(&self) -> SignedDuration {
        self.refresh_timeout + LATE_ANSWER_TIME
    }

    /// Returns whether a refresh with an unknown outcome may be retried immediately: the provider
    /// never replaces the refresh token, or accepts the replaced one for a while.
    #[must_use]
    pub fn can_retry_refresh(&self) -> bool {
        !self.rotates_refresh_token || self.replay_window.is_positive()
    }

    /// Returns whether it is safe to resend a refresh token that was first sent `elapsed` ago.
    #[must_use]
    pub fn accepts_replay_after(&self, elapsed: SignedDuration) -> bool {
        !self.rotates_refresh_token || elapsed < self.replay_window
    }

    /// Returns how long before its expiry an access token with this lifetime is refreshed;
    /// `None` for the program's default.
    #[must_use]
    pub fn refresh_margin(&self, lifetime: Option<SignedDuration>) -> Option<SignedDuration> {
        let by_percent = self
            .refresh_at_percent
            .zip(lifetime)
            .map(|(at, lifetime)| percent_of(lifetime, 100 - at));
        by_percent.or(self.refresh_ahead)
    }

    /// Returns whether a connection can be refreshed without the user, given whether it has a
    /// refresh token.
    #[must_use]
    pub fn can_refresh(&self, has_refresh_token: bool) -> bool {
        self.capabilities.refresh
            && (has_refresh_token || self.refreshes_with == RefreshesWith::AccessToken)
    }

    /// Returns whether a flow needs a PKCE verifier.
    #[must_use]
    pub fn requires_pkce(&self) -> bool {
        self.pkce != Pkce::None
    }

    /// Returns the scopes that a flow requests: those of the provider and `extra`.
    ///
    /// # Errors
    ///
    /// `BadRequest` if `extra` has a malformed scope (RFC 6749 §3.3) or more than 100 scopes.
    pub fn requested_scopes(&self, extra: &ScopeSet) -> Result<ScopeSet, AdapterError> {
        if extra.iter().count() > 100 || !extra.iter().all(is_scope) {
            return Err(AdapterError::new(
                ErrorClass::BadRequest,
                "a scope is malformed or there are too many",
            ));
        }
        Ok(self
            .scopes
            .iter()
            .map(|scope| scope.id.as_str())
            .chain(extra.iter())
            .collect())
    }
}

/// Returns `percent` percent of a duration, in whole milliseconds.
fn percent_of(duration: SignedDuration, percent: i64) -> SignedDuration {
    let ms = duration.as_millis() * i128::from(percent) / 100;
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Returns whether `text` is a scope of RFC 6749 §3.3 of at most 255 bytes. A comma is not allowed,
/// because some providers separate scopes with it.
pub(crate) fn is_scope(text: &str) -> bool {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x5b | 0x5d..=0x7e);
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> ProviderSpec {
        let mut spec = ProviderSpec::new(ProviderSlug::new("acme").unwrap(), "Acme");
        spec.scopes = vec![ScopeSpec {
            id: "identity".into(),
            label: "See your name".into(),
            required: true,
        }];
        spec
    }

    #[test]
    fn requested_scopes_combine_own_and_extra_scopes() {
        let requested = acme()
            .requested_scopes(&ScopeSet::parse("read identity"))
            .unwrap();
        assert_eq!(requested.to_string(), "identity read");
    }

    #[test]
    fn refresh_margin_follows_percentage_if_lifetime_is_known() {
        let mut spec = acme();
        let seconds = SignedDuration::from_secs;
        assert_eq!(spec.refresh_margin(Some(seconds(86_400))), None);
        (spec.refresh_at_percent, spec.refresh_ahead) = (Some(80), Some(seconds(300)));
        for (lifetime, margin) in [(86_400, 17_280), (10, 2)] {
            assert_eq!(
                spec.refresh_margin(Some(seconds(lifetime))),
                Some(seconds(margin))
            );
        }
        assert_eq!(
            spec.refresh_margin(Some(SignedDuration::MAX)),
            Some(SignedDuration::from_millis(i64::MAX))
        );
        assert_eq!(spec.refresh_margin(None), Some(seconds(300)));
    }

    #[test]
    fn access_token_can_be_refreshed_without_refresh_token() {
        let mut spec = acme();
        assert!(spec.can_refresh(true) && !spec.can_refresh(false));
        spec.refreshes_with = RefreshesWith::AccessToken;
        assert!(spec.can_refresh(false));
        spec.capabilities.refresh = false;
        assert!(!spec.can_refresh(true));
    }

    #[test]
    fn malformed_extra_scope_is_rejected() {
        for bad in ["a b", "a,b", "a\"b", "a\\b", "a\nb", "é", &"a".repeat(256)] {
            let extra: ScopeSet = [bad].into_iter().collect();
            assert!(acme().requested_scopes(&extra).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn refresh_is_retried_only_if_safe_for_grant() {
        let mut spec = acme();
        assert!(!spec.can_retry_refresh());
        spec.replay_window = SignedDuration::from_secs(30);
        assert!(spec.can_retry_refresh());
        spec.replay_window = SignedDuration::ZERO;
        spec.rotates_refresh_token = false;
        assert!(spec.can_retry_refresh());
    }
}
