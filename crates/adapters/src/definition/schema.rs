//! The schema of a definition, as data. The validator walks it and reports every fault at once.

use super::enums::{
    AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest,
};
use crate::{ErrorClass, Pkce, RevocationReach};

/// One key of a table.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// The kind of value that a key accepts.
pub(super) enum Kind {
    /// Non-empty text.
    Text,
    /// Text that may be empty.
    Param,
    /// The name of a parameter or member.
    Name,
    /// The name of a setting, which is an environment variable.
    Setting,
    /// Text that is searched in whole responses.
    Phrase,
    /// An absolute http or https URL, which may begin with the `{NAME}` of a host.
    Url,
    /// An http or https URL without path and query.
    Origin,
    /// A path segment of a URL.
    Segment,
    /// One of these words.
    OneOf(&'static [&'static str]),
    Boolean,
    /// An integer from the first to the second bound, both included.
    Integer(i64, i64),
    /// A JSON pointer (RFC 6901).
    Pointer,
    /// A single scope (RFC 6749 §3.3).
    Scope,
    /// A table with these keys.
    Table(&'static [Field]),
    /// A table with free keys, except the reserved ones.
    Map(&'static Self, &'static [&'static str]),
    /// A list of such values.
    List(&'static Self),
    /// One such value, or a list of them.
    OneOrMany(&'static Self),
    /// The short form, or a table with these keys.
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

/// Largest duration that a definition may state, in seconds: a hundred years. Adding it to a date
/// cannot overflow.
const MAX_SECONDS: i64 = 3_155_760_000;
const SECONDS: Kind = Kind::Integer(0, MAX_SECONDS);

/// Parameters that the engine sets itself. A definition must not override them: they bind the flow.
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

/// Metadata names that Evergrant sets itself.
const RESERVED_FACTS: &[&str] = &["username", "display_name", "avatar_url"];

const CLASS: Kind = Kind::OneOf(ErrorClass::WORDS);
const REASON: Kind = Kind::OneOf(&[
    "REVOKED_BY_USER",
    "REFRESH_TOKEN_INVALID",
    "SESSION_ENDED",
    "USER_ACTION_AT_PLATFORM",
]);
const CALL: Kind = Kind::OneOf(CallKind::WORDS);
const FACT_KIND: Kind = Kind::OneOf(FactKind::WORDS);

const SCOPE: Kind = Kind::ShortOr(
    &Kind::Scope,
    &[
        required("id", Kind::Scope),
        optional("label", Kind::Text),
        optional("required", Kind::Boolean),
    ],
);
const FACT: Kind = Kind::ShortOr(
    &Kind::Pointer,
    &[required("at", Kind::Pointer), required("type", FACT_KIND)],
);
const ERROR_RULE: Kind = Kind::Table(&[
    optional("on", CALL),
    optional("status", Kind::Integer(100, 599)),
    optional("code", Kind::Text),
    optional("code_at", Kind::Pointer),
    optional("text", Kind::Phrase),
    required("class", CLASS),
    optional("reason", REASON),
    optional("confirm", Kind::Boolean),
]);

const ACCESS_TOKEN_GRANT: Kind = Kind::Table(&[
    optional("url", Kind::Url),
    required("grant_type", Kind::Text),
    optional("token_param", Kind::Name),
    optional("client", Kind::List(&Kind::OneOf(ClientPart::WORDS))),
]);

const ENDPOINTS: &[Field] = &[
    optional("docs", Kind::Url),
    optional("hosts", Kind::Map(&Kind::Origin, &[])),
    optional("variables", Kind::Map(&Kind::Segment, &[])),
    optional("access_token_in", Kind::OneOf(AccessTokenIn::WORDS)),
    optional("userinfo_fields", Kind::Map(&Kind::List(&Kind::Text), &[])),
    optional("unwrap", Kind::Pointer),
];
const CLIENT: &[Field] = &[
    optional("id_param", Kind::Name),
    optional("user_agent", Kind::Text),
    optional("user_agent_env", Kind::Setting),
    optional("pkce_env", Kind::Setting),
    optional("scope_separator", Kind::OneOf(&[" ", ","])),
];
const TOKENS: &[Field] = &[
    optional("type", Kind::Text),
    optional("request", Kind::OneOf(TokenRequest::WORDS)),
    optional("scope_field", Kind::Name),
    optional("long_lived_exchange", ACCESS_TOKEN_GRANT),
    optional("refresh_exchange", ACCESS_TOKEN_GRANT),
    optional("default_lifetime_seconds", SECONDS),
    optional("refresh", Kind::Boolean),
    optional("refresh_ahead_seconds", SECONDS),
    optional("refresh_at_percent", Kind::Integer(1, 99)),
    optional("refresh_not_before_seconds", SECONDS),
    optional("rotates_refresh_token", Kind::Boolean),
    optional("replay_window_seconds", SECONDS),
];
const EXPIRY: &[Field] = &[
    optional("seconds", Kind::Pointer),
    optional("at", Kind::Pointer),
    optional("refresh_seconds", Kind::Pointer),
];
const ACCOUNT: &[Field] = &[
    optional("id", Kind::Pointer),
    optional("username", Kind::Pointer),
    optional("display_name", Kind::Pointer),
    optional("avatar", Kind::Pointer),
    optional("type", Kind::Text),
    optional("sign_in_with", Kind::Text),
    optional("summary", Kind::Text),
    optional("help", Kind::Text),
    optional("help_url", Kind::Url),
    optional("multi_account", Kind::Boolean),
    optional("facts", Kind::List(&Kind::Text)),
    optional("metadata", Kind::Map(&FACT, RESERVED_FACTS)),
];
const REVOCATION: &[Field] = &[
    optional("tokens", Kind::List(&Kind::OneOf(TokenKind::WORDS))),
    optional("reach", Kind::OneOf(RevocationReach::WORDS)),
    optional("person_key", Kind::Text),
];
const ERRORS: Kind = Kind::ShortOr(
    &Kind::List(&ERROR_RULE),
    &[
        optional("codes", Kind::OneOf(ErrorCodes::WORDS)),
        optional("rules", Kind::List(&ERROR_RULE)),
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
    optional("client_id_env", Kind::Setting),
    optional("client_secret", Kind::Text),
    optional("client_secret_env", Kind::Setting),
    optional("client_auth", Kind::OneOf(ClientAuth::WORDS)),
    optional("scopes", Kind::List(&SCOPE)),
    optional("pkce", Kind::OneOf(Pkce::WORDS)),
    optional("authorize_params", Kind::Map(&Kind::Param, RESERVED_PARAMS)),
    optional("issuer", Kind::Text),
    optional(
        "scope_aliases",
        Kind::Map(&Kind::OneOrMany(&Kind::Scope), &[]),
    ),
    optional("scopes_not_returned", Kind::List(&Kind::Scope)),
    optional("callback_scope", Kind::Name),
    optional("denial_codes", Kind::List(&Kind::Text)),
    optional("expiry", Kind::Table(EXPIRY)),
    optional("refresh_timeout", Kind::Integer(1, 60)),
    optional("allow_insecure", Kind::Boolean),
    optional("endpoints", Kind::Table(ENDPOINTS)),
    optional("client", Kind::Table(CLIENT)),
    optional("tokens", Kind::Table(TOKENS)),
    optional("account", Kind::Table(ACCOUNT)),
    optional("revocation", Kind::Table(REVOCATION)),
    optional("errors", ERRORS),
];

/// The keys of a catalogue provider that uses session credentials.
pub(super) const SESSION_FIELDS: &[Field] = &[
    required("kind", Kind::OneOf(&["cookies"])),
    required("name", Kind::Text),
    required(
        "endpoints",
        Kind::Table(&[
            optional("docs", Kind::Url),
            required("userinfo_url_env", Kind::Setting),
            required("sign_in_url", Kind::Url),
            optional("sign_in_url_env", Kind::Setting),
        ]),
    ),
    required(
        "client",
        Kind::Table(&[required("enabled_env", Kind::Setting)]),
    ),
    required("tokens", Kind::Table(&[required("type", Kind::Text)])),
    required("account", Kind::Table(ACCOUNT)),
    optional("errors", ERRORS),
];

/// Keys with a value, each with the key that names the setting for it. Only one of the two is
/// allowed.
pub(super) const EXCLUSIVE: &[(&str, &str)] = &[
    ("client_id", "client_id_env"),
    ("client_secret", "client_secret_env"),
];

/// The exclusive keys of the `client` table.
pub(super) const EXCLUSIVE_IN_CLIENT: (&str, &str) = ("user_agent", "user_agent_env");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_lists_every_key() {
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
