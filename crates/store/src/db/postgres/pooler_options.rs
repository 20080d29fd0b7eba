//! Options of a connection through a pooler.

use sqlx::postgres::PgConnectOptions;

/// Returns options that a pooler accepts: without start-up options.
pub(crate) fn through_pooler(options: PgConnectOptions) -> PgConnectOptions {
    options.extra_float_digits(None).statement_cache_capacity(0)
}
