//! What is known about a platform, once its definition and the operator's settings have met.

use evergrant_model::{ProviderSlug, ScopeSet, string_enum};

use crate::{AdapterError, ErrorClass};

string_enum! {
    /// How a platform lets us in.
    pub enum ProviderKind {
        /// The authorization code grant of RFC 6749.
        OAuth2 = "oauth2",
        /// A session that the account's owner pastes.
        Cookies = "cookies",
    }
}

/// What keeps the connections of a platform alive, decided once when a definition meets the
/// settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// Tokens are refreshed before they expire.
    Refreshes,
    /// Nothing refreshes the session; the platform is asked at intervals whether it still holds,
    /// where the operator names an address for that.
    Checked,
    /// Tokens are neither refreshed nor checked.
    Neither,
}

string_enum! {
    /// How the challenge is made from the verifier (RFC 7636 §4.2).
    #[derive(Default)]
    pub enum Pkce: Deserialize {
        /// Base64url of the SHA-256, as the RFC says.
        #[default]
        S256 = "S256",
        /// Lower-case hex of the SHA-256: `TikTok` for desktop apps.
        S256Hex = "S256-hex",
        /// The platform does not take one.
        None = "none",
    }
}

/// What a renewal is bought with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RefreshesWith {
    /// The refresh token, as RFC 6749 has it.
    #[default]
    RefreshToken,
    /// The access token itself, as long as it lives: the platform gives no refresh token.
    AccessToken,
}

string_enum! {
    /// How much ends when a grant is revoked at the platform.
    #[derive(Default)]
    pub enum RevocationReach: Deserialize {
        /// That grant.
        #[default]
        Grant = "grant",
        /// Every grant that the person gave us there; see [`ProviderSpec::person_key`].
        Person = "person",
    }
}

/// A permission, as the user is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSpec {
    /// As the platform calls it.
    pub id: String,
    /// As we say it, in plain words.
    pub label: String,
    /// Whether a connection is useless without it.
    pub required: bool,
}

/// What can be done with a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Access tokens are renewed without the user.
    pub refresh: bool,
    /// A grant can be ended from here.
    pub revoke: bool,
    /// The account's facts can be read.
    pub profile: bool,
}

/// A platform.
#[derive(Debug, Clone)]
pub struct ProviderSpec {
    /// Its name in routes, settings and rows.
    pub slug: ProviderSlug,
    /// Its name for people.
    pub name: String,
    /// How it lets us in.
    pub kind: ProviderKind,
    /// What keeps its connections alive.
    pub lifecycle: Lifecycle,
    /// What an account there is called, such as `Reddit User`.
    pub account_type: String,
    /// With whom its users sign in, where that is another platform, such as `Facebook`.
    pub sign_in_with: Option<String>,
    /// What its tokens are like, such as `Permanent (with refresh)`.
    pub token_type: String,
    /// The permissions that every flow asks for.
    pub scopes: Vec<ScopeSpec>,
    /// What `iss` must say in callbacks (RFC 9207); `None` where the platform sends none.
    pub issuer: Option<String>,
    /// How the challenge is made.
    pub pkce: Pkce,
    /// Whether one consent may reach several accounts.
    pub multi_account: bool,
    /// What can be done with a grant.
    pub capabilities: Capabilities,
    /// Why the platform cannot be used yet: names the settings that are missing or wrong, never
    /// their values.
    pub problem: Option<String>,
    /// How long an access token lives where the answer does not say.
    pub default_lifetime_seconds: Option<i64>,
    /// How long before its end an access token is renewed; `None` leaves it to the program's own
    /// rule.
    pub refresh_ahead_seconds: Option<i64>,
    /// At which part of an access token's life it is renewed, in percent; wins over
    /// `refresh_ahead_seconds` where the life is known. Ask
    /// [`ProviderSpec::refresh_margin_seconds`].
    pub refresh_at_percent: Option<i64>,
    /// How old an access token must be before the platform renews it; 0 where it does not mind.
    pub refresh_not_before_seconds: i64,
    /// What a renewal is bought with.
    pub refreshes_with: RefreshesWith,
    /// How much ends when a grant is revoked.
    pub revocation_reach: RevocationReach,
    /// The fact in the metadata that is equal for all accounts of one person, where a revocation
    /// reaches a person.
    pub person_key: Option<String>,
    /// Whether a refresh may replace the refresh token.
    pub rotates: bool,
    /// How long a replaced refresh token still works; 0 where it ends at once or is unknown.
    pub replay_window_seconds: i64,
}

