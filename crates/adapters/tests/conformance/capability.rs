//! The capabilities that a provider claims, derived from its spec. Each one selects checks.

use evergrant_adapters::{
    Capabilities, Lifecycle, Pkce, ProviderKind, ProviderSpec, RefreshesWith, RevocationReach,
};

use crate::entry::Entry;

/// A value of a spec that has an observable effect on how the provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    Kind(ProviderKind),
    Lifecycle(Lifecycle),
    Profile(bool),
    Refresh(bool),
    Revoke(bool),
    Pkce(Pkce),
    /// Whether flows carry a PKCE challenge, in either encoding.
    Challenge(bool),
    /// Whether callbacks name an issuer.
    Issuer(bool),
    MultiAccount(bool),
    RefreshesWith(RefreshesWith),
    Rotates(bool),
    /// Whether a replaced refresh token is still accepted for some time.
    ReplayWindow(bool),
    /// Whether a token must have a minimum age before it can be refreshed.
    MinimumAge(bool),
    Reach(RevocationReach),
    /// The metadata contains a key that is equal for all accounts of a person.
    PersonKey,
    /// Error responses use Meta's Graph API error numbers.
    GraphErrors,
}

/// How each field of a spec is covered. A field that is missing here fails the suite, so a new
/// field needs a decision.
pub(crate) const FIELDS: &[(&str, Coverage)] = &[
    ("slug", Coverage::Label),
    ("name", Coverage::Label),
    ("account_type", Coverage::Label),
    ("sign_in_with", Coverage::Label),
    ("account_summary", Coverage::Label),
    ("account_help", Coverage::Label),
    ("account_help_url", Coverage::Label),
    ("token_type", Coverage::Label),
    ("session_site", Coverage::Label),
    ("problem", Coverage::EveryCheck),
    ("scopes", Coverage::EveryCheck),
    ("vocabulary", Coverage::EveryCheck),
    ("default_lifetime", Coverage::EveryCheck),
    ("refresh_ahead", Coverage::EveryCheck),
    ("refresh_at_percent", Coverage::EveryCheck),
    ("refresh_timeout", Coverage::EveryCheck),
    ("kind", Coverage::Capability),
    ("lifecycle", Coverage::Capability),
    ("issuer", Coverage::Capability),
    ("pkce", Coverage::Capability),
    ("multi_account", Coverage::Capability),
    ("capabilities", Coverage::Capability),
    ("min_refresh_age", Coverage::Capability),
    ("refreshes_with", Coverage::Capability),
    ("revocation_reach", Coverage::Capability),
    ("person_key", Coverage::Capability),
    ("rotates_refresh_token", Coverage::Capability),
    ("replay_window", Coverage::Capability),
];

/// How the suite covers a field of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// Text for people; it does not affect the provider's behavior.
    Label,
    /// An input of the checks of other capabilities.
    EveryCheck,
    /// Read by [`claimed`].
    Capability,
}

/// Returns everything that a provider claims. A value that has no meaning without a missing
/// capability is not a claim.
pub(crate) fn claimed(spec: &ProviderSpec, entry: &Entry) -> Vec<Capability> {
    // Destructured so that a new field of `Capabilities` fails to compile until it is handled here.
    let Capabilities {
        refresh,
        revoke,
        profile,
    } = spec.capabilities;
    let mut claimed = vec![
        Capability::Kind(spec.kind),
        Capability::Lifecycle(spec.lifecycle),
        Capability::Profile(profile),
        Capability::Refresh(refresh),
        Capability::Revoke(revoke),
    ];
    if profile {
        claimed.push(Capability::MultiAccount(spec.multi_account));
        claimed.extend(spec.person_key.is_some().then_some(Capability::PersonKey));
    }
    if spec.kind == ProviderKind::OAuth2 {
        claimed.extend([
            Capability::Pkce(spec.pkce),
            Capability::Challenge(spec.requires_pkce()),
            Capability::Issuer(spec.issuer.is_some()),
        ]);
    }
    if refresh {
        claimed.extend(refresh_claims(spec));
    }
    if revoke {
        claimed.push(Capability::Reach(spec.revocation_reach));
    }
    claimed.extend(entry.uses_graph_errors().then_some(Capability::GraphErrors));
    claimed
}

/// Returns what a provider with refreshes claims about them.
fn refresh_claims(spec: &ProviderSpec) -> Vec<Capability> {
    let mut claimed = vec![
        Capability::RefreshesWith(spec.refreshes_with),
        Capability::MinimumAge(spec.min_refresh_age.is_positive()),
    ];
    if spec.refreshes_with == RefreshesWith::RefreshToken {
        claimed.extend([
            Capability::Rotates(spec.rotates_refresh_token),
            Capability::ReplayWindow(spec.replay_window.is_positive()),
        ]);
    }
    claimed
}
