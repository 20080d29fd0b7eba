//! The words of a provider: how it names granted scopes, and how it reports that the user declined.
//!
//! Most providers share the exceptions below, so they need no keys in a definition.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::ScopeSet;

/// Prefixes of scopes that may be granted without them, and requested without them.
///
/// Sources: Google's page "`OpenID` Connect", which lists `email` and `profile` beside their URLs;
/// Microsoft's page "Scopes and permissions in the Microsoft identity platform".
const OPTIONAL_PREFIXES: &[&str] = &[
    "https://www.googleapis.com/auth/userinfo.",
    "https://graph.microsoft.com/",
    "https://graph.microsoft.us/",
    "https://dod-graph.microsoft.us/",
    "https://microsoftgraph.chinacloudapi.cn/",
];

/// Scopes that control the response instead of access, so that providers do not list them among the
/// granted ones: the two that request a refresh token, and Microsoft's set of all permissions.
const NEVER_RETURNED: &[&str] = &["offline_access", "offline", ".default"];

/// Codes of a declined authorization besides those of a provider's definition.
///
/// Sources: RFC 6749 §4.1.2.1 and RFC 8628 §3.5; `LinkedIn`'s page "Authorization Code Flow"
/// (`user_cancelled_…`); Apple's page "Handling Authorization Responses"; Meta's page "Manually
/// Build a Login Flow" (`user_denied` as the `error_reason`).
const DENIAL_CODES: &[&str] = &[
    "access_denied",
    "authorization_declined",
    "authorization_denied",
    "cancelled",
    "canceled",
    "consent_declined",
    "consent_denied",
    "user_canceled",
    "user_canceled_authorize",
    "user_canceled_login",
    "user_cancelled",
    "user_cancelled_authorization",
    "user_cancelled_authorize",
    "user_cancelled_login",
    "user_declined",
    "user_denied",
];

/// The default of [`Vocabulary::callback_scope`].
const CALLBACK_SCOPE: &str = "scope";

/// The words of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// For each scope, the other names under which it is granted.
    pub scope_aliases: BTreeMap<String, Vec<String>>,
    /// Scopes that the provider grants without listing them.
    pub scopes_not_returned: BTreeSet<String>,
    /// The parameter of the callback that lists the granted scopes. It is read if the token
    /// response lists none.
    pub callback_scope: String,
    /// Codes of a callback which mean that the user declined, in addition to the usual ones.
    pub denial_codes: BTreeSet<String>,
}

impl Default for Vocabulary {
    /// Returns the vocabulary of a provider without words of its own.
    fn default() -> Self {
        Self {
            scope_aliases: BTreeMap::new(),
            scopes_not_returned: BTreeSet::new(),
            callback_scope: CALLBACK_SCOPE.to_owned(),
            denial_codes: BTreeSet::new(),
        }
    }
}

impl Vocabulary {
    /// Returns the requested scopes that were not granted. Names are compared without regard to
    /// case.
    #[must_use]
    pub fn missing_scopes(&self, requested: &ScopeSet, granted: &ScopeSet) -> Vec<String> {
        let granted: BTreeSet<_> = granted.iter().map(canonical).collect();
        let is_granted = |scope: &str| {
            let aliases = self.scope_aliases.get(scope).into_iter().flatten();
            let mut names = aliases.map(String::as_str).chain([scope]);
            self.is_never_returned(scope) || names.any(|name| granted.contains(&canonical(name)))
        };
        requested
            .iter()
            .filter(|scope| !is_granted(scope))
            .map(str::to_owned)
            .collect()
    }

    fn is_never_returned(&self, scope: &str) -> bool {
        let name = scope
            .rsplit('/')
            .next()
            .unwrap_or(scope)
            .to_ascii_lowercase();
        self.scopes_not_returned.contains(scope) || NEVER_RETURNED.contains(&name.as_str())
    }

