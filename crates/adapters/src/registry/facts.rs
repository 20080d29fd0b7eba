//! Derives the public facts of a provider from its definition.

use evergrant_model::{ProviderSlug, SignedDuration};

use crate::definition::{Definition, Scope};
use crate::spec::{
    Capabilities, Lifecycle, Pkce, ProviderKind, ProviderSpec, RefreshesWith, ScopeSpec,
};
use crate::{SessionSite, Vocabulary};

/// Returns the facts of an OAuth 2.0 provider.
pub(super) fn spec(
    slug: ProviderSlug,
    definition: &Definition,
    problem: Option<String>,
) -> ProviderSpec {
    let defaults = ProviderSpec::new(slug, &definition.name);
    let (tokens, account) = (&definition.tokens, &definition.account);
    ProviderSpec {
        lifecycle: lifecycle(definition),
        account_type: account.kind.clone().unwrap_or(defaults.account_type),
        sign_in_with: account.sign_in_with.clone(),
        account_summary: account.summary.clone(),
        account_help: account.help.clone(),
        account_help_url: account.help_url.clone(),
        token_type: tokens.kind.clone().unwrap_or(defaults.token_type),
        scopes: definition.scopes.iter().map(scope).collect(),
        vocabulary: vocabulary(definition),
        issuer: definition.issuer.clone(),
        pkce: definition.pkce,
        multi_account: account.multi_account,
        capabilities: capabilities(definition),
        problem,
        default_lifetime: tokens
            .default_lifetime_seconds
            .map(SignedDuration::from_secs),
        refresh_ahead: tokens.refresh_ahead_seconds.map(SignedDuration::from_secs),
        refresh_at_percent: tokens.refresh_at_percent,
        min_refresh_age: SignedDuration::from_secs(tokens.refresh_not_before_seconds),
        refreshes_with: refreshes_with(definition),
        revocation_reach: definition.revocation.reach,
        person_key: definition.revocation.person_key.clone(),
        rotates_refresh_token: tokens.rotates_refresh_token,
        replay_window: SignedDuration::from_secs(tokens.replay_window_seconds),
        refresh_timeout: definition
            .refresh_timeout
            .map_or(defaults.refresh_timeout, SignedDuration::from_secs),
        ..defaults
    }
}

fn lifecycle(definition: &Definition) -> Lifecycle {
    if definition.tokens.refresh {
        Lifecycle::Refreshed
    } else {
        Lifecycle::Unmanaged
    }
}

fn capabilities(definition: &Definition) -> Capabilities {
    Capabilities {
        refresh: definition.tokens.refresh,
        revoke: definition.revocation_url.is_some(),
        profile: true,
    }
}

fn refreshes_with(definition: &Definition) -> RefreshesWith {
    if definition.tokens.refresh_exchange.is_some() {
        RefreshesWith::AccessToken
    } else {
        RefreshesWith::RefreshToken
    }
}

fn vocabulary(definition: &Definition) -> Vocabulary {
    let aliases = definition.scope_aliases.iter();
    let defaults = Vocabulary::default();
    Vocabulary {
        scope_aliases: aliases
            .map(|(scope, names)| (scope.clone(), names.as_slice().to_vec()))
            .collect(),
        scopes_not_returned: definition.scopes_not_returned.iter().cloned().collect(),
        callback_scope: definition
            .callback_scope
            .clone()
            .unwrap_or(defaults.callback_scope),
        denial_codes: definition.denial_codes.iter().cloned().collect(),
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

/// Returns the facts of a provider that uses session credentials.
pub(super) fn session_spec(
    slug: ProviderSlug,
    definition: &Definition,
    problem: Option<String>,
    is_checked: bool,
    session_site: SessionSite,
) -> ProviderSpec {
    ProviderSpec {
        kind: ProviderKind::Cookies,
        lifecycle: Lifecycle::Checked,
        pkce: Pkce::None,
        session_site,
        rotates_refresh_token: false,
        capabilities: Capabilities {
            refresh: false,
            revoke: false,
            profile: is_checked,
        },
        ..spec(slug, definition, problem)
    }
}
