//! The checks, by subject.

mod account;
mod consent;
mod exchange;
mod failures;
mod meta;
mod pkce;
mod refresh;
mod revocation;
mod sessions;

use crate::suite::Check;

/// Returns every check.
pub(crate) fn all() -> impl Iterator<Item = &'static Check> {
    [
        consent::CHECKS,
        pkce::CHECKS,
        exchange::CHECKS,
        account::CHECKS,
        refresh::CHECKS,
        revocation::CHECKS,
        failures::CHECKS,
        meta::CHECKS,
        sessions::CHECKS,
    ]
    .into_iter()
    .flatten()
}
