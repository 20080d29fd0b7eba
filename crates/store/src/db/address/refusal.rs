//! What a URL is refused for, and the parameters that are accepted without effect.

use crate::StoreError;

/// Returns the error for a malformed URL. `reason` must not contain text of the URL that may be
/// secret.
pub(super) fn invalid(reason: impl Into<String>) -> StoreError {
    StoreError::Address(reason.into())
}

/// Parameters of Prisma, and of libpq's TCP settings, that only configure a client. They have no
/// effect here.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "connection_limit",
    "pool_timeout",
    "pgbouncer",
    "socket_timeout",
    "statement_cache_size",
    "single_use_connections",
    "max_connection_lifetime",
    "max_idle_connection_lifetime",
    "sslidentity",
    "sslpassword",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
];

/// Returns the error for a parameter that is neither supported nor known to have no effect.
pub(super) fn unsupported(name: &str, supported: &[&str]) -> StoreError {
    let is_name = |name: &str| {
        name.len() <= 40
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    // Anything else may be part of a password that contains a question mark.
    let name = if is_name(name) {
        name
    } else {
        "with a malformed name"
    };
    invalid(format!(
        "the parameter {name} is not supported; supported are {}",
        supported.join(", ")
    ))
}
