//! The keys of a definition: one table that the checker walks, so that every fault is found in one
//! go.

use super::words::{
    AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest,
};
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
    Field {
        name,
        kind,
        required: true,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
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
const REASON: Kind = Kind::Word(&[
    "REVOKED_BY_USER",
    "REFRESH_TOKEN_INVALID",
    "SESSION_ENDED",
    "USER_ACTION_AT_PLATFORM",
]);
const CALL: Kind = Kind::Word(CallKind::WORDS);
const FACT_KIND: Kind = Kind::Word(FactKind::WORDS);

const SCOPE: Kind = Kind::ShortOr(
    &Kind::Scope,
    &[
        required("id", Kind::Scope),
        optional("label", Kind::Text),
        optional("required", Kind::Flag),
    ],
);
const FACT: Kind = Kind::ShortOr(
    &Kind::Pointer,
    &[required("at", Kind::Pointer), required("type", FACT_KIND)],
);
const ERROR_RULE: Kind = Kind::Table(&[
    optional("on", CALL),
    optional("status", Kind::Number(100, 599)),
    optional("code", Kind::Text),
    required("class", CLASS),
    optional("reason", REASON),
    optional("confirm", Kind::Flag),
]);

const ACCESS_TOKEN_GRANT: Kind = Kind::Table(&[
    optional("url", Kind::Url),
    required("grant_type", Kind::Text),
    optional("token_param", Kind::Text),
    optional("client", Kind::Each(&Kind::Word(ClientPart::WORDS))),
]);

const ENDPOINTS: &[Field] = &[
    optional("docs", Kind::Url),
    optional("hosts", Kind::Map(&Kind::Origin, &[])),
    optional("variables", Kind::Map(&Kind::Segment, &[])),
    optional("access_token_in", Kind::Word(AccessTokenIn::WORDS)),
    optional("userinfo_fields", Kind::Map(&Kind::Each(&Kind::Text), &[])),
    optional("unwrap", Kind::Pointer),
];
const CLIENT: &[Field] = &[
    optional("id_param", Kind::Text),
    optional("user_agent", Kind::Text),
    optional("user_agent_env", Kind::Text),
    optional("pkce_env", Kind::Text),
    optional("scope_separator", Kind::Word(&[" ", ","])),
];
const TOKENS: &[Field] = &[
    optional("type", Kind::Text),
    optional("request", Kind::Word(TokenRequest::WORDS)),
    optional("scope_field", Kind::Text),
    optional("long_lived_exchange", ACCESS_TOKEN_GRANT),
    optional("renew", ACCESS_TOKEN_GRANT),
    optional("default_lifetime_seconds", SECONDS),
    optional("refresh", Kind::Flag),
    optional("refresh_ahead_seconds", SECONDS),
    optional("refresh_at_percent", Kind::Number(1, 99)),
    optional("refresh_not_before_seconds", SECONDS),
    optional("rotates_refresh_token", Kind::Flag),
    optional("replay_window_seconds", SECONDS),
];
const ACCOUNT: &[Field] = &[
    optional("id", Kind::Pointer),
    optional("username", Kind::Pointer),
    optional("display_name", Kind::Pointer),
    optional("avatar", Kind::Pointer),
    optional("type", Kind::Text),
    optional("sign_in_with", Kind::Text),
    optional("multi_account", Kind::Flag),
    optional("facts", Kind::Each(&Kind::Text)),
    optional("metadata", Kind::Map(&FACT, RESERVED_FACTS)),
];
const REVOCATION: &[Field] = &[
    optional("tokens", Kind::Each(&Kind::Word(TokenKind::WORDS))),
    optional("reach", Kind::Word(RevocationReach::WORDS)),
    optional("person_key", Kind::Text),
];
const ERRORS: Kind = Kind::ShortOr(
    &Kind::Each(&ERROR_RULE),
    &[
        optional("codes", Kind::Word(ErrorCodes::WORDS)),
        optional("rules", Kind::Each(&ERROR_RULE)),
    ],
);

/// Every key of a definition, as the README's table lists them.
pub(super) const FIELDS: &[Field] = &[
    required("name", Kind::Text),
    required("authorization_url", Kind::Url),
    required("token_url", Kind::Url),
    optional("revocation_url", Kind::Url),
    required("userinfo_url", Kind::Url),
    optional("client_id", Kind::Text),
    optional("client_id_env", Kind::Text),
    optional("client_secret", Kind::Text),
    optional("client_secret_env", Kind::Text),
    optional("client_auth", Kind::Word(ClientAuth::WORDS)),
    optional("scopes", Kind::Each(&SCOPE)),
    optional("pkce", Kind::Word(Pkce::WORDS)),
    optional("authorize_params", Kind::Map(&Kind::Text, RESERVED_PARAMS)),
    optional("issuer", Kind::Text),
    optional("allow_insecure", Kind::Flag),
    optional("endpoints", Kind::Table(ENDPOINTS)),
    optional("client", Kind::Table(CLIENT)),
    optional("tokens", Kind::Table(TOKENS)),
    optional("account", Kind::Table(ACCOUNT)),
    optional("revocation", Kind::Table(REVOCATION)),
    optional("errors", ERRORS),
];

/// The keys of a catalogue platform that is reached with a pasted session.
pub(super) const SESSION_FIELDS: &[Field] = &[
    required("kind", Kind::Word(&["cookies"])),
    required("name", Kind::Text),
    required(
        "endpoints",
        Kind::Table(&[
            optional("docs", Kind::Url),
            required("userinfo_url_env", Kind::Text),
        ]),
    ),
    required(
        "client",
        Kind::Table(&[required("enabled_env", Kind::Text)]),
    ),
    required("tokens", Kind::Table(&[required("type", Kind::Text)])),
    required("account", Kind::Table(ACCOUNT)),
    optional("errors", ERRORS),
];

/// Pairs of which one says the value and the other names the setting that holds it.
pub(super) const EITHER: &[(&str, &str)] = &[
    ("client_id", "client_id_env"),
    ("client_secret", "client_secret_env"),
];

/// The pair of the `client` table.
pub(super) const EITHER_OF_CLIENT: (&str, &str) = ("user_agent", "user_agent_env");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_key() {
        let readme = include_str!("../../README.md");
        for field in FIELDS {
            match &field.kind {
                Kind::Table(fields) | Kind::ShortOr(_, fields) => {
                    for inner in *fields {
                        let path = format!("{}.{}", field.name, inner.name);
                        assert!(
                            readme.contains(&format!("| `{path}` |")),
                            "{path} is not in the README"
                        );
                    }
                }
                _ => assert!(
                    readme.contains(&format!("| `{}` |", field.name)),
                    "{} is not in the README",
                    field.name
                ),
            }
        }
    }
}