impl ProviderSpec {
    /// A configured OAuth 2.0 platform that keeps to the standard and has no endpoints: the start
    /// for an adapter that does not use the engine.
    #[must_use]
    pub fn new(slug: ProviderSlug, name: &str) -> Self {
        Self {
            slug,
            name: name.to_owned(),
            kind: ProviderKind::OAuth2,
            lifecycle: Lifecycle::Refreshes,
            account_type: format!("{name} account"),
            sign_in_with: None,
            token_type: "Bearer".to_owned(),
            scopes: Vec::new(),
            issuer: None,
            pkce: Pkce::S256,
            multi_account: false,
            capabilities: Capabilities {
                refresh: true,
                revoke: true,
                profile: true,
            },
            problem: None,
            default_lifetime_seconds: None,
            refresh_ahead_seconds: None,
            refresh_at_percent: None,
            refresh_not_before_seconds: 0,
            refreshes_with: RefreshesWith::default(),
            revocation_reach: RevocationReach::default(),
            person_key: None,
            rotates: true,
            replay_window_seconds: 0,
        }
    }

    /// Whether the operator has given all that the platform needs.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.problem.is_none()
    }

    /// Whether the account's owner pastes a session, in place of a consent page.
    #[must_use]
    pub fn takes_pasted_session(&self) -> bool {
        self.kind == ProviderKind::Cookies
    }

    /// Whether a refresh whose fate is unknown may be sent again at once: the platform never
    /// replaces the refresh token, or forgives the replaced one for a while.
    #[must_use]
    pub fn may_resend_refresh(&self) -> bool {
        !self.rotates || self.replay_window_seconds > 0
    }

    /// Whether a refresh token does no harm that was first sent so long ago.
    #[must_use]
    pub fn accepts_replay_after(&self, seconds: i64) -> bool {
        !self.rotates || seconds < self.replay_window_seconds
    }

    /// How long before its end an access token of this life is renewed; `None` leaves it to the
    /// program's own rule.
    #[must_use]
    pub fn refresh_margin_seconds(&self, life_seconds: Option<i64>) -> Option<i64> {
        let by_percent = self
            .refresh_at_percent
            .zip(life_seconds)
            .map(|(at, life)| life.saturating_mul(100 - at) / 100);
        by_percent.or(self.refresh_ahead_seconds)
    }

    /// Whether tokens like these can be renewed without the user.
    #[must_use]
    pub fn can_refresh(&self, has_refresh_token: bool) -> bool {
        self.capabilities.refresh
            && (has_refresh_token || self.refreshes_with == RefreshesWith::AccessToken)
    }

    /// Whether a flow needs a verifier.
    #[must_use]
    pub fn uses_pkce(&self) -> bool {
        self.pkce != Pkce::None
    }

    /// What a flow asks for: the platform's own scopes and `extra`.
    ///
    /// # Errors
    ///
    /// `BadRequest` where a scope of `extra` could not be one (RFC 6749 §3.3) or there are more
    /// than 100.
    pub fn wanted_scopes(&self, extra: &ScopeSet) -> Result<ScopeSet, AdapterError> {
        if extra.iter().count() > 100 || !extra.iter().all(is_scope) {
            return Err(AdapterError::new(
                ErrorClass::BadRequest,
                "a scope is not acceptable",
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

/// Whether `text` is a scope by RFC 6749 §3.3, of a sane length, and without the comma that some
/// platforms divide by.
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
    fn wanted_scopes_are_its_own_and_the_extra_ones() {
        let wanted = acme()
            .wanted_scopes(&ScopeSet::parse("read identity"))
            .unwrap();
        assert_eq!(wanted.to_string(), "identity read");
    }

    #[test]
    fn the_margin_follows_the_life_where_a_percentage_is_stated() {
        let mut spec = acme();
        assert_eq!(spec.refresh_margin_seconds(Some(86_400)), None);
        (spec.refresh_at_percent, spec.refresh_ahead_seconds) = (Some(80), Some(300));
        assert_eq!(spec.refresh_margin_seconds(Some(86_400)), Some(17_280));
        assert_eq!(spec.refresh_margin_seconds(Some(10)), Some(2));
        assert_eq!(
            spec.refresh_margin_seconds(Some(i64::MAX)),
            Some(i64::MAX / 100)
        );
        assert_eq!(spec.refresh_margin_seconds(None), Some(300));
    }

    #[test]
    fn an_access_token_may_renew_itself() {
        let mut spec = acme();
        assert!(spec.can_refresh(true) && !spec.can_refresh(false));
        spec.refreshes_with = RefreshesWith::AccessToken;
        assert!(spec.can_refresh(false));
        spec.capabilities.refresh = false;
        assert!(!spec.can_refresh(true));
    }

    #[test]
    fn refuses_what_cannot_be_a_scope() {
        for bad in ["a b", "a,b", "a\"b", "a\\b", "a\nb", "é", &"a".repeat(256)] {
            let extra: ScopeSet = [bad].into_iter().collect();
            assert!(acme().wanted_scopes(&extra).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn resends_a_refresh_only_where_it_cannot_kill_the_grant() {
        let mut spec = acme();
        assert!(!spec.may_resend_refresh());
        spec.replay_window_seconds = 30;
        assert!(spec.may_resend_refresh());
        spec.replay_window_seconds = 0;
        spec.rotates = false;
        assert!(spec.may_resend_refresh());
    }
}