    /// Returns whether this code of a callback means that the user declined the authorization.
    /// Codes are compared by their letters and digits, without regard to case: `AccessDenied` is
    /// `access_denied`.
    #[must_use]
    pub fn is_denial(&self, code: &str) -> bool {
        let code = essence(code);
        let own = self.denial_codes.iter().map(String::as_str);
        let mut known = DENIAL_CODES.iter().copied().chain(own);
        !code.is_empty() && known.any(|known| essence(known) == code)
    }
}

/// Returns the letters and digits of a code, in lower case.
fn essence(code: &str) -> String {
    let significant = code.chars().filter(char::is_ascii_alphanumeric);
    significant.map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns the form of a scope in which equal scopes have equal text.
fn canonical(scope: &str) -> String {
    let lower = scope.to_ascii_lowercase();
    let short = OPTIONAL_PREFIXES
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix));
    short.map(str::to_owned).unwrap_or(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(vocabulary: &Vocabulary, requested: &str, granted: &str) -> Vec<String> {
        vocabulary.missing_scopes(&ScopeSet::parse(requested), &ScopeSet::parse(granted))
    }

    #[test]
    fn usual_other_names_of_scopes_count_as_granted() {
        for (requested, granted) in [
            (
                "openid email profile",
                "openid https://www.googleapis.com/auth/userinfo.email \
                 https://www.googleapis.com/auth/userinfo.profile",
            ),
            (
                "openid https://www.googleapis.com/auth/userinfo.email",
                "openid email",
            ),
            (
                "offline_access User.Read Mail.Send",
                "User.Read Mail.Send profile openid email",
            ),
            (
                "offline_access User.Read Mail.Send",
                "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Send",
            ),
            ("https://graph.microsoft.com/.default offline", "user.read"),
            ("api://1234/.default", "access"),
            ("https://graph.microsoft.us/user.read", "User.Read"),
        ] {
            let missing = missing(&Vocabulary::default(), requested, granted);
            assert_eq!(missing, Vec::<String>::new(), "{requested} / {granted}");
        }
    }

    #[test]
    fn other_scopes_remain_missing() {
        for (requested, granted, expected) in [
            ("openid email", "openid", vec!["email"]),
            (
                "User.Read",
                "https://elsewhere.example/User.Read",
                vec!["User.Read"],
            ),
            (
                "https://www.googleapis.com/auth/drive",
                "https://www.googleapis.com/auth/drive.readonly",
                vec!["https://www.googleapis.com/auth/drive"],
            ),
        ] {
            let missing = missing(&Vocabulary::default(), requested, granted);
            assert_eq!(missing, expected, "{requested} / {granted}");
        }
    }

    #[test]
    fn definition_adds_aliases_and_unlisted_scopes() {
        let own = Vocabulary {
            scope_aliases: BTreeMap::from([(
                "user:email".to_owned(),
                vec!["mail".to_owned(), "user".to_owned()],
            )]),
            scopes_not_returned: BTreeSet::from(["openid".to_owned()]),
            ..Vocabulary::default()
        };
        assert_eq!(
            missing(&own, "user:email openid", "user"),
            Vec::<String>::new()
        );
        assert_eq!(missing(&own, "user:email user", "mail"), ["user"]);
        assert_eq!(missing(&own, "openid id", ""), ["id"]);
    }

    #[test]
    fn denial_codes_are_compared_without_case_and_separators() {
        let own = Vocabulary {
            denial_codes: BTreeSet::from(["Not_Today".to_owned(), "--".to_owned()]),
            ..Vocabulary::default()
        };
        for code in [
            "access_denied",
            "user_cancelled_login",
            "user_denied",
            "not_today",
            "NOT-TODAY",
            "ACCESS_DENIED",
            "Access_Denied",
            "access-denied",
            "AccessDenied",
            "access_denied ",
            "User Cancelled Login",
        ] {
            assert!(own.is_denial(code), "{code}");
        }
        for code in [
            "access_denied_by_policy",
            "access",
            "server_error",
            "--",
            "",
        ] {
            assert!(!own.is_denial(code), "{code}");
        }
        assert!(!Vocabulary::default().is_denial("not_today"));
    }
}
