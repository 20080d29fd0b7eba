//! The public facts of a platform, from its definition.

use evergrant_model::ProviderSlug;

use crate::definition::{Definition, Scope};
use crate::spec::{
    Capabilities, Lifecycle, Pkce, ProviderKind, ProviderSpec, RefreshesWith, ScopeSpec,
};

/// The facts of a platform that is reached by OAuth 2.0.
pub(super) fn spec(
    slug: ProviderSlug,
    definition: &Definition,
    problem: Option<String>,
) -> ProviderSpec {
    let standard = ProviderSpec::new(slug, &definition.name);
    let refreshes_itself = definition.tokens.renew.is_some();
    ProviderSpec {
        lifecycle: if definition.tokens.refresh {
            Lifecycle::Refreshes
        } else {
            Lifecycle::Neither
        },
        account_type: definition
            .account
            .kind
            .clone()
            .unwrap_or(standard.account_type),
        sign_in_with: definition.account.sign_in_with.clone(),
        token_type: definition
            .tokens
            .kind
            .clone()
            .unwrap_or(standard.token_type),
        scopes: definition.scopes.iter().map(scope).collect(),
        issuer: definition.issuer.clone(),
        pkce: definition.pkce,
        multi_account: definition.account.multi_account,
        capabilities: Capabilities {
            refresh: definition.tokens.refresh,
            revoke: definition.revocation_url.is_some(),
            profile: true,
        },
        problem,
        default_lifetime_seconds: definition.tokens.default_lifetime_seconds,
        refresh_ahead_seconds: definition.tokens.refresh_ahead_seconds,
        refresh_at_percent: definition.tokens.refresh_at_percent,
        refresh_not_before_seconds: definition.tokens.refresh_not_before_seconds,
        refreshes_with: if refreshes_itself {
            RefreshesWith::AccessToken
        } else {
            RefreshesWith::RefreshToken
        },
        revocation_reach: definition.revocation.reach,
        person_key: definition.revocation.person_key.clone(),
        rotates: definition.tokens.rotates_refresh_token,
        replay_window_seconds: definition.tokens.replay_window_seconds,
        ..standard
    }
}

fn scope(scope: &Scope) -> ScopeSpec {
    match scope {
        Scope::Plain(id) => ScopeSpec {
            id: id.clone(),
            label: id.clone(),
            required: false,
        },
        Scope::Described {
            id,
            label,
            required,
        } => ScopeSpec {
            id: id.clone(),
            label: label.clone().unwrap_or_else(|| id.clone()),
            required: *required,
        },
    }
}

/// The facts of a platform that is reached with a pasted session.
pub(super) fn session_spec(
    slug: ProviderSlug,
    definition: &Definition,
    problem: Option<String>,
    is_checked: bool,
) -> ProviderSpec {
    ProviderSpec {
        kind: ProviderKind::Cookies,
        lifecycle: Lifecycle::Checked,
        pkce: Pkce::None,
        rotates: false,
        capabilities: Capabilities {
            refresh: false,
            revoke: false,
            profile: is_checked,
        },
        ..spec(slug, definition, problem)
    }
}
