//! The keys of a definition: one table that the checker walks, so that every fault is found in one go.

use super::words::{AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest};
use crate::{ErrorClass, Pkce, RevocationReach};

/// One key.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What may stand behind a key.
pub(super) enum Kind {
    /// Text that is not empty.
    Text,
    /// An absolute http or https address, perhaps beginning with `{NAME}` of a host.
    Url,
    /// An http or https address without path and query.
    Origin,
    /// A part of an address between two slashes.
    Segment,
    /// One of these words.
    Word(&'static [&'static str]),
    Flag,
    /// A whole number in this range.
    Number(i64, i64),
    /// A JSON pointer (RFC 6901).
    Pointer,
    /// A single scope (RFC 6749 §3.3).
    Scope,
    /// A table with these keys.
    Table(&'static [Field]),
    /// A table with keys of the operator's own, except these.
    Map(&'static Self, &'static [&'static str]),
    /// A list.
    Each(&'static Self),
    /// Either the short form or a table.
    ShortOr(&'static Self, &'static [Field]),
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// A hundred years: far enough for any figure, and safe to add to a date.
const LONGEST_SECONDS: i64 = 3_155_760_000;
const SECONDS: Kind = Kind::Number(0, LONGEST_SECONDS);

/// The engine writes these itself; a definition that could would break the flow's bindings.
pub(super) const RESERVED_PARAMS: &[&str] = &[
    "response_type",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
];

/// The names that `AccountInfo` puts into the metadata itself.
const RESERVED_FACTS: &[&str] = &["username", "display_name", "avatar_url"];

const CLASS: Kind = Kind::Word(ErrorClass::WORDS);
const REASON: Kind =
    Kind::Word(&["REVOKED_BY_USER", "REFRESH_TOKEN_INVALID", "SESSION_ENDED", "USER_ACTION_AT_PLATFORM"]);
const CALL: Kind = Kind::Word(CallKind::WORDS);
const FACT_KIND: Kind = Kind::Word(FactKind::WORDS);

const SCOPE: Kind = Kind::ShortOr(
    &Kind::Scope,
    &[required("id", Kind::Scope), optional("label", Kind::Text), optional("required", Kind::Flag)],
);
const FACT: Kind = Kind::ShortOr(&Kind::Pointer, &[required("at", Kind::Pointer), required("type", FACT_KIND)]);
const ACCOUNT: Kind = Kind::Table(&[
    required("id", Kind::Pointer),
    optional("username", Kind::Pointer),
    optional("display_name", Kind::Pointer),
    optional("avatar", Kind::Pointer),
]);
const ERROR_RULE: Kind = Kind::Table(&[
    optional("on", CALL),
    optional("status", Kind::Number(100, 599)),
    optional("code", Kind::Text),
    required("class", CLASS),
    optional("reason", REASON),
    optional("confirm", Kind::Flag),
]);

const ACCESS_TRADE: Kind = Kind::Table(&[
    optional("url", Kind::Url),
    required("grant_type", Kind::Text),
    optional("token_param", Kind::Text),
    optional("client", Kind::Each(&Kind::Word(ClientPart::WORDS))),
]);

/// Every key of a definition, as the README's table lists them.
pub(super) const FIELDS: &[Field] = &[
    required("name", Kind::Text),
    optional("docs", Kind::Url),
    optional("account_type", Kind::Text),
    optional("sign_in_with", Kind::Text),
    optional("token_type", Kind::Text),
    required("authorization_url", Kind::Url),
    required("token_url", Kind::Url),
    optional("revocation_url", Kind::Url),
    required("userinfo_url", Kind::Url),
    optional("hosts", Kind::Map(&Kind::Origin, &[])),
    optional("variables", Kind::Map(&Kind::Segment, &[])),
    optional("client_id", Kind::Text),
    optional("client_id_env", Kind::Text),
    optional("client_secret", Kind::Text),
    optional("client_secret_env", Kind::Text),
    optional("user_agent", Kind::Text),
    optional("user_agent_env", Kind::Text),
    optional("client_auth", Kind::Word(ClientAuth::WORDS)),
    optional("client_id_param", Kind::Text),
    optional("token_request", Kind::Word(TokenRequest::WORDS)),
    optional("unwrap", Kind::Pointer),
    optional("lengthen", ACCESS_TRADE),
    optional("renew", ACCESS_TRADE),
    optional("scopes", Kind::Each(&SCOPE)),
    optional("scope_separator", Kind::Word(&[" ", ","])),
    optional("scope_field", Kind::Text),
    optional("pkce", Kind::Word(Pkce::WORDS)),
    optional("pkce_env", Kind::Text),
    optional("authorize_params", Kind::Map(&Kind::Text, RESERVED_PARAMS)),
    optional("issuer", Kind::Text),
    optional("access_token_in", Kind::Word(AccessTokenIn::WORDS)),
    optional("userinfo_fields", Kind::Map(&Kind::Each(&Kind::Text), &[])),
    optional("account", ACCOUNT),
    optional("facts", Kind::Each(&Kind::Text)),
    optional("metadata", Kind::Map(&FACT, RESERVED_FACTS)),
    optional("default_lifetime_seconds", SECONDS),
    optional("refresh_ahead_seconds", SECONDS),
    optional("refresh_at_percent", Kind::Number(1, 99)),
    optional("refresh_not_before_seconds", SECONDS),
    optional("refresh", Kind::Flag),
    optional("rotates", Kind::Flag),
    optional("replay_window_seconds", SECONDS),
    optional("multi_account", Kind::Flag),
    optional("revoke_tokens", Kind::Each(&Kind::Word(TokenKind::WORDS))),
    optional("revocation_reach", Kind::Word(RevocationReach::WORDS)),
    optional("person_key", Kind::Text),
    optional("error_codes", Kind::Word(ErrorCodes::WORDS)),
    optional("errors", Kind::Each(&ERROR_RULE)),
    optional("allow_insecure", Kind::Flag),
];

/// The keys of a catalogue platform that is reached with a pasted session.
pub(super) const SESSION_FIELDS: &[Field] = &[
    required("kind", Kind::Word(&["cookies"])),
    required("name", Kind::Text),
    optional("docs", Kind::Url),
    required("account_type", Kind::Text),
    required("token_type", Kind::Text),
    required("enabled_env", Kind::Text),
    required("userinfo_url_env", Kind::Text),
    required("account", ACCOUNT),
    optional("facts", Kind::Each(&Kind::Text)),
    optional("metadata", Kind::Map(&FACT, RESERVED_FACTS)),
    optional("errors", Kind::Each(&ERROR_RULE)),
];

/// Pairs of which one says the value and the other names the setting that holds it.
pub(super) const EITHER: &[(&str, &str)] =
    &[("client_id", "client_id_env"), ("client_secret", "client_secret_env"), ("user_agent", "user_agent_env")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_key() {
        let readme = include_str!("../../README.md");
        for field in FIELDS {
            assert!(readme.contains(&format!("| `{}` |", field.name)), "{} is not in the README", field.name);
        }
    }
}
