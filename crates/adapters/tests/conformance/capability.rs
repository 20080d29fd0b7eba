//! What a platform claims, value by value: the table between what a spec says and the checks that
//! hold it to that.

use evergrant_adapters::{
    Capabilities, Lifecycle, Pkce, ProviderKind, ProviderSpec, RefreshesWith, RevocationReach,
};

use crate::entry::Entry;

/// One thing that a spec says about its platform and that shows in what the platform does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    Kind(ProviderKind),
    Lifecycle(Lifecycle),
    Profile(bool),
    Refresh(bool),
    Revoke(bool),
    Pkce(Pkce),
    /// Whether flows carry a challenge, in whichever spelling.
    Challenge(bool),
    /// Whether callbacks name an issuer.
    Issuer(bool),
    MultiAccount(bool),
    RefreshesWith(RefreshesWith),
    Rotates(bool),
    /// Whether a replaced refresh token still works for a while.
    ReplayWindow(bool),
    /// Whether a token must have an age before it is renewed.
    MinimumAge(bool),
    Reach(RevocationReach),
    /// A fact that tells which accounts are one person's.
    PersonKey,
    /// Whether refusals use Meta's numbers.
    GraphErrors,
}

/// Where each field of a spec is judged. A field that is not here fails the suite, and so makes
/// whoever adds it say what it claims.
pub(crate) const FIELDS: &[(&str, Judged)] = &[
    ("slug", Judged::Name),
    ("name", Judged::Name),
    ("account_type", Judged::Name),
    ("sign_in_with", Judged::Name),
    ("token_type", Judged::Name),
    ("problem", Judged::EveryCheck),
    ("scopes", Judged::EveryCheck),
    ("default_lifetime_seconds", Judged::EveryCheck),
    ("refresh_ahead_seconds", Judged::EveryCheck),
    ("refresh_at_percent", Judged::EveryCheck),
    ("kind", Judged::Capability),
    ("lifecycle", Judged::Capability),
    ("issuer", Judged::Capability),
    ("pkce", Judged::Capability),
    ("multi_account", Judged::Capability),
    ("capabilities", Judged::Capability),
    ("refresh_not_before_seconds", Judged::Capability),
    ("refreshes_with", Judged::Capability),
    ("revocation_reach", Judged::Capability),
    ("person_key", Judged::Capability),
    ("rotates", Judged::Capability),
    ("replay_window_seconds", Judged::Capability),
];

/// How a field of a spec comes into the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Words for people, which the platform knows nothing of.
    Name,
    /// A value that checks of other capabilities work with.
    EveryCheck,
    /// Read by [`claimed`].
    Capability,
}

/// All that a platform claims. What means nothing where another thing is missing is no claim there.
pub(crate) fn claimed(spec: &ProviderSpec, entry: &Entry) -> Vec<Capability> {
    // In full: a capability that is added does not compile until it is named here.
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
            Capability::Challenge(spec.uses_pkce()),
            Capability::Issuer(spec.issuer.is_some()),
        ]);
    }
    if refresh {
        claimed.extend([
            Capability::RefreshesWith(spec.refreshes_with),
            Capability::MinimumAge(spec.refresh_not_before_seconds > 0),
        ]);
    }
    if refresh && spec.refreshes_with == RefreshesWith::RefreshToken {
        claimed.extend([
            Capability::Rotates(spec.rotates),
            Capability::ReplayWindow(spec.replay_window_seconds > 0),
        ]);
    }
    if revoke {
        claimed.push(Capability::Reach(spec.revocation_reach));
    }
    claimed.extend(entry.speaks_graph().then_some(Capability::GraphErrors));
    claimed
}
