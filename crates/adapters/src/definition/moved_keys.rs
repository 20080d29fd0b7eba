//! The keys of earlier versions and their current names.

/// Old key and current key. `scripts/convert-provider-toml` converts files.
pub(super) const MOVED: &[(&str, &str)] = &[
    ("docs", "endpoints.docs"),
    ("hosts", "endpoints.hosts"),
    ("variables", "endpoints.variables"),
    ("userinfo_fields", "endpoints.userinfo_fields"),
    ("userinfo_url_env", "endpoints.userinfo_url_env"),
    ("access_token_in", "endpoints.access_token_in"),
    ("unwrap", "endpoints.unwrap"),
    ("client_id_param", "client.id_param"),
    ("user_agent", "client.user_agent"),
    ("user_agent_env", "client.user_agent_env"),
    ("pkce_env", "client.pkce_env"),
    ("scope_separator", "client.scope_separator"),
    ("enabled_env", "client.enabled_env"),
    ("token_type", "tokens.type"),
    ("token_request", "tokens.request"),
    ("scope_field", "tokens.scope_field"),
    ("lengthen", "tokens.long_lived_exchange"),
    ("renew", "tokens.refresh_exchange"),
    (
        "default_lifetime_seconds",
        "tokens.default_lifetime_seconds",
    ),
    ("refresh", "tokens.refresh"),
    ("refresh_ahead_seconds", "tokens.refresh_ahead_seconds"),
    ("refresh_at_percent", "tokens.refresh_at_percent"),
    (
        "refresh_not_before_seconds",
        "tokens.refresh_not_before_seconds",
    ),
    ("rotates", "tokens.rotates_refresh_token"),
    ("replay_window_seconds", "tokens.replay_window_seconds"),
    ("account_type", "account.type"),
    ("sign_in_with", "account.sign_in_with"),
    ("multi_account", "account.multi_account"),
    ("facts", "account.facts"),
    ("metadata", "account.metadata"),
    ("revoke_tokens", "revocation.tokens"),
    ("revocation_reach", "revocation.reach"),
    ("person_key", "revocation.person_key"),
    ("error_codes", "errors.codes"),
];

/// Returns the current name of a key of earlier versions.
pub(super) fn current_key(key: &str) -> Option<&'static str> {
    MOVED
        .iter()
        .find(|(old, _)| *old == key)
        .map(|(_, new)| *new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_and_script_list_every_moved_key() {
        let readme = include_str!("../../README.md");
        let script = include_str!("../../../../scripts/convert-provider-toml");
        for (old, new) in MOVED {
            assert!(
                readme.contains(&format!("| `{old}` | `{new}` |")),
                "{old} is not in the README"
            );
            assert!(
                script.contains(&format!("    \"{old}\": \"{new}\",\n")),
                "{old} is not in the script"
            );
        }
        let moves = script
            .lines()
            .filter(|line| line.starts_with("    \"") && line.contains("\": \""));
        assert_eq!(moves.count(), MOVED.len(), "the script lists other keys");
    }
}
