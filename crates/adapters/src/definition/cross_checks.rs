//! Rules of a definition that concern several keys at once.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Validator, join};
use super::schema::{EXCLUSIVE, EXCLUSIVE_IN_CLIENT, RESERVED_PARAMS};
use super::values::{host_placeholder, placeholders};

/// The parameter that selects how the authorization response is returned (OAuth 2.0 Multiple
/// Response Type Encoding Practices, §2.1).
const RESPONSE_MODE: &str = "response_mode";

/// The end of the message about another `response_mode`.
const READABLE_MODES: &str =
    "must be `query` or `form_post`; Evergrant cannot receive a response in another mode";

fn is_readable(response_mode: &str) -> bool {
    matches!(response_mode, "query" | "form_post")
}

impl Validator<'_> {
    /// Checks that no value is given together with the setting that replaces it, and that a client
    /// has an id, and a secret unless it is public.
    pub(super) fn check_exclusive_keys(&mut self, at: usize, table: &DeTable<'_>) {
        let is_public = table
            .get("client_auth")
            .and_then(|value| value.get_ref().as_str())
            == Some("none");
        for (plain, env) in EXCLUSIVE {
            let required = *plain == "client_id" || (*plain == "client_secret" && !is_public);
            if required && !table.contains_key(*plain) && !table.contains_key(*env) {
                self.fault(at, format!("`{plain}` or `{env}` is missing"));
            }
            self.check_not_both("", table, (plain, env));
        }
        if let Some(client) = subtable(table, "client") {
            self.check_not_both("client", client, EXCLUSIVE_IN_CLIENT);
        }
    }

    fn check_not_both(&mut self, path: &str, table: &DeTable<'_>, (plain, env): (&str, &str)) {
        if let (Some((first, _)), Some((second, _))) =
            (table.get_key_value(plain), table.get_key_value(env))
        {
            let later = first.span().start.max(second.span().start);
            let (plain, env) = (join(path, plain), join(path, env));
            self.fault(later, format!("set `{plain}` or `{env}`, not both"));
        }
    }

    /// Checks that `authorize_params` does not contain the client id, which the engine sets.
    pub(super) fn check_client_id_param(&mut self, table: &DeTable<'_>) {
        let id_param =
            subtable(table, "client").and_then(|client| client.get("id_param")?.get_ref().as_str());
        let clash =
            id_param.and_then(|name| subtable(table, "authorize_params")?.get_key_value(name));
        if let Some((key, _)) = clash {
            self.fault(
                key.span().start,
                "`authorize_params` may not set the client id, which Evergrant sets itself",
            );
        }
    }

    /// Checks that the authorization request returns the response as a query or a form. Any other
    /// `response_mode` never reaches the callback, or not in a form that it can read.
    pub(super) fn check_authorization_request(&mut self, table: &DeTable<'_>) {
        let mode = subtable(table, "authorize_params").and_then(|params| params.get(RESPONSE_MODE));
        if let Some(mode) = mode
            && mode
                .get_ref()
                .as_str()
                .is_some_and(|mode| !is_readable(mode))
        {
            let message = format!("`authorize_params.{RESPONSE_MODE}` {READABLE_MODES}");
            self.fault(mode.span().start, message);
        }
        let Some(url) = table.get("authorization_url") else {
            return;
        };
        let query = url.get_ref().as_str().and_then(|url| url.split_once('?'));
        let query = query.map_or("", |(_, query)| query).as_bytes();
        for (name, value) in url::form_urlencoded::parse(query) {
            let at = url.span().start;
            if RESERVED_PARAMS.contains(&name.as_ref()) {
                let message = format!("the query of `authorization_url` may not set `{name}`");
                self.fault(at, format!("{message}, which Evergrant sets itself"));
            } else if name == RESPONSE_MODE && !is_readable(&value) {
                self.fault(
                    at,
                    format!("`{RESPONSE_MODE}` in `authorization_url` {READABLE_MODES}"),
                );
            }
        }
    }

    /// Checks that each error rule has a condition on the response, and a code for its pointer.
    pub(super) fn check_error_rules(&mut self, table: &DeTable<'_>) {
        let errors = table.get("errors").map(Spanned::get_ref);
        let rules = match errors {
            Some(DeValue::Table(errors)) => errors.get("rules").map(Spanned::get_ref),
            list => list,
        };
        for rule in rules.and_then(DeValue::as_array).into_iter().flatten() {
            let Some(keys) = rule.get_ref().as_table() else {
                continue;
            };
            if let Some((key, _)) = keys.get_key_value("code_at")
                && !keys.contains_key("code")
            {
                self.fault(
                    key.span().start,
                    "`code_at` needs `code`, the value to find there",
                );
            }
            if !["status", "code", "text"]
                .iter()
                .any(|key| keys.contains_key(*key))
            {
                let at = rule.span().start;
                self.fault(at, "an error rule needs `status`, `code` or `text`");
            }
        }
    }

    /// Checks that a table with other account pointers also has the pointer to the account's id.
    pub(super) fn check_account_pointers(&mut self, table: &DeTable<'_>) {
        let Some(account) =
            subtable(table, "account").filter(|account| !account.contains_key("id"))
        else {
            return;
        };
        if ["username", "display_name", "avatar"]
            .iter()
            .any(|key| account.contains_key(*key))
        {
            let at = table.get("account").map_or(0, |value| value.span().start);
            self.fault(at, "`account.id` is missing");
        }
    }

    /// Checks that a `{NAME}` at the beginning of a URL is a host, and any other one a variable.
    pub(super) fn check_placeholders(&mut self, table: &DeTable<'_>) {
        for value in urls(table) {
            let Some(url) = value.get_ref().as_str() else {
                continue;
            };
            let host = host_placeholder(url);
            let hosts = host.map(|name| ("hosts", name));
            let variables = placeholders(url)
                .skip(usize::from(host.is_some()))
                .map(|name| ("variables", name));
            for (map, name) in hosts.into_iter().chain(variables) {
                if !endpoint_map_has(table, map, name) {
                    self.fault(
                        value.span().start,
                        format!("`{name}` is not defined in `endpoints.{map}`"),
                    );
                }
            }
        }
    }
}

/// Returns the values of all keys that hold URLs.
fn urls<'t, 'd>(table: &'t DeTable<'d>) -> impl Iterator<Item = &'t Spanned<DeValue<'d>>> {
    let top_level = table
        .iter()
        .filter(|(key, _)| key.get_ref().ends_with("_url"))
        .map(|(_, value)| value);
    let tokens = subtable(table, "tokens");
    let exchanges = ["long_lived_exchange", "refresh_exchange"]
        .iter()
        .filter_map(move |key| subtable(tokens?, key)?.get("url"));
    top_level.chain(exchanges)
}

/// Returns whether the table `endpoints.{map}` defines `name`.
fn endpoint_map_has(table: &DeTable<'_>, map: &str, name: &str) -> bool {
    subtable(table, "endpoints")
        .and_then(|endpoints| subtable(endpoints, map))
        .is_some_and(|map| map.contains_key(name))
}

/// Returns the table at `key`.
fn subtable<'t, 'd>(table: &'t DeTable<'d>, key: &str) -> Option<&'t DeTable<'d>> {
    table.get(key)?.get_ref().as_table()
}
